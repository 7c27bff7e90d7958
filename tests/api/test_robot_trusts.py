"""What a robot account trusts, over the API."""

from typing import Any

import pytest

from tests.support.accounts import Person, Role, api, make_member, make_project, make_robot
from tests.support.world import World

ISSUER = "https://issuer.example.com"
TRUST = {
    "issuer": ISSUER,
    "audience": "hub",
    "subject": "job:**",
    "claims": {"kubernetes.io/namespace": "team"},
}


@pytest.fixture
def project(world: World) -> str:
    return make_project(world.admin)


@pytest.fixture
def robot(world: World, project: str) -> Person:
    return make_robot(world.admin, project=project, actions=("pull",))


def test_life_of_a_trust(world: World, robot: Person) -> None:
    path = f"/robots/{robot.id}/trusts"
    assert world.admin.get(path).json() == []
    made = world.admin.post(path, json=TRUST)
    assert made.status_code == 201, made.text
    trust = made.json()
    assert set(trust) == {"id", "issuer", "audience", "subject", "claims", "creation_time"}
    assert {name: trust[name] for name in TRUST} == TRUST
    one = f"{path}/{trust['id']}"
    assert made.headers["Location"] == f"/api/v2.0{one}"
    assert world.admin.get(one).json() == trust
    listed = world.admin.get(path)
    assert (listed.json(), listed.headers["X-Total-Count"]) == ([trust], "1")
    assert world.admin.get(f"{path}?q=subject=~job").json() == [trust]
    assert world.admin.get(f"{path}?q=issuer=x").json() == []
    assert world.admin.post(path, json=TRUST).status_code == 409
    assert world.admin.delete(one).status_code == 200
    assert world.admin.get(one).status_code == 404
    assert world.admin.delete(one).status_code == 404


def test_replacing_all_of_them(world: World, robot: Person) -> None:
    path = f"/robots/{robot.id}/trusts"
    first = world.admin.post(path, json=TRUST).json()
    other = {"issuer": ISSUER, "audience": "hub", "subject": "deploy"}
    replaced = world.admin.put(path, json={"trusts": [other, TRUST]})
    assert replaced.status_code == 200, replaced.text
    shown = replaced.json()["trusts"]
    assert [one["subject"] for one in shown] == ["job:**", "deploy"]
    assert shown[0] == first
    assert shown[1]["claims"] == {}
    assert world.admin.get(path).json() == shown
    assert world.admin.put(path, json={"trusts": []}).json() == {"trusts": []}
    assert world.admin.get(path).json() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": None},
        {"issuer": "http://issuer.example.com"},
        {"audience": ""},
        {"subject": None},
        {"subject": "**", "claims": {}},
        {"subject": "a\x00b"},
        {"claims": {"sub": "x"}},
        {"claims": {"a": ""}},
        {"claims": {"a": ["b"]}},
        {"claims": "x"},
        {"claims": {str(number): "x" for number in range(17)}},
        {"issuer": "https://token.actions.githubusercontent.com", "subject": "repo:**"},
    ],
)
def test_what_is_not_taken(world: World, robot: Person, changes: dict[str, Any]) -> None:
    path = f"/robots/{robot.id}/trusts"
    body = {name: value for name, value in (TRUST | changes).items() if value is not None}
    for answer in (world.admin.post(path, json=body), world.admin.put(path, json={"trusts": [body]})):
        assert answer.status_code in {400, 422}, answer.text
    assert world.admin.get(path).json() == []


def test_who_may(world: World, project: str, robot: Person) -> None:
    path = f"/robots/{robot.id}/trusts"
    trust = world.admin.post(path, json=TRUST).json()
    guest = make_member(world.admin, project=project, role=Role.GUEST)
    boss = make_member(world.admin, project=project, role=Role.PROJECT_ADMIN)
    more = TRUST | {"subject": "more"}
    with api(world.server.url, guest) as client:
        assert client.get(path).json() == [trust]
        assert client.post(path, json=more).status_code == 403
        assert client.put(path, json={"trusts": []}).status_code == 403
        assert client.delete(f"{path}/{trust['id']}").status_code == 403
    with api(world.server.url, robot) as client:
        assert client.post(path, json=more).status_code == 403
    with api(world.server.url, boss) as client:
        assert client.post(path, json=more).status_code == 201
        assert client.delete(f"{path}/{trust['id']}").status_code == 200
    assert world.clients["outsider"].get(path).status_code == 403
    assert world.clients["anonymous"].get(path).status_code == 401


def test_changes_are_in_the_audit_log(world: World, robot: Person) -> None:
    path = f"/robots/{robot.id}/trusts"
    trust = world.admin.post(path, json=TRUST).json()
    world.admin.delete(f"{path}/{trust['id']}")
    rows = world.admin.get("/auditlog-exts", params={"q": f"resource={robot.name},operation=update"}).json()
    words = f"job:**, kubernetes.io/namespace=team of {ISSUER} for hub"
    assert [row["operation_description"] for row in rows] == [
        f"update robot: {robot.name}: trust no more {words}",
        f"update robot: {robot.name}: trust {words}",
    ]
