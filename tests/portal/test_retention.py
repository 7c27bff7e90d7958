"""Tag retention of a project in the portal: rules, schedule, runs and what they tell."""

from typing import Any

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import make_project
from tests.support.browsing import SIGN_IN, Browser, Page
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.waiting import eventually
from tests.support.world import World


class Place:
    """A project of its own and its pages."""

    def __init__(self, world: World, name: str = "") -> None:
        self.world = world
        self.name = name or make_project(world.admin)
        self.id = self.project()["project_id"]
        self.path = f"/harbor/projects/{self.id}/tag-strategy/tag-retention"

    def project(self) -> dict[str, Any]:
        return self.world.admin.get(f"/projects/{self.name}").json()

    def policy(self) -> dict[str, Any]:
        number = self.project()["metadata"]["retention_id"]
        return self.world.admin.get(f"/retentions/{number}").json()

    def push(self, *tags: str, repository: str = "app") -> None:
        with RegistryClient(self.world.server.url, self.world.server.admin) as client:
            for tag in tags:
                client.push(f"{self.name}/{repository}", make_image(), tag=tag)


@pytest.fixture
def place(world: World) -> Place:
    return Place(world)


def links_to(page: Page, end: str) -> list[str]:
    return sorted(link for link in page.links() if link.endswith(end))


@pytest.mark.parametrize(
    ("identity", "is_let_in"),
    [
        ("limited_guest", False),
        ("guest", False),
        ("developer", True),
        ("maintainer", True),
        ("project_admin", True),
    ],
)
def test_who_gets_there(world: World, browse: Browse, identity: str, is_let_in: bool) -> None:
    path = Place(world, world.private).path
    expected = 200 if is_let_in else 403
    page = browse(identity).open(path)
    assert page.status == expected
    assert (f"{path}/rules/new" in page.links()) == is_let_in
    assert browse(identity).open(f"{path}/rules/new").status == expected
    if not is_let_in:
        for end in (
            "rules/new",
            "rules/x/edit",
            "rules/x/switch",
            "rules/x/delete",
            "schedule",
            "run",
            "dry-run",
        ):
            assert browse(identity).post(f"{path}/{end}").status == 403
        assert browse(identity).open(f"{path}/live").status == 286
    assert browse("anonymous").open(path).path.startswith(SIGN_IN)


def test_life_of_rules(place: Place, browse: Browse) -> None:
    browser, path = browse("sysadmin"), place.path
    page = browser.open(path)
    assert "No retention rules" in page.text
    assert not page.has(f'form[action="{path}/dry-run"]')

    page = browser.submit(f"{path}/rules/new", number=3, tag_pattern="{v*,w*}", untagged=None)
    assert "The rule is added." in page.text
    assert "retain the 3 most recently pushed artifacts" in page.text
    [rule] = place.policy()["rules"]
    assert (rule["template"], rule["params"]) == ("latestPushedK", {"latestPushedK": 3})
    assert rule["tag_selectors"] == [
        {"kind": "doublestar", "decoration": "matches", "pattern": "{v*,w*}", "extras": '{"untagged":false}'}
    ]

    page = browser.submit(f"{path}/rules/new", template="always", repository_pattern="base/**")
    assert "retain all artifacts" in page.text
    assert len(place.policy()["rules"]) == 2
    page = browser.submit(f"{path}/rules/new", template="always", repository_pattern="base/**")
    assert page.status == 409

    edit = next(link for link in links_to(browser.open(path), "/edit") if "base" in _pattern(browser, link))
    page = browser.submit(edit, template="nDaysSinceLastPull", number=1)
    assert "retain artifacts pulled within the last day" in page.text
    assert place.policy()["rules"][1]["params"] == {"nDaysSinceLastPull": 1}
    # The rule that the address names was changed since: nobody overwrites what they have not seen.
    assert browser.open(edit).status == 404
    assert browser.post(edit.replace("/edit", "/switch"), disabled="true").status == 404

    edit = next(link for link in links_to(page, "/edit") if "base" in _pattern(browser, link))
    page = browser.send(page, f'form[action="{edit.replace("/edit", "/switch")}"]')
    assert "The rule is disabled." in page.text
    assert [bool(rule.get("disabled")) for rule in place.policy()["rules"]] == [False, True]

    for link in links_to(page, "/delete"):
        if "/rules/" in link:
            assert "What only this rule keeps is deleted" in browser.open(link).text
            assert "The rule is deleted." in browser.submit(link).text
    assert place.policy().get("rules") == []
    assert "The retention policy is deleted." in browser.submit(f"{path}/delete").text
    assert "retention_id" not in place.project()["metadata"]


def _pattern(browser: Browser, link: str) -> str:
    return str(browser.open(link).form().select_one("[name=repository_pattern]")["value"])


def test_fifteen_rules_are_the_most(place: Place, browse: Browse) -> None:
    browser, path = browse("sysadmin"), place.path
    for number in range(1, 16):
        assert browser.submit(f"{path}/rules/new", number=number).status == 200
    assert f"{path}/rules/new" not in browser.open(path).links()
    page = browser.submit(f"{path}/rules/new", number=16)
    assert page.status == 400
    assert "only 15 tag retention rules" in page.text
    assert browser.submit(f"{path}/rules/new", number=0).status == 422


def test_a_schedule(place: Place, browse: Browse) -> None:
    browser, path = browse("sysadmin"), place.path
    assert browser.open(f"{path}/schedule").status == 200
    assert browser.submit(f"{path}/schedule", kind="Daily").status == 404
    page = browser.submit(f"{path}/rules/new")
    assert "It does not run by itself." in page.text
    page = browser.submit(f"{path}/schedule", kind="Daily")
    assert "Every day at midnight (UTC)" in page.text
    assert "Next run:" in page.text
    assert place.policy()["trigger"]["settings"]["cron"] == "0 0 0 * * *"
    page = browser.submit(f"{path}/schedule", kind="Custom", cron="0 30 2 * * 1-5")
    assert "0 30 2 * * 1-5" in page.text
    page = browser.open(f"{path}/schedule")
    assert page.form().select_one("[name=cron]")["value"] == "0 30 2 * * 1-5"
    for cron in ("", "nonsense", "1 0 0 * * *", "0 0 * * *", "0 0 0 31 2 *"):
        page = browser.submit(f"{path}/schedule", kind="Custom", cron=cron)
        assert page.status == 422, cron
        assert page.has("[name=cron].is-invalid")
    assert len(place.policy()["rules"]) == 1
    # What was typed for another choice does not count.
    page = browser.submit(f"{path}/schedule", kind="None", cron="nonsense")
    assert "It does not run by itself." in page.text
    assert place.policy()["trigger"]["settings"]["cron"] == ""


def test_a_dry_run_and_a_run(place: Place, browse: Browse) -> None:
    browser, path = browse("sysadmin"), place.path
    place.push("v1", "v2", "v3")
    page = browser.submit(f"{path}/rules/new", number=1)

    page = browser.send(page, f'form[action="{path}/dry-run"]')
    assert "The dry run has begun." in page.text
    page = finished(browser, page.path)
    assert "Would be deleted" in page.text
    cells = [cell.get_text(" ", strip=True) for cell in page.document.select("tbody tr td")]
    assert cells[2:6] == ["app", "3", "1", "2"]
    [task] = [link for link in page.links() if "/tasks/" in link]
    page = browser.open(task)
    rows = {
        row.select("td")[2].get_text(): row.td.get_text(strip=True)
        for row in page.document.select("tbody tr")
    }
    assert rows == {"v3": "retained", "v1": "would be deleted", "v2": "would be deleted"}
    assert "3 in all, 1 retained, 2 would be deleted" in page.text
    assert "+--" not in page.text
    log = browser.open(next(link for link in page.links() if link.startswith("/api/")))
    assert log.status == 200
    assert "| RETAIN" in log.answer.text
    assert len(tags_of(place)) == 3

    page = browser.open(f"{path}/run")
    assert "can be restored from the trash" in page.text
    page = finished(browser, browser.send(page).path)
    [task] = [link for link in page.links() if "/tasks/" in link]
    assert "kept by" not in browser.open(task).text
    assert tags_of(place) == {"v3"}

    page = browser.open(path)
    assert [row.select("td")[3].get_text(strip=True) for row in page.document.select("#live tbody tr")] == [
        "Run that deletes", "Dry run",
    ]  # fmt: skip
    assert not page.has("[hx-get]")
    stop = f"{task.rpartition('/tasks/')[0]}/stop"
    assert "are being looked at end soon" in browser.open(stop).text
    assert "Success" in browser.submit(stop).text


def test_a_run_of_nothing_and_one_of_another_project(place: Place, world: World, browse: Browse) -> None:
    browser, path = browse("sysadmin"), place.path
    browser.submit(f"{path}/rules/new")
    page = browser.submit(f"{path}/run")
    page = finished(browser, page.path)
    assert "No enabled rule speaks of a repository" in page.text
    number = page.path.rpartition("/")[2]
    other = Place(world)
    browser.submit(f"{other.path}/rules/new")
    assert browser.open(f"{other.path}/executions/{number}").status == 404
    assert browser.open(f"{other.path}/executions/{number}/stop").status == 404


def finished(browser: Browser, path: str) -> Page:
    """The page when its live part asks no more."""
    page = browser.open(path)
    if part := page.document.select_one("[hx-get]"):
        eventually(lambda: browser.open(str(part["hx-get"])), lambda live: not live.has("[hx-get]"))
        page = browser.open(path)
    return page


def tags_of(place: Place) -> set[str]:
    found = place.world.admin.get(
        f"/projects/{place.name}/repositories/app/artifacts", params={"page_size": 100}
    ).json()
    return {tag["name"] for artifact in found for tag in artifact.get("tags") or ()}
