"""Groups over the API, as members of projects too."""

import pytest

from tests.support.accounts import Role, api, make_project, make_user, unique
from tests.support.world import REPOSITORY, World

LOCAL = 4


def _make_group(world: World, name: str, kind: int = LOCAL, **fields: str) -> int:
    answer = world.admin.post("/usergroups", json={"group_name": name, "group_type": kind} | fields)
    assert answer.status_code == 201, answer.text
    return int(answer.headers["Location"].rpartition("/")[2])


def test_life_of_a_group(world: World) -> None:
    name = unique("group")
    group = _make_group(world, name)
    path = f"/usergroups/{group}"
    assert world.admin.get(path).json() == {"id": group, "group_name": name, "group_type": LOCAL}
    assert world.admin.post("/usergroups", json={"group_name": name, "group_type": LOCAL}).status_code == 409
    assert world.admin.put(path, json={"group_name": f"{name}-new"}).status_code == 200
    listed = world.admin.get(f"/usergroups?group_name={name}")
    assert [row["group_name"] for row in listed.json()] == [f"{name}-new"]
    assert listed.headers["X-Total-Count"] == "1"
    found = world.clients["outsider"].get(f"/usergroups/search?groupname={name.upper()}").json()
    assert found == [{"id": group, "group_name": f"{name}-new", "group_type": LOCAL}]
    assert world.admin.get("/usergroups/search").status_code == 422
    assert world.admin.get("/usergroups/search?groupname=").json() == []
    assert world.admin.get("/usergroups/0").status_code == 400
    assert world.admin.delete(path).status_code == 200
    assert world.admin.delete(path).status_code == 404
    log = world.admin.get(f"/auditlog-exts?q=resource_type=usergroup,resource=~{name}").json()
    assert sorted(row["operation"] for row in log) == ["create", "delete", "update"]


def test_a_group_of_ldap(world: World) -> None:
    name = unique("ldap")
    group = _make_group(world, name, 1, ldap_group_dn=f"cn={name},dc=x")
    assert world.admin.get(f"/usergroups/{group}").json()["ldap_group_dn"] == f"cn={name},dc=x"
    same = {"group_name": "other", "group_type": 1, "ldap_group_dn": f"cn={name},dc=x"}
    assert world.admin.post("/usergroups", json=same).status_code == 409
    person = {"user_id": world.people["outsider"].id}
    assert world.admin.post(f"/usergroups/{group}/members", json=person).status_code == 412


def test_people_of_a_group_have_its_role_at_once(world: World) -> None:
    project, person = make_project(world.admin), make_user(world.admin)
    name = unique("group")
    group = _make_group(world, name)
    body = {"role_id": int(Role.MAINTAINER), "member_group": {"group_name": name, "group_type": LOCAL}}
    made = world.admin.post(f"/projects/{project}/members", json=body)
    assert made.status_code == 201, made.text
    member = int(made.headers["Location"].rpartition("/")[2])
    assert world.admin.post(f"/projects/{project}/members", json=body).status_code == 409
    shown = world.admin.get(f"/projects/{project}/members/{member}").json()
    assert shown | {"project_id": 0} == {
        "id": member,
        "project_id": 0,
        "entity_name": name,
        "entity_id": group,
        "entity_type": "g",
        "role_id": 4,
        "role_name": "maintainer",
    }
    listed = world.admin.get(f"/projects/{project}/members?entityname={name[1:]}").json()
    assert listed == [shown]
    assert world.admin.get(f"/projects/{project}/summary").json()["maintainer_count"] == 1

    with api(world.server.url, person) as client:
        assert client.get(f"/projects/{project}").status_code == 403
        joined = world.admin.post(f"/usergroups/{group}/members", json={"username": person.name})
        assert joined.status_code == 201
        assert joined.headers["Location"] == f"/api/v2.0/usergroups/{group}/members/{person.id}"
        people = world.admin.get(f"/usergroups/{group}/members").json()
        assert people == [{"user_id": person.id, "username": person.name}]
        own = {"role_id": int(Role.GUEST), "member_user": {"user_id": person.id}}
        assert world.admin.post(f"/projects/{project}/members", json=own).status_code == 201
        seen = client.get(f"/projects/{project}").json()
        assert (seen["current_user_role_id"], seen["current_user_role_ids"]) == (4, [4, 3])
        assert project in [row["name"] for row in client.get("/projects?page_size=100").json()]

        assert (
            world.admin.put(f"/projects/{project}/members/{member}", json={"role_id": 5}).status_code == 200
        )
        assert client.get(f"/projects/{project}").json()["current_user_role_ids"] == [3, 5]
        left = world.admin.delete(f"/usergroups/{group}/members/{person.id}")
        assert left.status_code == 200
        assert client.get(f"/projects/{project}").json()["current_user_role_ids"] == [3]
    assert world.admin.delete(f"/projects/{project}/members/{member}").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"group_name": ""},
        {"group_name": "x", "group_type": 9},
        {"group_name": "x"},
        {"group_name": "x", "group_type": 1},
        {"group_name": "x\x00", "group_type": LOCAL},
    ],
)
def test_groups_that_cannot_be(world: World, body: dict[str, object]) -> None:
    assert world.admin.post("/usergroups", json=body).status_code == 400


def test_an_auditor(world: World) -> None:
    person = make_user(world.admin)
    path = f"/users/{person.id}"
    assert "auditor_flag" not in world.admin.get(path).json()
    with api(world.server.url, person) as client:
        assert client.get(f"/projects/{world.private}").status_code == 403
        flag = {"auditor_flag": True}
        assert client.put(f"{path}/auditor", json=flag).status_code == 403
        assert world.admin.put(f"{path}/auditor", json=flag).status_code == 200
        assert world.admin.get(path).json()["auditor_flag"] is True
        assert client.get("/users/current").json()["auditor_flag"] is True
        assert client.get(f"/projects/{world.private}").status_code == 200
        assert world.private in [row["name"] for row in client.get("/projects?page_size=0").json()]
        scope = client.get(f"/projects/{world.private}").json()["project_id"]
        held = client.get(f"/users/current/permissions?scope=/project/{scope}&relative=true").json()
        assert {row["action"] for row in held} == {"read", "list", "pull"}
        held = client.get("/users/current/permissions?scope=/system&relative=true").json()
        assert {row["action"] for row in held} == {"read", "list"}
        name = f"{world.private}/repositories/{REPOSITORY.replace('/', '%252F')}"
        assert client.get(f"/projects/{name}/artifacts").status_code == 200
        assert client.delete(f"/projects/{name}").status_code == 403
        assert client.post("/projects", json={"project_name": unique("mine")}).status_code == 403
        assert world.admin.put(f"{path}/auditor", json={"auditor_flag": False}).status_code == 200
        assert client.get(f"/projects/{world.private}").status_code == 403
    log = world.admin.get(f"/auditlog-exts?q=resource_type=user,resource={person.name}").json()
    assert {"set auditor", "unset auditor"} <= {row["operation_description"] for row in log}
