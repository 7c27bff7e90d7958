"""Groups and their people in pages."""

from tests.portal.conftest import Browse
from tests.support.accounts import make_user, unique
from tests.support.browsing import SIGN_IN
from tests.support.world import World

GROUPS = "/harbor/groups"


def make_group(world: World) -> tuple[str, str]:
    name = unique("group")
    answer = world.admin.post("/usergroups", json={"group_name": name, "group_type": 4})
    return name, answer.headers["Location"].rpartition("/")[2]


def members(world: World, group: str) -> list[str]:
    return [member["username"] for member in world.admin.get(f"/usergroups/{group}/members").json()]


def test_who_sees_them(world: World, browse: Browse) -> None:
    name, group = make_group(world)
    for identity in ("sysadmin", "auditor"):
        page = browse(identity).open(f"{GROUPS}?search={name}")
        assert f"{GROUPS}/{group}" in page.links()
        assert (f"{GROUPS}/new" in page.links()) == (identity == "sysadmin")
        page = browse(identity).open(f"{GROUPS}/{group}")
        assert (f"{GROUPS}/{group}/members/new" in page.links()) == (identity == "sysadmin")
    for identity in ("project_admin", "outsider"):
        assert browse(identity).open(GROUPS).status == 403
        assert browse(identity).open(f"{GROUPS}/{group}").status == 403
    for path in (f"{GROUPS}/new", f"{GROUPS}/{group}/edit", f"{GROUPS}/{group}/delete"):
        assert browse("auditor").open(path).status == 403
        assert browse("auditor").post(path).status == 403
    assert browse("anonymous").open(GROUPS).path.startswith(SIGN_IN)


def test_a_group_from_its_beginning_to_its_end(world: World, browse: Browse) -> None:
    browser, name = browse("sysadmin"), unique("team")
    page = browser.submit(f"{GROUPS}/new", group_name=name)
    assert f"The group {name} is there." in page.text
    path = page.path
    group = path.rpartition("/")[2]
    found = world.admin.get(f"/usergroups/{group}").json()
    assert (found["group_name"], found["group_type"]) == (name, 4)
    assert browser.submit(f"{GROUPS}/new", group_name=name).status == 409

    person = make_user(world.admin)
    page = browser.submit(f"{path}/members/new", username=person.name)
    assert f"{person.name} is in the group {name} now." in page.text
    assert members(world, group) == [person.name]
    page = browser.open(f"{GROUPS}?search={name}")
    assert [cell.get_text(strip=True) for cell in page.document.select("tbody td")][:3] == [
        name,
        "local",
        "1",
    ]
    page = browser.submit(f"{path}/members/new", username=unique("nobody"))
    assert page.status == 422
    assert "There is nobody of this name." in page.text
    assert browser.submit(f"{path}/members/new", username=person.name).status == 409

    page = browser.send(browser.open(f"{path}/members/{person.id}/remove"))
    assert f"{person.name} is no longer in the group {name}." in page.text
    assert members(world, group) == []
    assert browser.open(f"{path}/members/{person.id}/remove").status == 404

    page = browser.submit(f"{path}/edit", group_name=f"{name}-2")
    assert page.title == f"{name}-2"
    page = browser.send(browser.open(f"{path}/delete"))
    assert f"The group {name}-2 is deleted." in page.text
    assert world.admin.get(f"/usergroups/{group}").status_code == 404


def test_names_are_suggested(world: World, browse: Browse) -> None:
    _name, group = make_group(world)
    stem = unique("sug")
    people = [make_user(world.admin, name=f"{stem}-{number}") for number in range(3)]
    path, browser = f"{GROUPS}/{group}/members", browse("sysadmin")
    page = browser.open(f"{path}/new")
    field = page.document.select_one("input[name=username]")
    assert field["hx-get"] == f"{path}/names"
    assert page.has(f"datalist#{field['list']}")
    assert field["hx-target"] == f"#{field['list']}"

    def names(text: str) -> set[str]:
        page = browser.open(f"{path}/names?username={text}")
        assert page.status == 200
        return {str(option["value"]) for option in page.document.select("option")}

    assert names(stem) == {person.name for person in people}
    browser.submit(f"{path}/new", username=people[0].name)
    assert names(stem) == {person.name for person in people[1:]}, "those who are in it are not named"
    assert names("") == names("%00") == set()
    assert browse("auditor").open(f"{path}/names?username={stem}").status == 403


def test_a_directory_keeps_its_own_people(world: World, browse: Browse) -> None:
    answer = world.admin.post("/usergroups", json={"group_name": unique("oidc"), "group_type": 3})
    path = f"{GROUPS}/{answer.headers['Location'].rpartition('/')[2]}"
    browser = browse("sysadmin")
    assert f"{path}/members/new" not in browser.open(path).links()
    page = browser.submit(f"{path}/members/new", username=world.people["guest"].name)
    assert page.status == 412
    assert "kept by its directory" in page.text
