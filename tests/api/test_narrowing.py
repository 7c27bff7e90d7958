"""Patterns of repositories, source networks and end dates, over both planes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.accounts import Person, Role, api, make_member, make_project, unique
from tests.support.http import RegistryClient
from tests.support.images import Image, make_image
from tests.support.world import World

NAMES = ("base/app", "base/web", "other")


@dataclass
class Narrow:
    """A private project with repositories of :data:`NAMES`."""

    project: str
    image: Image


@pytest.fixture(scope="module")
def narrows() -> dict[str, Narrow]:
    return {}


@pytest.fixture
def narrow(world: World, narrows: dict[str, Narrow]) -> Narrow:
    if world.server.url not in narrows:
        made = Narrow(make_project(world.admin, name=unique("narrow")), make_image())
        with RegistryClient(world.server.url, world.server.admin) as client:
            for name in NAMES:
                client.push(f"{made.project}/{name}", made.image, tag="v1")
        narrows[world.server.url] = made
    return narrows[world.server.url]


def _member(world: World, project: str, role: Role, **patterns: list[str]) -> Person:
    person = make_member(world.admin, project=project, role=role)
    rows = world.admin.get(f"/projects/{project}/members?entityname={person.name}").json()
    answer = world.admin.put(f"/projects/{project}/members/{rows[0]['id']}", json=patterns)
    assert answer.status_code == 200, answer.text
    shown = world.admin.get(f"/projects/{project}/members/{rows[0]['id']}").json()
    assert (shown["role_id"], {name: shown[name] for name in patterns}) == (int(role), patterns)
    return person


def _robot(world: World, project: str, *actions: str, to: list[str], **fields: Any) -> Person:
    access = [
        {"resource": resource, "action": action} for resource, action in (text.split(":") for text in actions)
    ]
    permission = {"kind": "project", "namespace": project, "access": access, "repositories": to}
    body = {"name": unique("ci"), "level": "project", "duration": -1, "permissions": [permission]} | fields
    answer = world.admin.post("/robots", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    shown = world.admin.get(f"/robots/{made['id']}").json()
    assert shown["permissions"][0].get("repositories", []) == to
    return Person(made["name"], made["secret"], made["id"])


READING = (
    "repository:pull",
    "repository:list",
    "repository:read",
    "artifact:list",
    "artifact:read",
    "tag:list",
)


@pytest.fixture(params=["member", "robot"])
def reader(request: pytest.FixtureRequest, world: World, narrow: Narrow) -> Iterator[Person]:
    """Somebody who may read ``base/**`` and, a person, change ``base/app``."""
    if request.param == "robot":
        yield _robot(world, narrow.project, *READING, to=["base/**"])
    else:
        yield _member(
            world, narrow.project, Role.MAINTAINER, pull_patterns=["base/**"], push_patterns=["base/app"]
        )


def _named(rows: list[dict[str, Any]], project: str, key: str = "name") -> set[str]:
    return {row[key].removeprefix(f"{project}/") for row in rows if row[key].startswith(f"{project}/")}


def test_lists_show_what_may_be_read(world: World, narrow: Narrow, reader: Person) -> None:
    seen = {"base/app", "base/web"}
    with api(world.server.url, reader) as client, RegistryClient(world.server.url, reader) as registry:
        listed = client.get(f"/projects/{narrow.project}/repositories")
        assert _named(listed.json(), narrow.project) == seen
        assert listed.headers["X-Total-Count"] == "2"
        assert _named(client.get("/repositories?page_size=100").json(), narrow.project) == seen
        found = client.get(f"/search?q={narrow.project}").json()["repository"]
        assert _named(found, narrow.project, "repository_name") == seen
        names = registry.catalog(n=1000).json()["repositories"]
        assert _named([{"name": name} for name in names], narrow.project) == seen
        shown = client.get(f"/projects/{narrow.project}/artifacts?page_size=100").json()
        assert _named(shown, narrow.project, "repository_name") == seen


def test_one_by_one(world: World, narrow: Narrow, reader: Person) -> None:
    def statuses(client: httpx.Client, name: str) -> list[int]:
        path = f"/projects/{narrow.project}/repositories/{name.replace('/', '%252F')}"
        return [
            client.get(f"{path}{rest}").status_code
            for rest in ("", "/artifacts", "/artifacts/v1", "/artifacts/v1/tags")
        ]

    with api(world.server.url, reader) as client, RegistryClient(world.server.url, reader) as registry:
        assert statuses(client, "base/app") == [200, 200, 200, 200]
        assert statuses(client, "other") == [403, 403, 403, 403]
        assert registry.get_manifest(f"{narrow.project}/base/web", "v1").status_code == 200
        assert registry.get_manifest(f"{narrow.project}/other", "v1").status_code == 401
        assert registry.tags(f"{narrow.project}/other").status_code == 401
        digest = narrow.image.config.digest
        assert registry.get_blob(f"{narrow.project}/other", digest).status_code == 401


def test_changes_are_narrowed_by_push_patterns(world: World, narrow: Narrow) -> None:
    person = _member(world, narrow.project, Role.MAINTAINER, push_patterns=["ci/**"])
    source = f"{narrow.project}/other@{narrow.image.digest}"
    with api(world.server.url, person) as client, RegistryClient(world.server.url, person) as registry:
        registry.push(f"{narrow.project}/ci/app", narrow.image, tag="v1")
        assert registry.post_upload(f"{narrow.project}/other").status_code == 401
        assert registry.delete_manifest(f"{narrow.project}/other", "v1").status_code == 401
        base = f"/projects/{narrow.project}/repositories"
        for path, status in (("other", 403), ("ci%252Fapp", 200)):
            assert client.put(f"{base}/{path}", json={"description": "x"}).status_code == status
        for path, status in (("other", 403), ("ci%252Fapp", 201)):
            answer = client.post(f"{base}/{path}/artifacts/v1/tags", json={"name": unique("t")})
            assert answer.status_code == status
        for path, status in (("elsewhere", 403), ("ci%252Fcopy", 201)):
            assert client.post(f"{base}/{path}/artifacts?from={source}").status_code == status
        assert client.delete(f"{base}/base%252Fapp").status_code == 403
        assert client.delete(f"{base}/ci%252Fcopy").status_code == 200
        assert client.get(f"{base}/other").status_code == 200, "reading is not narrowed"


def test_a_source_needs_pull_on_that_very_repository(world: World) -> None:
    project, image = make_project(world.admin), make_image()
    with RegistryClient(world.server.url, world.server.admin) as registry:
        registry.push(f"{project}/other", image, tag="v1")
    person = _member(world, project, Role.DEVELOPER, pull_patterns=["ci/**"], push_patterns=["ci/**"])
    digest = image.config.digest
    with api(world.server.url, person) as client, RegistryClient(world.server.url, person) as registry:
        target = f"{project}/ci/{unique('m')}"
        assert registry.mount(target, digest, source=f"{project}/other").status_code == 202
        assert registry.mount(target, digest).status_code == 202, "nor where no source is named"
        path = f"/projects/{project}/repositories/ci%252F{unique('c')}/artifacts"
        assert client.post(f"{path}?from={project}/other:v1").status_code == 403
    with RegistryClient(world.server.url, world.server.admin) as registry:
        registry.push(f"{project}/ci/own", image, tag="v1")
    with api(world.server.url, person) as client, RegistryClient(world.server.url, person) as registry:
        assert (
            registry.mount(f"{project}/ci/{unique('m')}", digest, source=f"{project}/ci/own").status_code
            == 201
        )
        assert registry.mount(f"{project}/ci/{unique('m')}", digest).status_code == 201
        path = f"/projects/{project}/repositories/ci%252F{unique('c')}/artifacts"
        assert client.post(f"{path}?from={project}/ci/own:v1").status_code == 201


def test_a_change_of_patterns_counts_for_tokens_that_are_out(world: World, narrow: Narrow) -> None:
    person = make_member(world.admin, project=narrow.project, role=Role.GUEST)
    member = world.admin.get(f"/projects/{narrow.project}/members?entityname={person.name}").json()[0]["id"]
    with RegistryClient(world.server.url, person) as registry:
        assert registry.get_manifest(f"{narrow.project}/other", "v1").status_code == 200
        path = f"/projects/{narrow.project}/members/{member}"
        assert world.admin.put(path, json={"pull_patterns": ["base/*"]}).status_code == 200
        assert registry.get_manifest(f"{narrow.project}/other", "v1").status_code == 401
        assert world.admin.put(path, json={"pull_patterns": []}).status_code == 200
        assert registry.get_manifest(f"{narrow.project}/other", "v1").status_code == 200


def test_sources_of_a_robot(world: World, narrow: Narrow) -> None:
    name = f"{narrow.project}/base/app"
    inside = _robot(world, narrow.project, *READING, to=[], sources=["127.0.0.0/8", "::1/128"])
    with RegistryClient(world.server.url, inside) as registry, api(world.server.url, inside) as client:
        assert registry.get_manifest(name, "v1").status_code == 200
        assert client.get("/users/current").status_code == 412
        body = world.admin.get(f"/robots/{inside.id}").json()
        assert body["sources"] == ["127.0.0.0/8", "::1/128"]
        outside = world.admin.put(f"/robots/{inside.id}", json=body | {"sources": ["192.0.2.0/24"]})
        assert outside.status_code == 200
        assert registry.get_manifest(name, "v1").status_code == 401
        assert registry.token_request().status_code == 401
        assert client.get("/users/current").status_code == 401
    wrong = world.admin.put(f"/robots/{inside.id}", json=body | {"sources": ["everywhere"]})
    assert wrong.status_code == 400


def test_an_end_date_of_a_robot(world: World, narrow: Narrow) -> None:
    end = int(time.time()) + 90_000
    robot = _robot(world, narrow.project, *READING, to=[], expires_at=end)
    shown = world.admin.get(f"/robots/{robot.id}").json()
    assert (shown["expires_at"], shown["duration"]) == (end, 2)
    assert world.admin.put(f"/robots/{robot.id}", json=shown | {"expires_at": end + 60}).status_code == 200
    assert world.admin.get(f"/robots/{robot.id}").json()["expires_at"] == end + 60
    assert world.admin.put(f"/robots/{robot.id}", json=shown | {"expires_at": 5}).status_code == 400
