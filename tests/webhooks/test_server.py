"""Deliveries by a running server whose worker dies, whose broker forgets, whose receivers are slow or away."""

from collections.abc import Iterator

import httpx
import pytest
import redis

from tests.api.test_webhooks import finished, make, policy
from tests.support.accounts import api, make_project
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.receiver import Receiver
from tests.support.server import HarborServer
from tests.support.services import PostgreSQL, Redis
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

# What the broker forgot is told again after two seconds; a receiver may be as slow as it likes.
_SETTINGS = {"HARBOR_JOB_LOST_SECONDS": "3", "HARBOR_WEBHOOK_TIMEOUT": "200"}


@pytest.fixture(scope="module")
def redis_to_restart() -> Iterator[Redis]:
    service = Redis()
    yield service
    service.stop()


@pytest.fixture(scope="module", params=["embedded", "postgres"])
def own_server(
    request: pytest.FixtureRequest, postgresql: PostgreSQL, redis_to_restart: Redis
) -> Iterator[HarborServer]:
    shared = {"HARBOR_DATABASE_URL": postgresql.create_database(), "HARBOR_REDIS_URL": redis_to_restart.url()}
    with HarborServer(_SETTINGS | (shared if request.param == "postgres" else {})) as server:
        yield server


@pytest.fixture
def admin(own_server: HarborServer) -> Iterator[httpx.Client]:
    with api(own_server.url, own_server.admin) as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def push(server: HarborServer, project: str, tag: str = "v1") -> None:
    with RegistryClient(server.url, server.admin) as registry:
        registry.push(f"{project}/app", make_image(), tag=tag)


def test_a_receiver_that_is_down_and_comes_back(
    own_server: HarborServer, admin: httpx.Client, receiver: Receiver
) -> None:
    project = make_project(admin)
    path = make(admin, project, policy(receiver.url))
    receiver.stop()
    push(own_server, project)

    def said() -> str:
        execution = admin.get(f"{path}/executions").json()[0]
        task = admin.get(f"{path}/executions/{execution['id']}/tasks").json()[0]
        return str(task.get("status_message", ""))

    eventually(lambda: "Connection refused" in said())
    assert receiver.requests == []
    receiver.start()
    receiver.wait_for(1)
    [execution] = finished(admin, path)
    assert execution["status"] == "Success"


def test_a_slow_receiver_holds_nobody_up(
    own_server: HarborServer, admin: httpx.Client, receiver: Receiver
) -> None:
    """Neither pushes nor other receivers; and of its own deliveries no more than two are on their way."""
    slow, quick = make_project(admin), make_project(admin)
    with Receiver() as sleeper:
        sleeper.open.clear()
        path = make(admin, slow, policy(sleeper.url))
        make(admin, quick, policy(receiver.url))
        for number in range(12):
            push(own_server, slow, f"v{number}")
        sleeper.wait_for(2)
        for number in range(3):
            push(own_server, quick, f"v{number}")
        receiver.wait_for(3)
        assert len(sleeper.requests) == 2
        # Let go, it gets all of it.
        sleeper.open.set()
        sleeper.wait_for(12)
        rows = finished(admin, path, 12)
    assert {row["status"] for row in rows} == {"Success"}


def test_a_broker_that_forgets(
    own_server: HarborServer, admin: httpx.Client, receiver: Receiver, redis_to_restart: Redis
) -> None:
    project = make_project(admin)
    make(admin, project, policy(receiver.url))
    with redis.Redis.from_url(redis_to_restart.url(), protocol=2) as client:
        for number in range(5):
            push(own_server, project, f"v{number}")
            client.flushall()
    receiver.wait_for(5)
    tags = {request.json["event_data"]["resources"][0]["tag"] for request in receiver.requests}
    assert tags == {f"v{number}" for number in range(5)}
