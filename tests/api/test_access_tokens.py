"""Personal access tokens over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.accounts import Person, Role, add_member, api, make_project, make_user, unique
from tests.support.http import RegistryClient, RegistryError
from tests.support.images import make_image
from tests.support.waiting import eventually
from tests.support.world import World

_NEVER = "0001-01-01T00:00:00.000Z"


@pytest.fixture
def person(world: World) -> Person:
    return make_user(world.admin)


def test_life_of_a_token(world: World, person: Person) -> None:
    with api(world.server.url, person) as own:
        made = own.post("/users/current/tokens", json={"label": "laptop"})
        assert made.status_code == 201
        assert made.headers["Cache-Control"] == "no-store"
        shown = made.json()
        token_id, secret = shown["id"], shown.pop("secret")
        assert made.headers["Location"] == f"/api/v2.0/users/current/tokens/{token_id}"
        assert secret.startswith(f"hbp_{token_id}_")
        path = f"/users/{person.id}/tokens/{token_id}"
        assert own.get(path).json() == shown
        del shown["creation_time"]
        assert shown == {
            "id": token_id,
            "label": "laptop",
            "read_only": False,
            "projects": [],
            "sources": [],
            "expires_at": _NEVER,
            "last_used_at": _NEVER,
        }
        assert own.post("/users/current/tokens", json={"label": "laptop"}).status_code == 409

        with api(world.server.url, Person(person.name, secret)) as by_token:
            assert by_token.get("/users/current").json()["username"] == person.name
            assert by_token.get(path).status_code == 403
            assert by_token.post("/users/current/tokens", json={"label": "x"}).status_code == 403
            assert by_token.put(f"/users/{person.id}", json={"comment": "x"}).status_code == 403
            assert by_token.post("/projects", json={"project_name": unique("p")}).status_code == 201
            used = eventually(lambda: own.get(path).json(), lambda it: it["last_used_at"] != _NEVER)
            assert used["last_used_address"] == "127.0.0.1"

            change = {"label": "laptop", "read_only": True, "sources": ["127.0.0.1"]}
            assert own.put(path, json=change).status_code == 200
            assert own.get(path).json()["sources"] == ["127.0.0.1/32"]
            assert by_token.get("/users/current").status_code == 200, "the secret stays"
            refused = by_token.post("/projects", json={"project_name": unique("p")})
            assert (refused.status_code, refused.json()["errors"][0]["message"]) == (
                403,
                "this access token can only read",
            )
            assert own.put(path, json=change | {"sources": ["192.0.2.0/24"]}).status_code == 200
            assert by_token.get("/users/current").status_code == 401, "not from here"
            assert own.put(path, json=change).status_code == 200
            assert own.delete(path).status_code == 200
            assert by_token.get("/users/current").status_code == 401
        assert own.get(path).status_code == 404
    log = world.admin.get(
        "/auditlog-exts", params={"q": f"username={person.name},resource_type=access-token"}
    )
    operations = [row["operation"] for row in log.json()]
    assert operations == ["delete", "update", "update", "update", "create"]


def test_docker_login_push_and_pull(world: World, person: Person) -> None:
    one, two = (make_project(world.admin, name=unique("tok")) for _ in range(2))
    for project in (one, two):
        add_member(world.admin, project=project, person=person, role=Role.DEVELOPER)
    image = make_image()
    with api(world.server.url, person) as own:
        made = {
            label: own.post("/users/current/tokens", json={"label": label} | fields).json()
            for label, fields in {
                "full": {},
                "reading": {"read_only": True},
                "one": {"projects": [one]},
            }.items()
        }
        clients = {
            label: RegistryClient(world.server.url, Person(person.name, token["secret"]))
            for label, token in made.items()
        }
        clients["full"].push(f"{two}/app", image, tag="v1")
        clients["one"].push(f"{one}/app", image, tag="v1")
        for label, project in (("reading", one), ("one", two)):
            with pytest.raises(RegistryError):
                clients[label].push(f"{project}/app", make_image(), tag="v2")
        pulls = {
            (label, project): clients[label].request("GET", f"/v2/{project}/app/manifests/v1").status_code
            for label in clients
            for project in (one, two)
        }
        assert [at for at, status in pulls.items() if status != 200] == [("one", two)]
        projects = {label: _projects(world, person, token) for label, token in made.items()}
        assert {one, two} <= projects["full"]
        assert {one, two} <= projects["reading"]
        assert two not in projects["one"]

        own.delete(f"/users/current/tokens/{made['full']['id']}")
        after = clients["full"].request("GET", f"/v2/{two}/app/manifests/v1")
        assert after.status_code == 401, "the registry's token is dead with the one that it was got with"
        for client in clients.values():
            client.close()


def _as(world: World, person: Person, token: dict[str, str]):
    return api(world.server.url, Person(person.name, token["secret"]))


def _projects(world: World, person: Person, token: dict[str, str]) -> set[str]:
    with _as(world, person, token) as client:
        return {project["name"] for project in client.get("/projects?page_size=0").json()}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"label": "l" * 300}, 400),
        ({"label": "x", "sources": ["here"]}, 400),
        ({"label": "x", "projects": ["no-such-project"]}, 400),
        ({"label": "x", "projects": [{}]}, 400),
        ({"label": "x", "projects": "library"}, 400),
        ({"label": "x", "expires_at": "soon"}, 400),
        ({"label": "x", "expires_at": "2020-01-01T00:00:00Z"}, 400),
        ([], 400),
    ],
)
def test_rules(world: World, person: Person, body, status: int) -> None:
    with api(world.server.url, person) as own:
        assert own.post("/users/current/tokens", json=body).status_code == status
        assert own.get("/users/current/tokens").json() == []


def test_an_end(world: World, person: Person) -> None:
    end = datetime.now(UTC) + timedelta(days=1)
    with api(world.server.url, person) as own:
        made = own.post("/users/current/tokens", json={"label": "x", "expires_at": end.isoformat()}).json()
        assert made["expires_at"] == end.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        listed = own.get("/users/current/tokens?q=label=~X&sort=-label")
        assert [token["id"] for token in listed.json()] == [made["id"]]
        assert listed.headers["X-Total-Count"] == "1"
        assert "secret" not in listed.text


def test_an_administrator_revokes_a_token(world: World, person: Person) -> None:
    path = f"/users/{person.id}/tokens"
    with api(world.server.url, person) as own:
        made = own.post(path, json={"label": "x"}).json()
        assert world.admin.post(path, json={"label": "y"}).status_code == 403
        assert [token["id"] for token in world.admin.get(path).json()] == [made["id"]]
        assert world.admin.delete(f"{path}/{made['id']}").status_code == 200
    with _as(world, person, made) as by_token:
        assert by_token.get("/users/current").status_code == 401


def test_suspension_ends_tokens(world: World, person: Person) -> None:
    with api(world.server.url, person) as own:
        made = own.post("/users/current/tokens", json={"label": "x"}).json()
    with _as(world, person, made) as by_token:
        assert by_token.get("/users/current").status_code == 200
        world.admin.put(f"/users/{person.id}/suspended", json={"suspended": True})
        assert by_token.get("/users/current").status_code == 401
