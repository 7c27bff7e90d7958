"""People over the API."""

import re

import pytest

from tests.support.accounts import Person, api, make_user, unique
from tests.support.world import World

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
_OTHER = "Other-Horse-7-Staple"


def test_life_of_a_person(world: World) -> None:
    name = unique("life")
    body = {"username": name, "email": f"{name}@example.com", "realname": "A Person", "password": _OTHER}
    made = world.admin.post("/users", json=body)
    assert (made.status_code, made.content) == (201, b"")
    user_id = int(made.headers["Location"].removeprefix("/api/v2.0/users/"))

    shown = world.admin.get(f"/users/{user_id}").json()
    times = shown.pop("creation_time"), shown.pop("update_time")
    assert all(map(_TIME.match, times))
    assert shown == {
        "user_id": user_id,
        "username": name,
        "email": f"{name}@example.com",
        "realname": "A Person",
        "sysadmin_flag": False,
        "admin_role_in_auth": False,
    }, "an empty comment is left out, false flags are not"

    assert world.admin.put(f"/users/{user_id}/sysadmin", json={"sysadmin_flag": True}).status_code == 200
    with api(world.server.url, Person(name, _OTHER)) as own:
        assert own.get("/users/current").json()["sysadmin_flag"] is True
        assert own.put(f"/users/{user_id}", json={"comment": "moved"}).status_code == 200
        assert own.get("/users/current").json()["comment"] == "moved"
        assert own.get("/users/current").json()["realname"] == "A Person"
    assert world.admin.delete(f"/users/{user_id}").status_code == 200
    assert world.admin.get(f"/users/{user_id}").status_code == 404
    assert world.admin.post("/users", json=body).status_code == 201, "the name is free again"


def test_password(world: World) -> None:
    person = make_user(world.admin)
    path = f"/users/{person.id}/password"
    with api(world.server.url, person) as own:
        wrong = own.put(path, json={"old_password": "no", "new_password": _OTHER})
        assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (403, "FORBIDDEN")
        same = own.put(path, json={"old_password": person.password, "new_password": person.password})
        assert same.status_code == 400
        weak = own.put(path, json={"old_password": person.password, "new_password": "weak"})
        assert weak.status_code == 400
        assert (
            own.put(path, json={"old_password": person.password, "new_password": _OTHER}).status_code == 200
        )
        with api(world.server.url, Person(person.name, _OTHER)) as renewed:
            assert renewed.get("/users/current").json()["username"] == person.name
        assert own.get("/users/current").status_code == 401, "the old password is dead at once"


@pytest.mark.parametrize(
    "change",
    [
        {"username": ""},
        {"username": "a,b"},
        {"email": "nobody"},
        {"realname": "a$b"},
        {"password": "Short-1"},
        {"comment": "c" * 31},
    ],
)
def test_rules(world: World, change: dict[str, str]) -> None:
    name = unique("rules")
    body = {"username": name, "email": f"{name}@example.com", "realname": "R", "password": _OTHER} | change
    answer = world.admin.post("/users", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "BAD_REQUEST")


def test_a_taken_name_conflicts(world: World) -> None:
    body = {"username": "admin", "email": "x@example.com", "realname": "R", "password": _OTHER}
    assert world.admin.post("/users", json=body).status_code == 409


def test_search_finds_parts_and_shows_names_only(world: World) -> None:
    person = make_user(world.admin, name=unique("findme"))
    part = person.name.removeprefix("find")
    found = world.clients["outsider"].get(f"/users/search?username={part}")
    assert found.json() == [{"user_id": person.id, "username": person.name}]
    assert found.headers["X-Total-Count"] == "1"
    assert world.clients["outsider"].get("/users/search").status_code == 422


def test_list_filters(world: World) -> None:
    admins = world.admin.get("/users?q=sysadmin_flag=true,username=admin").json()
    assert [user["user_id"] for user in admins] == [1]


def test_permissions_of_the_caller(world: World) -> None:
    project_id = world.admin.get(f"/projects/{world.private}").json()["project_id"]
    client = world.clients["guest"]
    relative = client.get(f"/users/current/permissions?scope=/project/{project_id}&relative=true").json()
    assert {"resource": "repository", "action": "pull"} in relative
    assert {"resource": ".", "action": "read"} in relative
    assert {"resource": "repository", "action": "push"} not in relative
    absolute = client.get(f"/users/current/permissions?scope=/project/{project_id}").json()
    assert {"resource": f"/project/{project_id}/repository", "action": "pull"} in absolute
    assert {"resource": f"/project/{project_id}", "action": "read"} in absolute
    assert len(absolute) == len(relative)
    assert client.get("/users/current/permissions?scope=/system").json() == []
    assert len(world.admin.get("/users/current/permissions?scope=/system").json()) > 40
    outsider = world.clients["outsider"].get(f"/users/current/permissions?scope=/project/{project_id}")
    missing = world.clients["outsider"].get("/users/current/permissions?scope=/project/999999")
    assert outsider.json() == missing.json() == []


def test_grantable_permissions(world: World) -> None:
    assert {name: len(rows) for name, rows in world.admin.get("/permissions").json().items()} == {
        "system": 70,
        "project": 70,
    }
    assert list(world.clients["project_admin"].get("/permissions").json()) == ["project"]
