"""Robot accounts over the API."""

from typing import Any

from tests.support.accounts import Person, api, make_project, unique
from tests.support.world import World

_PULL = [{"resource": "repository", "action": "pull"}]


def _body(project: str, **changes: Any) -> dict[str, Any]:
    permissions = [{"kind": "project", "namespace": project, "access": _PULL}]
    return {"name": unique("ci"), "level": "project", "duration": 7, "permissions": permissions} | changes


def test_life_of_a_robot_account(world: World) -> None:
    project = make_project(world.admin)
    body = _body(project)
    made = world.admin.post("/robots", json=body)
    assert made.status_code == 201, made.text
    robot = made.json()
    assert set(robot) == {"id", "name", "secret", "creation_time", "expires_at"}
    assert robot["name"] == f"robot${project}+{body['name']}"
    assert made.headers["Location"] == f"/api/v2.0/robots/{robot['id']}"
    path = f"/robots/{robot['id']}"

    shown = world.admin.get(path).json()
    assert "secret" not in shown
    assert (shown["disable"], shown["editable"], shown["level"]) == (False, True, "project")
    assert shown["permissions"][0]["access"] == [
        {"resource": "repository", "action": "pull", "effect": "allow"}
    ]
    assert robot["expires_at"] == shown["expires_at"] > 7 * 86400

    with api(world.server.url, Person(robot["name"], robot["secret"])) as own:
        assert own.get("/users/current").status_code == 412, "signed in, but nobody"
        change = _body(project, name=robot["name"], description="builds", disable=True)
        assert world.admin.put(path, json=change).status_code == 200
        assert own.get("/users/current").status_code == 401
    shown = world.admin.get(path).json()
    assert (shown["disable"], shown["description"]) == (True, "builds")
    assert world.admin.put(path, json=_body(project, name="robot$other")).status_code == 400

    renewed = world.admin.patch(path, json={"secret": ""}).json()["secret"]
    assert renewed != robot["secret"]
    assert world.admin.patch(path, json={"secret": "Chosen-Secret-123"}).json() == {}
    assert world.admin.patch(path, json={"secret": "weak"}).status_code == 400
    assert world.admin.delete(path).status_code == 200
    assert world.admin.get(path).status_code == 404


def test_lists_by_level(world: World) -> None:
    project = make_project(world.admin)
    project_id = world.admin.get(f"/projects/{project}").json()["project_id"]
    own = world.admin.post("/robots", json=_body(project)).json()["id"]
    body = _body(project, level="system", duration=-1)
    everywhere = world.admin.post("/robots", json=body).json()["id"]

    def ids(query: str) -> list[int]:
        return [robot["id"] for robot in world.admin.get(f"/robots?page_size=100{query}").json()]

    assert ids(f"&q=Level=project,ProjectID={project_id}") == [own]
    assert everywhere in ids("")
    assert own not in ids("")
    assert ids(f"&q=name={body['name']}") == [everywhere]
    assert world.admin.get("/robots?q=Level=project").status_code == 400
    assert world.admin.get("/robots?q=Level=galaxy").status_code == 400
    assert world.admin.get("/robots?q=Level=project,ProjectID=999999").status_code == 404
    assert world.clients["outsider"].get("/robots?q=Level=project,ProjectID=999999").status_code == 403
    assert world.clients["outsider"].get(f"/robots?q=Level=project,ProjectID={project_id}").status_code == 403


def test_malformed_permissions(world: World) -> None:
    for permissions in ([], [{}], "x", [{"kind": "project", "namespace": world.private, "access": "x"}], [7]):
        answer = world.admin.post("/robots", json=_body(world.private, permissions=permissions))
        assert answer.status_code == 400, permissions


def test_a_project_admin_makes_robot_accounts_of_their_own_project_only(world: World) -> None:
    client = world.clients["project_admin"]
    assert client.post("/robots", json=_body(world.private)).status_code == 201
    assert client.post("/robots", json=_body(world.public)).status_code == 403
