"""The dashboard of jobs over HTTP."""

from collections.abc import Iterator

import pytest

from apps.jobs.types import VendorType
from tests.support.waiting import eventually
from tests.support.world import World

_PURGE = {
    "schedule": {"type": "Manual"},
    "parameters": {"audit_retention_hour": 1, "include_event_types": "other", "dry_run": True},
}


@pytest.fixture
def resumed(world: World) -> Iterator[None]:
    """Queues run again after the test, whatever it did."""
    yield
    assert world.admin.put("/jobservice/queues/all", json={"action": "resume"}).status_code == 200


def _act(world: World, queue: str, action: str) -> int:
    return world.admin.put(f"/jobservice/queues/{queue}", json={"action": action}).status_code


def _queue(world: World, name: str = "PURGE_AUDIT_LOG") -> dict[str, object]:
    (found,) = [row for row in world.admin.get("/jobservice/queues").json() if row["job_type"] == name]
    return found


def _begin(world: World) -> str:
    """A purge; its URL."""
    answer = world.admin.post("/system/purgeaudit/schedule", json=_PURGE)
    assert answer.status_code == 201, answer.text
    return f"{world.server.url}{answer.headers['Location']}"


def _status(world: World, url: str) -> str:
    return world.admin.get(url).json()["job_status"]


def test_pools_and_their_workers(world: World) -> None:
    (pool,) = eventually(lambda: world.admin.get("/jobservice/pools").json())
    assert pool["concurrency"] == 10
    assert pool["pid"] in {process.pid for process in world.server.processes()}

    for pool_id in (pool["worker_pool_id"], "all"):
        workers = world.admin.get(f"/jobservice/pools/{pool_id}/workers").json()
        assert len(workers) == len({worker["id"] for worker in workers}) == 10
        assert {worker["pool_id"] for worker in workers} == {pool["worker_pool_id"]}
    assert world.admin.get("/jobservice/pools/nothing/workers").status_code == 404


def test_queues_are_harbors(world: World) -> None:
    found = world.admin.get("/jobservice/queues").json()
    assert [row["job_type"] for row in found] == list(VendorType)
    assert {row["paused"] for row in found} == {False}


@pytest.mark.usefixtures("resumed")
def test_a_queue_is_paused_emptied_and_resumed(world: World) -> None:
    assert _act(world, "PURGE_AUDIT_LOG", "pause") == 200
    first, second = _begin(world), _begin(world)
    found = _queue(world)
    assert found["paused"] is True
    assert found["count"] >= 2
    assert _status(world, first) == "Running", "as Harbor has it: some of it is not finished"

    assert _act(world, "PURGE_AUDIT_LOG", "stop") == 200
    assert [_status(world, url) for url in (first, second)] == ["Stopped", "Stopped"]
    third = _begin(world)
    assert _act(world, "PURGE_AUDIT_LOG", "resume") == 200
    eventually(lambda: _status(world, third), lambda found: found == "Success")


@pytest.mark.usefixtures("resumed")
def test_one_execution_is_stopped(world: World) -> None:
    assert _act(world, "PURGE_AUDIT_LOG", "pause") == 200
    url = _begin(world)
    assert world.admin.put(url).status_code == 200
    assert _status(world, url) == "Stopped"


@pytest.mark.usefixtures("resumed")
def test_schedules_are_paused(world: World) -> None:
    assert _act(world, "SCHEDULER", "pause") == 200
    assert world.clients["guest"].get("/schedules/all/paused").json() == {"paused": True}
    assert _act(world, "all", "resume") == 200
    assert world.clients["guest"].get("/schedules/all/paused").json() == {"paused": False}

    answer = world.clients["guest"].get("/schedules/GARBAGE_COLLECTION/paused")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "job_type can only be 'all'"


def test_jobs_that_are_not_there(world: World) -> None:
    for job_id in ("999999", "nothing", "9" * 30, "0"):
        assert world.admin.put(f"/jobservice/jobs/{job_id}", json={"action": "stop"}).status_code == 200
        assert world.admin.get(f"/jobservice/jobs/{job_id}/log").status_code == 404
    assert world.admin.put("/jobservice/jobs/all", json={"action": "stop"}).status_code == 200


def test_what_cannot_be_done_to_a_queue(world: World) -> None:
    assert _act(world, "PURGE_AUDIT_LOG", "empty") == 400
    assert _act(world, "PURGE_AUDIT_LOG", "") == 400
    assert _act(world, "NOTHING", "pause") == 404
    assert world.admin.put("/jobservice/queues/all").status_code == 422
