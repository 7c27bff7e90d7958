"""Who was refused what is in the log some seconds later, and how clients sign in is not."""

import base64
from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest

from tests.support.accounts import Person, make_project
from tests.support.http import ACCEPT, RegistryClient
from tests.support.images import make_image
from tests.support.waiting import eventually
from tests.support.world import REPOSITORY, World


def log_until(world: World, query: str, done: Callable[[list[dict]], bool]) -> list[dict]:
    """The rows of a query, newest first, when ``done`` says so: the server writes refusals down with a delay."""
    return eventually(lambda: world.admin.get(f"/auditlog-exts?page_size=100&q={query}").json(), done)


def _private_project(world: World) -> str:
    """With an image, and without members."""
    name = make_project(world.admin)
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{name}/app", make_image(), tag="v1")
    return name


def basic(person: Person) -> dict[str, str]:
    return {
        "Authorization": "Basic " + base64.b64encode(f"{person.name}:{person.password}".encode()).decode()
    }


def refused(rows: list[dict]) -> list[tuple[str, str, str, str, str]]:
    return [
        (row["operation"], row["resource_type"], row["resource"], row.get("method"), row.get("credential"))
        for row in rows
    ]


def _on_the_data_plane(world: World, project: str) -> None:
    url = f"{world.server.url}/v2/{project}/app"
    outsider = world.people["outsider"]
    with httpx.Client(headers=basic(outsider)) as client:
        assert client.get(f"{url}/manifests/v1", headers={"Accept": ACCEPT}).status_code == 403
        assert client.post(f"{url}/blobs/uploads/").status_code == 403
        assert client.delete(f"{url}/manifests/v1").status_code == 403


def test_the_data_plane(world: World, projects: dict[str, str]) -> None:
    project, outsider = projects["data plane"], world.people["outsider"]
    rows = log_until(
        world,
        f"username={outsider.name},operation_result=false,resource={project}/app",
        lambda rows: len(rows) == 3,
    )

    assert sorted(refused(rows)) == [
        ("create", "artifact", f"{project}/app", "POST", "password"),
        ("delete", "artifact", f"{project}/app", "DELETE", "password"),
        ("pull", "artifact", f"{project}/app", "GET", "password"),
    ]
    assert {row["address"] for row in rows} == {"127.0.0.1"}
    own = world.admin.get(f"/projects/{project}/auditlog-exts?q=operation_result=false").json()
    assert {row["id"] for row in own} == {row["id"] for row in rows}, "the project's log has them"


def _as_docker_signs_in(world: World, project: str) -> None:
    """A first request without a token, one with a token for something else, then one that is refused for good."""
    name = f"{project}/app"
    with RegistryClient(world.server.url, world.server.admin) as client:
        assert client.http.get(f"/v2/{name}/manifests/v1").status_code == 401
        other = {"Authorization": f"Bearer {client.token(f'repository:{name}-2:pull,push')}"}
        assert client.http.post(f"/v2/{name}/blobs/uploads/", headers=other).status_code == 401
    with RegistryClient(world.server.url) as anonymous:
        empty = {"Authorization": f"Bearer {anonymous.token(f'repository:{name}:pull')}"}
        assert anonymous.http.get(f"/v2/{name}/manifests/v1", headers=empty).status_code == 401


def test_how_docker_signs_in_is_no_refusal(world: World, projects: dict[str, str]) -> None:
    name = f"{projects['docker']}/app"
    rows = log_until(world, f"resource={name},operation_result=false", lambda rows: len(rows) > 0)
    assert [row["username"] for row in rows] == ["anonymous"]
    assert refused(rows) == [("pull", "artifact", name, "GET", "anonymous")]


def _as_a_robot(world: World, _project: str) -> None:
    robot = world.people["robot"]
    with httpx.Client(headers=basic(robot)) as client:
        answer = client.delete(f"{world.server.url}/v2/{world.private}/{REPOSITORY}/manifests/v1")
    assert answer.status_code == 403


@pytest.mark.usefixtures("projects")
def test_a_robot_beyond_its_permissions(world: World) -> None:
    robot = world.people["robot"]
    rows = log_until(world, f"username={quote(robot.name)},operation=delete", lambda rows: len(rows) > 0)
    assert refused(rows)[0] == ("delete", "artifact", f"{world.private}/{REPOSITORY}", "DELETE", "robot")


def _on_the_api(world: World, project: str) -> None:
    client = world.clients["outsider"]
    assert client.delete(f"/projects/{project}/repositories/deep%252Fapp").status_code == 403
    assert client.put(f"/projects/{project}", json={"metadata": {"public": "true"}}).status_code == 403
    assert client.get(f"/projects/{project}/members").status_code == 403


def test_the_api(world: World, projects: dict[str, str]) -> None:
    project, outsider = projects["api"], world.people["outsider"]
    query = f"username={outsider.name},operation_result=false,resource=~{project}"
    rows = log_until(world, query, lambda rows: len(rows) >= 3)

    assert sorted(refused(rows)) == [
        ("delete", "repository", f"{project}/deep/app", "DELETE", "password"),
        ("read", "member", project, "GET", "password"),
        ("update", "project", project, "PUT", "password"),
    ]


def _as_nobody(world: World, project: str) -> None:
    anonymous = world.clients["anonymous"]
    assert anonymous.get("/users/current").status_code == 401
    assert anonymous.get(f"/projects/{project}").status_code == 401


def test_anonymous_callers_of_the_api(world: World, projects: dict[str, str]) -> None:
    project = projects["anonymous"]
    rows = log_until(world, f"resource={project},operation_result=false", lambda rows: len(rows) > 0)

    assert refused(rows) == [("read", "project", project, "GET", "anonymous")]
    page = world.admin.get("/auditlog-exts?page_size=100&q=username=anonymous,operation=read").json()
    assert not [row for row in page if row["resource_type"] == "user"]


def _with_a_wrong_password(world: World, project: str) -> None:
    auth = (f"nobody-{project}", "Wrong-Password-1")
    answer = world.clients["anonymous"].delete(f"/projects/{project}", auth=auth)
    assert answer.status_code == 401
    answer = world.clients["outsider"].delete(f"/projects/{project}")
    assert answer.status_code == 403


def test_a_wrong_password_is_a_failed_login_and_nothing_else(world: World, projects: dict[str, str]) -> None:
    project = projects["wrong password"]
    log_until(world, f"resource={project},operation=delete", lambda rows: len(rows) > 0)

    (row,) = world.admin.get(f"/auditlog-exts?q=username=nobody-{project}").json()
    assert (row["operation"], row["operation_result"]) == ("login", False)
    assert (row["address"], row["method"], row["credential"]) == ("127.0.0.1", "DELETE", "password")


_ACTS = {
    "data plane": _on_the_data_plane,
    "docker": _as_docker_signs_in,
    "robot": _as_a_robot,
    "api": _on_the_api,
    "anonymous": _as_nobody,
    "wrong password": _with_a_wrong_password,
}


@pytest.fixture(scope="module")
def acted() -> dict[str, dict[str, str]]:
    """By the server's URL what ``projects`` has."""
    return {}


@pytest.fixture
def projects(world: World, acted: dict[str, dict[str, str]]) -> dict[str, str]:
    """The private project of each act. All of them have been refused by then: the tests wait for one drain together."""
    found = acted.setdefault(world.server.url, {})
    for name, act in _ACTS.items():
        if name not in found:
            found[name] = _private_project(world)
            act(world, found[name])
    return found
