"""Garbage collection and log rotation: begun, watched, scheduled and stopped in the portal."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.portal.conftest import Browse
from tests.support.browsing import SIGN_IN, Page
from tests.support.waiting import eventually
from tests.support.world import World


@dataclass(frozen=True)
class Kind:
    """One kind of work: its address here and in the API, its queue, and what its forms can be given."""

    page: str
    api: str
    queue: str
    values: dict[str, Any]
    parameters: dict[str, Any]


_GC = Kind(
    "/harbor/gc",
    "/system/gc",
    "GARBAGE_COLLECTION",
    {"delete_untagged": None, "workers": 3, "dry_run": True},
    {"delete_untagged": False, "workers": 3, "dry_run": True},
)
_PURGE = Kind(
    "/harbor/purge",
    "/system/purgeaudit",
    "PURGE_AUDIT_LOG",
    {"retention": 36, "unit": "hours", "events": ["pull_artifact", "login_user"], "dry_run": True},
    {"audit_retention_hour": 36, "include_event_types": "pull_artifact,login_user", "dry_run": True},
)
KINDS = pytest.mark.parametrize("kind", [_GC, _PURGE], ids=["gc", "purge"])


@pytest.fixture
def held(world: World, kind: Kind) -> Iterator[None]:
    """What is begun in the test waits, so that there is time to look."""
    address = f"/jobservice/queues/{kind.queue}"
    assert world.admin.put(address, json={"action": "pause"}).status_code == 200
    yield
    for action in ("stop", "resume"):
        assert world.admin.put(address, json={"action": action}).status_code == 200


def _begun(page: Page) -> int:
    """The number of the execution whose page this is."""
    return int(page.path.rpartition("/")[2])


def _execution(world: World, kind: Kind, number: int) -> dict[str, Any]:
    found: dict[str, Any] = world.admin.get(f"{kind.api}/{number}").json()
    return found


@KINDS
def test_it_is_begun_and_watched_to_its_end(world: World, browse: Browse, kind: Kind) -> None:
    browser = browse("sysadmin")
    page = browser.submit(f"{kind.page}/run", **kind.values)
    assert page.status == 200
    number = _begun(page)
    assert kind.page == page.path.rpartition("/")[0]
    assert _execution(world, kind, number)["job_kind"] == "MANUAL"
    eventually(lambda: _execution(world, kind, number)["job_status"], lambda status: status == "Success")

    page = browser.open(f"{kind.page}/{number}")
    assert "Success" in page.text
    assert "dry run" in page.text
    assert page.document.select_one(".log").get_text() == world.admin.get(f"{kind.api}/{number}/log").text
    assert not page.has("[hx-get]"), "what has ended is asked for no more"
    assert f"{kind.page}/{number}/stop" not in page.links()
    assert f"/api/v2.0{kind.api}/{number}/log" in page.links()

    if kind is _PURGE:
        assert "Rows deleted 0 would be" in page.text
        assert "purged_rows" not in _execution(world, kind, number)["job_parameters"], (
            "Harbor has no such result"
        )

    history = browser.open(f"{kind.page}?sort=-started")
    assert f"{kind.page}/{number}" in history.links()
    assert "by hand" in history.text


@KINDS
@pytest.mark.usefixtures("held")
def test_what_runs_is_asked_for_again_and_stopped(world: World, browse: Browse, kind: Kind) -> None:
    browser = browse("sysadmin")
    number = _begun(browser.submit(f"{kind.page}/run", **kind.values))
    address = f"{kind.page}/{number}"
    for page in (browser.open(kind.page), browser.open(address)):
        (live,) = page.document.select("[hx-get]")
        assert live["hx-trigger"] == "every 2s"
        assert f"{address}/stop" in page.links()
        mark = str(live["hx-headers"]).split('"')[-2]
        part = browser.client.get(str(live["hx-get"]))
        assert part.status_code == 200
        assert part.text.strip().startswith("<div")
        assert "<html" not in part.text
        assert "csrf" not in part.text, "a token would make it another part each time"
        again = browser.client.get(str(live["hx-get"]), headers={"X-Harbor-Seen": mark})
        assert (again.status_code, again.text) == (204, "")

    page = browser.open(f"{address}/stop")
    assert "not come back" in page.text
    page = browser.send(page)
    assert page.path == address
    assert _execution(world, kind, number)["job_status"] == "Stopped"
    assert "Stopped" in page.text
    assert not page.has("[hx-get]")


@KINDS
@pytest.mark.usefixtures("held")
def test_a_part_ends_with_the_session(browse: Browse, kind: Kind) -> None:
    number = _begun(browse("sysadmin").submit(f"{kind.page}/run", **kind.values))
    for address in (f"{kind.page}/live", f"{kind.page}/{number}/live"):
        answer = browse("anonymous").client.get(address)
        assert answer.status_code == 286, "htmx asks no more"
        assert "Load the page again" in answer.text
        assert "password" not in answer.text


@KINDS
def test_it_is_scheduled(world: World, browse: Browse, kind: Kind) -> None:
    browser = browse("sysadmin")
    schedule = f"{kind.page}/schedule"
    page = browser.submit(schedule, kind="Custom", cron="0 30 2 * * 1", **kind.values)
    assert (page.status, page.path) == (200, kind.page)
    assert "0 30 2 * * 1" in page.text
    found = world.admin.get(f"{kind.api}/schedule").json()
    assert (found["schedule"]["type"], found["schedule"]["cron"]) == ("Custom", "0 30 2 * * 1")
    for name, value in kind.parameters.items():
        assert f'"{name}":{_json(value)}' in found["job_parameters"]

    # Both forms begin with what is scheduled.
    assert browser.open(schedule).form().select_one("[name=cron]")["value"] == "0 30 2 * * 1"
    for address in (schedule, f"{kind.page}/run"):
        assert browser.open(address).has("[name=dry_run][checked]")

    page = browser.submit(schedule, kind="Custom", cron="30 2 * * 1")
    assert page.status == 422
    assert "six fields" in page.text
    assert browser.submit(schedule, kind="None").path == kind.page
    assert world.admin.get(f"{kind.api}/schedule").json() == {}


def _json(value: object) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f'"{value}"'
        if isinstance(value, str)
        else str(value)
    )


@pytest.mark.parametrize(
    ("kind", "values"),
    [(_GC, {"workers": 0}), (_GC, {"workers": 11}), (_PURGE, {"retention": 0}), (_PURGE, {"events": []})],
    ids=["no worker", "too many", "no time", "no event"],
)
def test_nonsense_is_told_and_begins_nothing(
    world: World, browse: Browse, kind: Kind, values: dict[str, Any]
) -> None:
    before = world.admin.get(kind.api).headers["X-Total-Count"]
    page = browse("sysadmin").submit(f"{kind.page}/run", **values)
    assert page.status == 422
    assert page.has(".is-invalid, .invalid-feedback")
    assert world.admin.get(kind.api).headers["X-Total-Count"] == before


@KINDS
def test_who_sees_it(world: World, browse: Browse, kind: Kind) -> None:
    number = _begun(browse("sysadmin").submit(f"{kind.page}/run", **kind.values))
    pages = [kind.page, f"{kind.page}/{number}"]
    forms = [f"{kind.page}/run", f"{kind.page}/schedule", f"{kind.page}/{number}/stop"]
    for address in pages:
        assert browse("auditor").open(address).status == 200
        assert not set(forms) & browse("auditor").open(address).links()
    for address in forms:
        assert browse("auditor").open(address).status == 403
        assert browse("auditor").post(address).status == 403
    for address in [*pages, *forms]:
        assert browse("project_admin").open(address).status == 403
        assert browse("anonymous").open(address).path.startswith(SIGN_IN)
    assert kind.page not in browse("project_admin").open("/harbor/projects").links()
    for name in ("", "/live", "/stop"):
        status = browse("sysadmin").open(f"{kind.page}/999999999{name}").status
        assert status == (286 if name == "/live" else 404)


def test_collection_says_what_it_leaves_alone(browse: Browse) -> None:
    page = browse("sysadmin").open("/harbor/gc")
    assert "stays in the trash for 30 days" in page.text
    assert "that no push under way loses a blob" in page.text or "There is no time window" in page.text
