"""The members of a project in the portal."""

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import Role, add_member, make_project, make_user, unique
from tests.support.browsing import SIGN_IN
from tests.support.world import World

BY_NAME = {"X-Is-Resource-Name": "true"}


def path_of(world: World, project: str) -> str:
    project_id = world.admin.get(f"/projects/{project}").json()["project_id"]
    return f"/harbor/projects/{project_id}/members"


def member_of(world: World, project: str, name: str) -> dict[str, object]:
    answer = world.admin.get(f"/projects/{project}/members", params={"entityname": name}, headers=BY_NAME)
    return next((one for one in answer.json() if one["entity_name"] == name), {})


@pytest.mark.parametrize(
    ("identity", "sees", "changes"),
    [
        ("sysadmin", True, True),
        ("auditor", True, False),
        ("project_admin", True, True),
        ("maintainer", True, False),
        ("developer", True, False),
        ("guest", True, False),
        ("limited_guest", False, False),
        ("outsider", False, False),
    ],
)
def test_who_sees_members_and_who_changes_them(
    world: World, browse: Browse, identity: str, *, sees: bool, changes: bool
) -> None:
    path = path_of(world, world.private)
    browser = browse(identity)
    page = browser.open(path)
    assert page.status == (200 if sees else 403)
    assert (world.people["guest"].name in page.text) == sees
    assert (f"{path}/new/person" in page.links()) == changes
    member = world.members["guest"]
    assert (f"{path}/{member}/remove" in page.links()) == changes
    for further in ("new/person", "new/group", "names/person?name=a", f"{member}", f"{member}/remove"):
        assert browser.open(f"{path}/{further}").status == (200 if changes else 403), further
    if not changes:
        assert browser.post(f"{path}/{member}/remove").status == 403
        assert browser.post(f"{path}/{member}", role="1").status == 403
        assert member_of(world, world.private, world.people["guest"].name)["role_id"] == Role.GUEST


def test_visitors_are_led_to_sign_in(world: World, browse: Browse) -> None:
    for project in (world.private, world.public):
        assert browse("anonymous").open(path_of(world, project)).path.startswith(SIGN_IN)


def test_a_member_is_added_changed_and_removed(world: World, browse: Browse) -> None:
    project, person = make_project(world.admin), make_user(world.admin)
    path = path_of(world, project)
    browser = browse("sysadmin")
    page = browser.submit(
        f"{path}/new/person", name=person.name, role=3, pull_patterns="base/**\r\nweb/*\r\n"
    )
    assert page.path == path
    assert f"{person.name} is a member now." in page.text
    assert "base/**" in page.text
    member = member_of(world, project, person.name)
    assert (member["role_id"], member["pull_patterns"]) == (Role.GUEST, ["base/**", "web/*"])

    page = browser.submit(f"{path}/new/person", name=person.name, role=3)
    assert page.status == 409
    assert "already a member" in page.text

    page = browser.open(f"{path}/{member['id']}")
    assert "base/**\nweb/*" in str(page.form().select_one("[name=pull_patterns]"))
    page = browser.send(page, role=2, push_patterns="base/one")
    changed = member_of(world, project, person.name)
    assert (changed["role_id"], changed["pull_patterns"]) == (Role.DEVELOPER, ["base/**", "web/*"])
    assert changed["push_patterns"] == ["base/one"]

    page = browser.open(f"{path}/{member['id']}/remove")
    assert "You can add the member again" in page.text
    page = browser.send(page)
    assert f"{person.name} is no longer a member." in page.text
    assert not member_of(world, project, person.name)


def test_a_group_is_added(world: World, browse: Browse) -> None:
    project, name = make_project(world.admin), unique("group")
    assert world.admin.post("/usergroups", json={"group_name": name, "group_type": 4}).status_code == 201
    path = path_of(world, project)
    page = browse("sysadmin").submit(f"{path}/new/group", name=name, role=4)
    assert page.path == path
    member = member_of(world, project, name)
    assert (member["entity_type"], member["role_id"]) == ("g", Role.MAINTAINER)


def test_what_is_wrong_is_told_in_the_form(world: World, browse: Browse) -> None:
    path = path_of(world, make_project(world.admin))
    browser = browse("sysadmin")
    name = unique("nobody")
    for kind in ("person", "group"):
        page = browser.submit(f"{path}/new/{kind}", name=name, role=3)
        assert page.status == 422
        assert "not found" in page.text
        assert page.form().select_one("[name=name]")["value"] == name
    person = make_user(world.admin)
    page = browser.submit(f"{path}/new/person", name=person.name, role=3, pull_patterns="ü")
    assert page.status == 400
    assert "printable ASCII" in page.text
    page = browser.submit(f"{path}/new/person", name=person.name, role=9)
    assert page.status == 422
    assert person.name not in browser.open(path).text


def test_names_are_suggested(world: World, browse: Browse) -> None:
    project = make_project(world.admin)
    stem = unique("sug")
    people = {make_user(world.admin, name=f"{stem}-{number}").name for number in range(2)}
    assert world.admin.post("/usergroups", json={"group_name": f"{stem}-g", "group_type": 4}).is_success
    path = path_of(world, project)

    def names(kind: str, text: str) -> set[str]:
        page = browse("sysadmin").open(f"{path}/names/{kind}?name={text}")
        assert page.status == 200
        return {str(option["value"]) for option in page.document.select("option")}

    assert names("person", stem) == people
    assert names("group", stem) == {f"{stem}-g"}
    assert names("person", "") == set()
    assert names("person", "%00") == set()


def test_members_are_searched_and_a_stranger_of_another_project_is_not_there(
    world: World, browse: Browse
) -> None:
    project, person = make_project(world.admin), make_user(world.admin)
    add_member(world.admin, project=project, person=person, role=Role.GUEST)
    path = path_of(world, project)
    page = browse("sysadmin").open(f"{path}?search={person.name[:-2]}")
    assert [row.td.get_text(strip=True) for row in page.document.select("tbody tr")] == [person.name]
    assert "No member matches" in browse("sysadmin").open(f"{path}?search={unique('x')}").text
    other = world.members["guest"]
    assert browse("sysadmin").open(f"{path}/{other}").status == 404
    assert browse("sysadmin").post(f"{path}/{other}/remove").status == 404
