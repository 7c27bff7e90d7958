"""The dashboard of jobs in the portal."""

from collections.abc import Iterator

import pytest

from apps.jobs.types import VendorType
from tests.portal.conftest import Browse
from tests.support.accounts import make_project
from tests.support.browsing import SIGN_IN
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.waiting import eventually
from tests.support.world import World

_JOBS = "/harbor/jobs"
_QUEUE = "PURGE_AUDIT_LOG"
_PURGE = {
    "schedule": {"type": "Manual"},
    "parameters": {"audit_retention_hour": 1, "include_event_types": "other", "dry_run": True},
}


@pytest.fixture(autouse=True)
def _resumed(world: World) -> Iterator[None]:
    """Queues run again after the test, whatever it did."""
    yield
    assert world.admin.put("/jobservice/queues/all", json={"action": "resume"}).status_code == 200


def _paused(world: World, queue: str = _QUEUE) -> bool:
    (found,) = [row for row in world.admin.get("/jobservice/queues").json() if row["job_type"] == queue]
    return bool(found["paused"])


def _begin(world: World) -> str:
    answer = world.admin.post("/system/purgeaudit/schedule", json=_PURGE)
    assert answer.status_code == 201
    return f"{world.server.url}{answer.headers['Location']}"


def test_a_queue_is_paused_emptied_and_resumed(world: World, browse: Browse) -> None:
    browser = browse("sysadmin")
    page = browser.open(_JOBS)
    assert len(page.document.select("tbody tr")) == len(VendorType)
    button = page.document.select_one(f"#{_QUEUE}-switch")
    assert (button["value"], button["form"]) == ("pause", "queue-form")
    page = browser.post(str(button["formaction"]), action="pause")
    assert page.path == _JOBS
    assert "It is paused" in page.text
    assert _paused(world)
    assert page.document.select_one(f"#{_QUEUE}-switch")["value"] == "resume"

    execution = _begin(world)
    page = browser.open(_JOBS)
    assert page.document.select_one("[hx-get]")["hx-trigger"] == "every 2s"
    stop = f"{_JOBS}/queues/{_QUEUE}/stop"
    assert stop in page.links()
    page = browser.submit(stop)
    assert "What waited is stopped." in page.text
    assert world.admin.get(execution).json()["job_status"] == "Stopped"
    browser.post(str(button["formaction"]), action="resume")
    assert not _paused(world)


def test_all_queues_at_once(world: World, browse: Browse) -> None:
    browser = browse("sysadmin")
    page = browser.send(browser.open(_JOBS), f"form[action='{_JOBS}/queues/all']", button="pause")
    assert "It is paused" in page.text
    assert _paused(world)
    assert _paused(world, "WEBHOOK")
    execution = _begin(world)
    browser.submit(f"{_JOBS}/queues/all/stop")
    assert world.admin.get(execution).json()["job_status"] == "Stopped"
    browser.send(browser.open(_JOBS), f"form[action='{_JOBS}/queues/all']", button="resume")
    assert not _paused(world)


def test_schedules_are_listed_and_paused(world: World, browse: Browse) -> None:
    browser = browse("sysadmin")
    body = {"schedule": {"type": "Custom", "cron": "0 15 4 * * *"}, "parameters": {}}
    assert world.admin.put("/system/gc/schedule", json=body).status_code == 200
    page = browser.open(f"{_JOBS}/schedules?search=GARBAGE")
    (row,) = page.document.select("tbody tr")
    assert "Garbage collection" in row.get_text()
    assert "0 15 4 * * *" in row.get_text()
    assert row.find("time")
    page = browser.submit(f"{_JOBS}/schedules", "main form[method=post]")
    assert page.status == 400, "no button was pressed"
    page = browser.send(browser.open(f"{_JOBS}/schedules"), button="pause")
    assert "All schedules are paused" in page.text
    assert _paused(world, "SCHEDULER")
    page = browser.send(page, button="resume")
    assert "All schedules are paused" not in page.text
    assert not _paused(world, "SCHEDULER")
    assert world.admin.put("/system/gc/schedule", json={"schedule": {"type": "None"}}).status_code == 200


def test_workers_and_the_log_of_a_job(world: World, browse: Browse) -> None:
    browser = browse("sysadmin")
    (pool,) = eventually(lambda: world.admin.get("/jobservice/pools").json())
    page = browser.open(f"{_JOBS}/workers")
    assert str(pool["worker_pool_id"]) in page.text
    assert page.has("[hx-get]")
    number = _retention(world)
    page = browser.open(f"{_JOBS}/{number}")
    assert "Tag retention" in page.text
    log = world.admin.get(f"/jobservice/jobs/{number}/log").text
    assert page.document.select_one(".log").get_text() == log
    assert not page.has("[hx-get]")
    assert browser.submit(f"{_JOBS}/{number}/stop").path == f"{_JOBS}/workers"
    assert browser.submit(f"{_JOBS}/all/stop").path == f"{_JOBS}/workers"
    assert browser.open(f"{_JOBS}/999999999").status == 404


def _retention(world: World) -> str:
    """The number of the job of a retention that has run: their numbers can be asked for."""
    name = make_project(world.admin)
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{name}/app", make_image(), tag="v1")
    project_id = world.admin.get(f"/projects/{name}").json()["project_id"]
    every = [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}]
    rule = {
        "action": "retain",
        "template": "always",
        "params": {},
        "tag_selectors": every,
        "scope_selectors": {"repository": [{**every[0], "decoration": "repoMatches"}]},
    }
    policy = {
        "algorithm": "or",
        "rules": [rule],
        "trigger": {"kind": "Schedule", "settings": {"cron": ""}},
        "scope": {"level": "project", "ref": project_id},
    }
    answer = world.admin.post("/retentions", json=policy)
    policy_url = f"{world.server.url}{answer.headers['Location']}"
    answer = world.admin.post(f"{policy_url}/executions", json={"dry_run": True})
    assert answer.status_code == 201, answer.text
    execution = f"{world.server.url}{answer.headers['Location']}"
    (task,) = eventually(
        lambda: world.admin.get(f"{execution}/tasks").json(),
        lambda tasks: tasks and tasks[0]["status"] == "Success",
    )
    return str(task["id"])


def test_what_is_not_there_is_refused(browse: Browse) -> None:
    browser = browse("sysadmin")
    assert browser.open(f"{_JOBS}/queues/NOTHING/stop").status == 404
    assert browser.post(f"{_JOBS}/queues/NOTHING", action="pause").status == 404
    assert browser.post(f"{_JOBS}/queues/{_QUEUE}", action="stop").status == 400


def test_who_sees_it(browse: Browse) -> None:
    pages = [_JOBS, f"{_JOBS}/schedules", f"{_JOBS}/workers"]
    stops = [f"{_JOBS}/queues/all/stop", f"{_JOBS}/all/stop", f"{_JOBS}/1/stop"]
    for address in pages:
        page = browse("auditor").open(address)
        assert page.status == 200
        assert not page.has("main form[method=post], main [data-dialog], main button")
        assert browse("project_admin").open(address).status == 403
        assert browse("anonymous").open(address).path.startswith(SIGN_IN)
    for address in stops:
        assert browse("auditor").open(address).status == 403
        assert browse("project_admin").post(address).status == 403
    assert browse("auditor").post(f"{_JOBS}/queues/all", action="pause").status == 403
    assert browse("auditor").post(f"{_JOBS}/schedules", action="pause").status == 403
    assert _JOBS not in browse("project_admin").open("/harbor/projects").links()
