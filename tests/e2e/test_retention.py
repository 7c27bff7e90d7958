"""A retention whose background process is killed in the middle ends as if nothing had happened."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.distribution.documents import EMPTY, manifest_of, push
from tests.support.accounts import api, make_project
from tests.support.http import RegistryClient
from tests.support.server import HarborServer
from tests.support.services import PostgreSQL, Redis
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_IMAGES = 150
_KEPT = 5
_SETTINGS = {"HARBOR_WORKERS": "1", "HARBOR_JOB_LOST_SECONDS": "6", "HARBOR_ACCESS_LOG": "false"}


@pytest.fixture(params=["embedded", "cluster"])
def own_server(request: pytest.FixtureRequest) -> Iterator[HarborServer]:
    settings = dict(_SETTINGS)
    if request.param == "cluster":
        postgresql: PostgreSQL = request.getfixturevalue("postgresql")
        redis: Redis = request.getfixturevalue("redis_server")
        settings["HARBOR_DATABASE_URL"] = postgresql.create_database()
        settings["HARBOR_REDIS_URL"] = redis.fresh_database()
    with HarborServer(settings) as server:
        yield server


@pytest.fixture
def admin(own_server: HarborServer) -> Iterator[httpx.Client]:
    with api(own_server.url, own_server.admin) as client:
        yield client


def test_a_run_whose_worker_is_killed_is_finished(own_server: HarborServer, admin: httpx.Client) -> None:
    project = make_project(admin)
    with RegistryClient(own_server.url, own_server.admin) as registry:
        registry.push_blob(f"{project}/app", EMPTY.data)
        digests = [
            push(registry, f"{project}/app", manifest_of(), tag=f"v{number}") for number in range(_IMAGES)
        ]
    answer = admin.post("/retentions", json=_policy(admin.get(f"/projects/{project}").json()["project_id"]))
    path = answer.headers["Location"].removeprefix("/api/v2.0")
    begun = admin.post(f"{path}/executions", json={"dry_run": False})
    run = begun.headers["Location"].removeprefix("/api/v2.0")

    def deleted() -> int:
        answer = admin.get(f"/projects/{project}/trash", params={"page_size": 1})
        return int(answer.headers["X-Total-Count"])

    def task() -> dict[str, Any]:
        [found] = admin.get(f"{run}/tasks").json()
        return found

    eventually(deleted)
    [worker] = [one for one in own_server.processes() if "harbor_py.worker" in one.cmdline()]
    os.kill(worker.pid, signal.SIGKILL)
    assert 0 < deleted() < _IMAGES - _KEPT

    found = eventually(task, lambda one: one["status"] == "Success", seconds=150)
    assert (found["total"], found["retained"]) == (_IMAGES, _KEPT)
    assert deleted() == _IMAGES - _KEPT
    log = admin.get(f"{run}/tasks/{found['id']}").text
    for digest in digests:
        assert digest in log
    assert log.count("are to be deleted") == 2, "the log goes on in the same place"
    with RegistryClient(own_server.url, own_server.admin) as registry:
        assert len(registry.tags(f"{project}/app").json()["tags"]) == _KEPT
        for number in range(_IMAGES - _KEPT, _IMAGES):
            registry.pull(f"{project}/app", f"v{number}")


def _policy(project_id: int) -> dict[str, Any]:
    selector = {"kind": "doublestar", "pattern": "**"}
    return {
        "algorithm": "or",
        "rules": [
            {
                "action": "retain",
                "template": "latestPushedK",
                "params": {"latestPushedK": _KEPT},
                "tag_selectors": [selector | {"decoration": "matches"}],
                "scope_selectors": {"repository": [selector | {"decoration": "repoMatches"}]},
            }
        ],
        "trigger": {"kind": "Schedule", "settings": {"cron": ""}},
        "scope": {"level": "project", "ref": project_id},
    }
