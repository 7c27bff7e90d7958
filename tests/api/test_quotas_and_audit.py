"""Quotas and the audit log over the API, and the access log."""

import json

from tests.support.accounts import make_project, unique
from tests.support.http import RegistryClient, error_codes
from tests.support.images import make_image
from tests.support.world import World


def test_quota(world: World) -> None:
    project = make_project(world.admin, limit=1_000_000)
    project_id = world.admin.get(f"/projects/{project}").json()["project_id"]
    (quota,) = world.admin.get(f"/quotas?reference=project&reference_id={project_id}").json()
    assert quota["ref"] == {"id": project_id, "name": project, "owner_name": "admin"}
    assert (quota["hard"], quota["used"]) == ({"storage": 1_000_000}, {"storage": 0})
    path = f"/quotas/{quota['id']}"
    for bad in ({}, {"hard": {}}, {"hard": {"storage": 0}}, {"hard": {"storage": -2}}, {"hard": {"cpu": 1}}):
        assert world.admin.put(path, json=bad).status_code == 400, bad
    assert world.admin.put(path, json={"hard": {"storage": 1000}}).status_code == 200
    assert world.admin.get(path).json()["hard"] == {"storage": 1000}
    with RegistryClient(world.server.url, world.server.admin) as client:
        refused = client.post_upload(f"{project}/app")
        if refused.status_code == 202:
            data = bytes(2000)
            refused = client.put(refused.headers["Location"], "sha256:" + "0" * 64, data)
        assert refused.status_code in {400, 403}
        world.admin.put(path, json={"hard": {"storage": -1}})
        client.push(f"{project}/app", make_image(), tag="v1")
    assert world.admin.get(path).json()["used"]["storage"] > 20_000


def test_quotas_sort_by_what_is_used(world: World) -> None:
    used = [
        row["used"]["storage"] for row in world.admin.get("/quotas?sort=-used.storage&page_size=100").json()
    ]
    assert used == sorted(used, reverse=True)
    assert used[0] > 0
    assert world.admin.get("/quotas?reference=planet").json() == []
    assert world.admin.get("/quotas?reference_id=x").status_code == 422


def test_audit_of_a_project(world: World) -> None:
    project = make_project(world.admin)
    image = make_image()
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{project}/app", image, tag="v1")
    world.admin.delete(f"/projects/{project}/repositories/app/artifacts/v1")
    rows = world.admin.get(f"/projects/{project}/auditlog-exts?page_size=100").json()
    kinds = [(row["operation"], row["resource_type"]) for row in rows]
    assert ("create", "project") in kinds
    assert ("create", "artifact") in kinds
    assert kinds.index(("delete", "artifact")) < kinds.index(("create", "artifact")), "newest first"
    assert all(row["username"] == "admin" and row["operation_result"] is True for row in rows)
    older = world.admin.get(f"/projects/{project}/logs").json()
    assert {tuple(sorted(row)) for row in older} == {
        ("id", "op_time", "operation", "resource", "resource_type", "username")
    }
    filtered = world.admin.get(f"/projects/{project}/logs?q=operation=delete,resource_type=artifact").json()
    assert [row["resource"] for row in filtered] == [f"{project}/app:v1"]


def test_a_row_says_where_the_change_came_from(world: World) -> None:
    project = make_project(world.admin)
    query = f"resource={project},method=POST,credential=password,address=127.0.0.1"
    (row,) = world.admin.get(f"/auditlog-exts?q={query}").json()
    assert (row["operation"], row["resource_type"]) == ("create", "project")
    assert (row["address"], row["method"], row["credential"]) == ("127.0.0.1", "POST", "password")
    assert world.admin.get(f"/auditlog-exts?q=resource={project},method=PUT").json() == []
    (older,) = world.admin.get(f"/projects/{project}/logs").json()
    assert not {"address", "method", "credential"} & set(older)


def test_everybody_sees_the_rows_of_their_own_projects(world: World) -> None:
    ids = {
        identity: {row["id"] for row in world.clients[identity].get("/auditlog-exts?page_size=100").json()}
        for identity in ("outsider", "project_admin")
    }
    own = world.clients["project_admin"].get(f"/projects/{world.private}/auditlog-exts?page_size=100").json()
    assert ids["project_admin"] >= {row["id"] for row in own[:50]}
    assert not ids["outsider"] & ids["project_admin"]


def test_failed_logins_are_in_the_log(world: World) -> None:
    name = unique("nobody")
    answer = world.clients["anonymous"].get("/users/current", auth=(name, "Wrong-Password-1"))
    assert error_codes(answer) == ["UNAUTHORIZED"]
    (row,) = world.admin.get(f"/auditlog-exts?q=username={name},operation_result=false").json()
    assert (row["operation"], row["resource_type"], row["operation_result"]) == ("login", "user", False)


def test_event_types(world: World) -> None:
    names = [row["event_type"] for row in world.admin.get("/auditlog-exts/events").json()]
    assert len(names) == 18
    assert {"create_artifact", "login_user", "update_configuration"} <= set(names)


def test_the_access_log_names_people_and_no_secrets(world: World) -> None:
    marker = unique("request")
    secret = unique("secret")
    world.clients["guest"].get(f"/projects?name={secret}", headers={"X-Request-Id": marker})
    lines = [line for line in world.server.log.read_text().splitlines() if marker in line]
    (line,) = (json.loads(line) for line in lines)
    assert line["person"] == world.people["guest"].name
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v2.0/projects", 200)
    log = world.server.log.read_text()
    assert secret not in log
    for person in world.people.values():
        assert person.password not in log
