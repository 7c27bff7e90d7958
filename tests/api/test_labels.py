"""Labels, and artifacts that bear them."""

from typing import Any

import httpx
import pytest

from tests.support.accounts import Role, api, make_member, make_project, make_robot, unique
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.world import World


def project_id(world: World, name: str) -> int:
    return world.admin.get(f"/projects/{name}").json()["project_id"]


def make_label(client: httpx.Client, **values: Any) -> int:
    made = client.post("/labels", json={"name": unique("label"), "scope": "g", **values})
    assert made.status_code == 201, made.text
    return int(made.headers["Location"].rpartition("/")[2])


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [label["name"] for label in answer.json()]


def test_life_of_a_label_of_the_installation(world: World) -> None:
    name = unique("life")
    label_id = make_label(world.admin, name=name, color="#00AAFF", description="d", project_id=7)
    shown = world.admin.get(f"/labels/{label_id}").json()
    assert {key: shown[key] for key in ("id", "name", "color", "description", "scope")} == {
        "id": label_id,
        "name": name,
        "color": "#00AAFF",
        "description": "d",
        "scope": "g",
    }
    assert "project_id" not in shown
    assert world.admin.post("/labels", json={"name": name, "scope": "g"}).status_code == 409
    other = make_label(world.admin)
    assert world.admin.put(f"/labels/{other}", json={"name": name}).status_code == 409
    assert world.admin.put(f"/labels/{label_id}", json={"name": f"{name}2", "scope": "p"}).status_code == 200
    changed = world.admin.get(f"/labels/{label_id}").json()
    assert (changed["name"], changed["scope"], changed.get("color")) == (f"{name}2", "g", None)
    assert names(world.clients["anonymous"].get("/labels", params={"scope": "g", "name": name})) == [
        f"{name}2"
    ]
    assert world.admin.delete(f"/labels/{label_id}").status_code == 200
    assert world.admin.get(f"/labels/{label_id}").status_code == 404


def test_labels_of_a_project_are_its_peoples(world: World) -> None:
    project = make_project(world.admin)
    number = project_id(world, project)
    with (
        api(world.server.url, make_member(world.admin, project=project, role=Role.MAINTAINER)) as maintainer,
        api(world.server.url, make_member(world.admin, project=project, role=Role.DEVELOPER)) as developer,
    ):
        mine = {"scope": "p", "project_id": number}
        label_id = make_label(maintainer, **mine)
        assert developer.get(f"/labels/{label_id}").status_code == 200
        for refused in (
            developer.post("/labels", json={"name": "x", **mine}),
            developer.put(f"/labels/{label_id}", json={"name": "x"}),
            developer.delete(f"/labels/{label_id}"),
            maintainer.post("/labels", json={"name": "x", "scope": "g"}),
            world.clients["outsider"].get(f"/labels/{label_id}"),
            world.clients["outsider"].get("/labels", params=mine),
        ):
            assert refused.status_code == 403, refused.text
        assert world.clients["anonymous"].get("/labels", params=mine).status_code == 401
        make_label(maintainer, name="b", **mine)
        make_label(maintainer, name="a", **mine)
        assert names(developer.get("/labels", params={**mine, "sort": "name", "q": "name={a b}"})) == [
            "a",
            "b",
        ]
        listed = developer.get("/labels", params={**mine, "page_size": 1})
        assert (len(listed.json()), listed.headers["X-Total-Count"]) == (1, "3")
    assert world.admin.delete(f"/projects/{project}").status_code == 200
    assert world.admin.get(f"/labels/{label_id}").status_code == 404


def test_a_robot_account_with_the_right(world: World) -> None:
    robot = {
        "name": unique("labels"),
        "level": "system",
        "duration": -1,
        "permissions": [
            {
                "kind": "system",
                "namespace": "/",
                "access": [{"resource": "label", "action": action} for action in ("create", "delete")],
            }
        ],
    }
    made = world.admin.post("/robots", json=robot).json()
    with httpx.Client(base_url=world.admin.base_url, auth=(made["name"], made["secret"])) as client:
        label_id = make_label(client)
        assert client.put(f"/labels/{label_id}", json={"name": "x"}).status_code == 403
        assert client.delete(f"/labels/{label_id}").status_code == 200


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"scope": "x"}, 400),
        ({"scope": ""}, 400),
        ({"name": ""}, 400),
        ({"name": "   "}, 400),
        ({"name": "x" * 129}, 400),
        ({"name": "a\x00b"}, 400),
        ({"name": 7}, 201),
        ({"name": ["x"]}, 400),
        ({"color": "url(evil)"}, 400),
        ({"color": "#12"}, 400),
        ({"description": "x" * 1025}, 400),
        ({"scope": "p"}, 404),
        ({"scope": "p", "project_id": -1}, 404),
        ({"scope": "p", "project_id": 99999999}, 404),
        ({"scope": "p", "project_id": "x"}, 400),
    ],
)
def test_labels_against_the_rules(world: World, values: dict[str, Any], status: int) -> None:
    answer = world.admin.post("/labels", json={"name": unique("x"), "scope": "g", **values})
    assert answer.status_code == status, answer.text
    if status == 201:
        world.admin.delete(f"/labels/{answer.headers['Location'].rpartition('/')[2]}")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("scope=x", 400),
        ("scope=p", 400),
        ("scope=p&project_id=x", 422),
        ("scope=p&project_id=99999999", 404),
    ],
)
def test_lists_that_cannot_be(world: World, query: str, status: int) -> None:
    assert world.admin.get(f"/labels?{query}").status_code == status


@pytest.fixture
def labelled(world: World) -> tuple[str, str, str]:
    """A project, the path of its repository's artifacts, and the digest of one."""
    project = make_project(world.admin)
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{project}/a/b", make_image(), tag="v1")
        client.push(f"{project}/a/b", image := make_image(), tag="v2")
    return project, f"/projects/{project}/repositories/a%252Fb/artifacts", image.digest


def test_labels_on_artifacts(world: World, labelled: tuple[str, str, str]) -> None:
    project, path, digest = labelled
    number = project_id(world, project)
    everywhere = make_label(world.admin)
    here = make_label(world.admin, scope="p", project_id=number)
    elsewhere = make_label(world.admin, scope="p", project_id=project_id(world, make_project(world.admin)))
    for label_id, status in ((everywhere, 200), (here, 200), (here, 409), (elsewhere, 404), (99999999, 404)):
        answer = world.admin.post(f"{path}/v2/labels", json={"id": label_id})
        assert answer.status_code == status, answer.text
    assert world.admin.post(f"{path}/nothing/labels", json={"id": here}).status_code == 404
    assert world.admin.post(f"{path}/v1/labels", json={"id": here}).status_code == 200

    def found(query: str) -> set[str]:
        answer = world.admin.get(path, params={"q": query, "with_label": "true"})
        assert answer.status_code == 200, answer.text
        return {tag["name"] for artifact in answer.json() for tag in artifact["tags"]}

    assert found(f"labels=({everywhere} {here})") == {"v2"}
    assert found(f"labels=({here})") == found(f"labels={{{here} {everywhere}}}") == {"v1", "v2"}
    assert found(f"labels={everywhere}") == {"v2"}
    assert found(f"labels=({elsewhere})") == set()
    for wrong in ("labels=(x)", "labels=~1", f"labels=({' '.join(map(str, range(33)))})"):
        assert world.admin.get(path, params={"q": wrong}).status_code == 400
    shown = world.admin.get(f"{path}/v2?with_label=true").json()
    assert [label["id"] for label in shown["labels"]] == [everywhere, here]
    assert world.admin.get(f"{path}/v2").json()["labels"] is None
    assert world.admin.delete(f"{path}/v2/labels/{everywhere}").status_code == 200
    assert world.admin.delete(f"{path}/v2/labels/{everywhere}").status_code == 404
    assert world.admin.delete(f"/labels/{here}").status_code == 200
    assert world.admin.get(f"{path}/{digest}?with_label=true").json()["labels"] is None


def test_an_artifact_goes_with_its_labels(world: World, labelled: tuple[str, str, str]) -> None:
    _, path, digest = labelled
    label_id = make_label(world.admin)
    assert world.admin.post(f"{path}/{digest}/labels", json={"id": label_id}).status_code == 200
    assert world.admin.delete(f"{path}/{digest}").status_code == 200
    assert world.admin.get(f"/labels/{label_id}").status_code == 200


def test_who_may_label(world: World, labelled: tuple[str, str, str]) -> None:
    project, path, _ = labelled
    label_id = make_label(world.admin)
    body = {"id": label_id}
    robot = make_robot(world.admin, project=project, actions=("pull", "push"))
    with (
        api(world.server.url, make_member(world.admin, project=project, role=Role.DEVELOPER)) as developer,
        api(world.server.url, make_member(world.admin, project=project, role=Role.GUEST)) as guest,
        api(world.server.url, robot) as pusher,
    ):
        assert guest.post(f"{path}/v1/labels", json=body).status_code == 403
        assert pusher.post(f"{path}/v1/labels", json=body).status_code == 403
        assert developer.post(f"{path}/v1/labels", json=body).status_code == 200
        assert guest.delete(f"{path}/v1/labels/{label_id}").status_code == 403
        assert developer.delete(f"{path}/v1/labels/{label_id}").status_code == 200
