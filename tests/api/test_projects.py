"""Projects, members and metadata over the API."""

import secrets

import pytest

from tests.support.accounts import Role, add_member, make_project, make_user, unique
from tests.support.world import World


def test_life_of_a_project(world: World) -> None:
    name = unique("life")
    body = {"project_name": name, "metadata": {"public": "false", "auto_scan": "true"}, "storage_limit": 4096}
    made = world.admin.post("/projects", json=body)
    assert made.status_code == 201
    project_id = int(made.headers["Location"].removeprefix("/api/v2.0/projects/"))

    shown = world.admin.get(f"/projects/{project_id}").json()
    assert shown["metadata"] == {"public": "false", "auto_scan": "true"}
    assert (shown["repo_count"], shown["current_user_role_id"], shown["current_user_role_ids"]) == (0, 1, [1])
    assert shown["owner_name"] == "admin"
    assert "deleted" not in shown
    assert shown["cve_allowlist"]["items"] == []

    update = {"metadata": {"public": "true"}}
    assert world.admin.put(f"/projects/{name}", json=update).status_code == 200
    assert world.admin.get(f"/projects/{name}").json()["metadata"] == {"public": "true", "auto_scan": "true"}
    assert world.clients["anonymous"].get(f"/projects/{name}").json()["current_user_role_ids"] is None

    summary = world.admin.get(f"/projects/{name}/summary").json()
    assert summary == {
        "repo_count": 0,
        "project_admin_count": 1,
        "quota": {"hard": {"storage": 4096}, "used": {"storage": 0}},
    }
    assert world.clients["anonymous"].get(f"/projects/{name}/summary").json() == {"repo_count": 0}
    assert world.admin.get(f"/projects/{name}/_deletable").json() == {"deletable": True}
    assert world.admin.delete(f"/projects/{name}").status_code == 200
    assert world.admin.get(f"/projects/{name}").status_code == 404
    assert world.admin.head(f"/projects?project_name={name}").status_code == 404


def test_location_by_name(world: World) -> None:
    name = unique("named")
    headers = {"X-Resource-Name-In-Location": "true"}
    answer = world.admin.post("/projects", json={"project_name": name}, headers=headers)
    assert answer.headers["Location"] == f"/api/v2.0/projects/{name}"


def test_a_name_of_digits_is_an_id_unless_the_header_says_otherwise(world: World) -> None:
    name = str(10**9 + secrets.randbelow(10**9))
    make_project(world.admin, name=name)
    assert world.admin.get(f"/projects/{name}").status_code == 404
    by_name = world.admin.get(f"/projects/{name}", headers={"X-Is-Resource-Name": "true"})
    assert by_name.json()["name"] == name


def test_a_project_with_repositories_stays(world: World) -> None:
    answer = world.admin.delete(f"/projects/{world.private}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (412, "PRECONDITION")
    deletable = world.admin.get(f"/projects/{world.private}/_deletable").json()
    assert list(deletable) == ["message"], "false is left out, as Harbor does"


def test_who_sees_which_projects(world: World) -> None:
    def names(identity: str) -> set[str]:
        rows = world.clients[identity].get("/projects?page_size=100").json()
        return {row["name"] for row in rows} & {world.private, world.public}

    for identity in ("anonymous", "outsider"):
        assert names(identity) == {world.public}
    for identity in ("limited_guest", "developer", "robot", "sysadmin"):
        assert names(identity) == {world.private, world.public}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name={private}", 1),
        ("q=name%3D{private}", 1),
        ("q=name%3D{private},public%3Dtrue", 0),
        ("q=name%3D{private}&public=false", 1),
        ("q=name%3D{private}&public=1", 0),
        ("q=name%3D{private}&owner=admin", 1),
        ("q=name%3D{private},owner%3Dnobody", 0),
    ],
)
def test_list_filters(world: World, query: str, found: int) -> None:
    answer = world.admin.get(f"/projects?{query.format(private=world.private)}")
    assert len(answer.json()) == found
    assert answer.headers["X-Total-Count"] == str(found)


def test_what_would_be_lost_is_refused(world: World) -> None:
    assert (
        world.admin.post("/projects", json={"project_name": unique("lost"), "registry_id": 3}).status_code
        == 400
    )


def test_life_of_a_member(world: World) -> None:
    project = make_project(world.admin)
    person = make_user(world.admin)
    member_id = add_member(world.admin, project=project, person=person, role=Role.GUEST)
    path = f"/projects/{project}/members/{member_id}"
    shown = world.admin.get(path).json()
    project_id = world.admin.get(f"/projects/{project}").json()["project_id"]
    assert shown == {
        "id": member_id,
        "project_id": project_id,
        "entity_name": person.name,
        "entity_id": person.id,
        "entity_type": "u",
        "role_id": 3,
        "role_name": "guest",
    }
    again = {"role_id": 2, "member_user": {"user_id": person.id}}
    assert world.admin.post(f"/projects/{project}/members", json=again).status_code == 409
    assert world.admin.put(path, json={"role_id": 4}).status_code == 200
    assert world.admin.get(path).json()["role_name"] == "maintainer"
    listed = world.admin.get(f"/projects/{project}/members?entityname={person.name[3:]}")
    assert [row["id"] for row in listed.json()] == [member_id]
    assert world.admin.delete(path).status_code == 200
    assert world.admin.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"role_id": 7, "member_user": {"username": "admin"}}, 400),
        ({"role_id": 1}, 400),
        ({"role_id": 1, "member_user": {"username": "nobody-at-all"}}, 404),
        ({"role_id": 1, "member_group": {"group_name": "no-such-group"}}, 404),
        ({"role_id": 1, "member_group": {"id": 999999}}, 404),
        ({"role_id": 1, "member_user": {"username": "admin"}, "push_patterns": ["a["]}, 400),
        ({"role_id": 1, "member_user": {"username": "admin"}, "pull_patterns": [""]}, 400),
        ({"role_id": 1, "member_user": {"username": "admin"}, "pull_patterns": "a"}, 400),
        ({"role_id": "one"}, 400),
    ],
)
def test_members_that_cannot_be(world: World, body: dict[str, object], status: int) -> None:
    assert world.admin.post(f"/projects/{world.private}/members", json=body).status_code == status


def test_metadata_one_by_one(world: World) -> None:
    project = make_project(world.admin)
    path = f"/projects/{project}/metadatas/"
    assert world.admin.get(path).json() == {"public": "false"}
    assert world.admin.post(path, json={"auto_scan": "true"}).status_code == 200
    assert world.admin.post(path, json={"auto_scan": "true"}).status_code == 409
    assert world.admin.post(path, json={"auto_scan": "true", "severity": "low"}).status_code == 400
    assert world.admin.get(f"{path}auto_scan").json() == {"auto_scan": "true"}
    assert world.admin.put(f"{path}auto_scan", json={"severity": "low"}).status_code == 400
    assert world.admin.put(f"{path}auto_scan", json={"auto_scan": "false"}).status_code == 200
    assert world.admin.get(f"/projects/{project}").json()["metadata"]["auto_scan"] == "false"
    assert world.admin.delete(f"{path}auto_scan").status_code == 200
    assert world.admin.get(f"{path}auto_scan").status_code == 404
    assert world.admin.put(f"{path}public", json={"public": "true"}).status_code == 200
    assert world.clients["anonymous"].get(f"/projects/{project}").status_code == 200
