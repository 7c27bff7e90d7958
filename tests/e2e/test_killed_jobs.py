"""Every kind of job, cut off in its middle: its worker is killed, or Redis forgets everything while it runs."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.e2e.works import WORKS, Running, Work
from tests.support.accounts import api
from tests.support.server import HarborServer
from tests.support.services import PostgreSQL, Redis
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# A dead worker is missed after six seconds; a receiver may take as long as it likes.
_SETTINGS = {
    "HARBOR_WORKERS": "1",
    "HARBOR_ACCESS_LOG": "false",
    "HARBOR_JOB_LOST_SECONDS": "6",
    "HARBOR_GC_TIME_WINDOW_HOURS": "0",
    "HARBOR_WEBHOOK_TIMEOUT": "200",
}


@dataclass(frozen=True)
class Node:
    """A server of the tests here; ``redis`` is its own, in embedded mode none."""

    server: HarborServer
    admin: httpx.Client
    redis: Redis | None


@pytest.fixture(scope="module", params=["embedded", "cluster"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    if request.param == "embedded":
        yield from _node(_SETTINGS, None)
        return
    postgresql: PostgreSQL = request.getfixturevalue("postgresql")
    redis = Redis()
    try:
        shared = {"HARBOR_DATABASE_URL": postgresql.create_database(), "HARBOR_REDIS_URL": redis.url()}
        yield from _node(_SETTINGS | shared, redis)
    finally:
        redis.stop()


def _node(settings: dict[str, str], redis: Redis | None) -> Iterator[Node]:
    with HarborServer(settings) as server, api(server.url, server.admin) as admin:
        yield Node(server, admin, redis)


@pytest.fixture(params=list(WORKS))
def work(request: pytest.FixtureRequest, node: Node) -> Iterator[Work]:
    work: Work = WORKS[request.param](node.server, node.admin)
    yield work
    work.close()


def test_a_worker_that_is_killed(node: Node, work: Work) -> None:
    running = Running(work, node.server, node.admin)
    killed, log = node.server.worker(), running.log()
    killed.kill()
    killed.wait(20)
    assert work.is_under_way(), "or it was not killed in the middle of anything"

    eventually(lambda: running.runs() == 2)
    work.go_on()
    running.check_end(runs=2, log_before=log)
    assert node.server.worker().pid != killed.pid


@pytest.mark.parametrize("node", ["cluster"], indirect=True)
def test_a_redis_that_loses_everything(node: Node, work: Work) -> None:
    assert node.redis is not None
    running = Running(work, node.server, node.admin)
    log = running.log()
    # Told, and not begun: what is told is in Redis.
    waiting = _begin_waiting(node, count=5)
    node.redis.lose_everything()
    assert work.is_under_way()

    work.go_on()
    running.check_end(runs=1, log_before=log)
    for url in (*waiting, *_begin_waiting(node, count=1)):
        eventually(lambda url=url: node.admin.get(url).json()["job_status"], lambda found: found == "Success")


def _begin_waiting(node: Node, *, count: int) -> list[str]:
    """Purges of which one runs at a time."""
    found = []
    for _ in range(count):
        answer = node.admin.post(
            "/system/purgeaudit/schedule",
            json={
                "schedule": {"type": "Manual"},
                "parameters": {
                    "audit_retention_hour": 24,
                    "include_event_types": "create_robot",
                    "dry_run": True,
                },
            },
        )
        assert answer.status_code == 201, answer.text
        found.append(answer.headers["Location"].removeprefix("/api/v2.0"))
    return found
