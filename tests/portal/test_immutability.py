"""Tag immutability of a project in the portal."""

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import make_project
from tests.support.browsing import SIGN_IN
from tests.support.world import World


def place_of(world: World, name: str) -> str:
    project_id = world.admin.get(f"/projects/{name}").json()["project_id"]
    return f"/harbor/projects/{project_id}/tag-strategy/immutable-tag"


def rules_of(world: World, name: str) -> list[dict]:
    return world.admin.get(f"/projects/{name}/immutabletagrules").json() or []


@pytest.mark.parametrize(
    ("identity", "is_let_in"),
    [
        ("limited_guest", False),
        ("guest", False),
        ("developer", False),
        ("maintainer", True),
        ("project_admin", True),
        ("sysadmin", True),
    ],
)
def test_who_sees_the_rules(world: World, browse: Browse, identity: str, is_let_in: bool) -> None:
    path = place_of(world, world.private)
    page = browse(identity).open(path)
    assert page.status == (200 if is_let_in else 403)
    projects = browse(identity).open("/harbor/projects")
    assert projects.status == 200
    assert (f"{path}/new" in page.links()) == is_let_in
    assert browse(identity).open(f"{path}/new").status == (200 if is_let_in else 403)


def test_a_visitor_is_led_to_sign_in(world: World, browse: Browse) -> None:
    assert browse("anonymous").open(place_of(world, world.private)).path.startswith(SIGN_IN)


def test_life_of_a_rule(world: World, browse: Browse) -> None:
    name = make_project(world.admin)
    path, browser = place_of(world, name), browse("sysadmin")
    assert "No immutability rules" in browser.open(path).text

    page = browser.submit(
        f"{path}/new", repository_pattern="web/*", tag_decoration="excludes", tag_pattern="dev-*"
    )
    assert "The rule is added." in page.text
    assert "matching web/*" in page.text
    assert "all but those matching dev-*" in page.text
    [rule] = rules_of(world, name)
    assert rule["tag_selectors"] == [{"kind": "doublestar", "decoration": "excludes", "pattern": "dev-*"}]
    assert rule["scope_selectors"]["repository"][0]["pattern"] == "web/*"
    place = f"{path}/{rule['id']}"
    assert {f"{place}/edit", f"{place}/delete"} <= page.links()

    page = browser.send(page, f'form[action="{place}/switch"]')
    assert "The rule is disabled." in page.text
    assert rules_of(world, name)[0]["disabled"] is True
    page = browser.send(page, f'form[action="{place}/switch"]')
    assert "disabled" not in rules_of(world, name)[0]

    page = browser.open(f"{place}/edit")
    assert page.form().select_one("[name=tag_pattern]")["value"] == "dev-*"
    page = browser.send(page, tag_decoration="matches", tag_pattern="**")
    assert "The rule is changed." in page.text
    assert rules_of(world, name)[0]["tag_selectors"][0] == {
        "kind": "doublestar", "decoration": "matches", "pattern": "**",
    }  # fmt: skip

    assert "You can add the same rule again." in browser.open(f"{place}/delete").text
    assert "The rule is deleted." in browser.submit(f"{place}/delete").text
    assert rules_of(world, name) == []
    assert browser.open(f"{place}/edit").status == 404


def test_what_is_wrong_is_told_in_the_form(world: World, browse: Browse) -> None:
    name = make_project(world.admin)
    path, browser = place_of(world, name), browse("sysadmin")
    page = browser.submit(f"{path}/new", tag_pattern="a,b")
    assert page.status == 422
    assert "Write several patterns between braces: {a,b}" in page.text
    assert page.form().select_one("[name=tag_pattern]")["value"] == "a,b"
    assert browser.submit(f"{path}/new", tag_pattern="{a").status == 400
    assert browser.submit(f"{path}/new", tag_pattern="v*").status == 200
    page = browser.submit(f"{path}/new", tag_pattern="v*")
    assert page.status == 409
    assert "there already" in page.text
    assert len(rules_of(world, name)) == 1


def test_what_the_form_does_not_show_stays(world: World, browse: Browse) -> None:
    name = make_project(world.admin)
    selectors = [{"kind": "doublestar", "decoration": "matches", "pattern": one} for one in ("v*", "*-final")]
    scope = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}
    answer = world.admin.post(
        f"/projects/{name}/immutabletagrules",
        json={"tag_selectors": selectors, "scope_selectors": scope, "priority": 7},
    )
    assert answer.status_code == 201
    [rule] = rules_of(world, name)
    page = browse("sysadmin").open(f"{place_of(world, name)}/{rule['id']}/edit")
    assert "further patterns" in page.text
    assert browse("sysadmin").send(page, tag_pattern="w*").status == 200
    [rule] = rules_of(world, name)
    assert [one["pattern"] for one in rule["tag_selectors"]] == ["w*", "*-final"]
    assert rule["priority"] == 7


def test_who_may_not_write_does_not(world: World, browse: Browse) -> None:
    path = place_of(world, world.private)
    for identity in ("guest", "developer", "outsider"):
        for place in ("new", "1/edit", "1/switch", "1/delete"):
            assert browse(identity).post(f"{path}/{place}", tag_pattern="**").status == 403
