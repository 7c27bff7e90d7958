"""The artifacts of all repositories of a project, tags that a rule keeps, and scanning without a scanner."""

from typing import Any

import pytest

from tests.support.accounts import make_project
from tests.support.contents import HELM_CONFIG, make_chart
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.world import World


@pytest.fixture
def project(world: World) -> str:
    return make_project(world.admin)


def test_every_repository_in_one_list(world: World, project: str) -> None:
    images = [make_image() for _ in range(2)]
    charts = [make_chart({"values.yaml": b"x"}, name=f"c{number}") for number in range(3)]
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{project}/app", images[0], tag="v1")
        client.push(f"{project}/charts/a", charts[0], tag="1")
        client.push(f"{project}/charts/a", charts[1], tag="2")
        client.push(f"{project}/charts/b", charts[2], tag="1")
        client.push(f"{project}/charts/b", images[1], tag="image")
    path = f"/projects/{project}/artifacts"

    def digests(**query: Any) -> list[str]:
        answer = world.admin.get(path, params=query)
        assert answer.status_code == 200, answer.text
        assert answer.headers["X-Total-Count"] == str(len(answer.json()))
        return [artifact["digest"] for artifact in answer.json()]

    newest_first = [images[1].digest, charts[2].digest, charts[1].digest, charts[0].digest, images[0].digest]
    assert digests() == newest_first
    assert digests(sort="push_time") == newest_first[::-1]
    assert digests(q="type=CHART") == [charts[2].digest, charts[1].digest, charts[0].digest]
    assert digests(q="tags=1,repository_name=~CHARTS") == [charts[2].digest, charts[0].digest]
    last = {"latest_in_repository": "true"}
    assert digests(q=f"media_type={HELM_CONFIG}", **last) == [charts[2].digest, charts[1].digest]
    assert digests(q=f"artifact_type={HELM_CONFIG},tags=2", **last) == [charts[1].digest]
    for wrong in ("", f"media_type={HELM_CONFIG},artifact_type={HELM_CONFIG}", "media_type=~helm"):
        answer = world.admin.get(path, params={"q": wrong, **last})
        assert answer.status_code == 400
        assert "latest_in_repository" in answer.json()["errors"][0]["message"]
    paged = world.admin.get(path, params={"page_size": 2, "page": 2})
    assert [row["repository_name"] for row in paged.json()] == [f"{project}/charts/a"] * 2
    assert paged.headers["X-Total-Count"] == "5"
    number = paged.json()[0]["project_id"]
    assert len(world.admin.get(f"/projects/{number}/artifacts?with_tag=false").json()) == 5


def test_a_range_of_push_times(world: World, project: str) -> None:
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{project}/app", make_image(), tag="v1")
    path = f"/projects/{project}/artifacts"
    assert len(world.admin.get(path, params={"q": "push_time=[2020-01-01T00:00:00~]"}).json()) == 1
    assert world.admin.get(path, params={"q": "push_time=[~2020-01-01T00:00:00]"}).json() == []
    assert world.admin.get(path, params={"q": "push_time=[x~]"}).status_code == 400


def test_tags_that_a_rule_keeps(world: World, project: str) -> None:
    image = make_image()
    with RegistryClient(world.server.url, world.server.admin) as client:
        for tag in ("v1", "latest"):
            client.push(f"{project}/app", image, tag=tag)
    rule = {
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v*"}],
        "scope_selectors": {
            "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]
        },
    }
    made = world.admin.post(f"/projects/{project}/immutabletagrules", json=rule)
    assert made.status_code == 201, made.text
    path = f"/projects/{project}/repositories/app/artifacts"
    for answer in (
        world.admin.get(f"{path}/{image.digest}/tags?with_immutable_status=true").json(),
        world.admin.get(f"{path}?with_immutable_status=true").json()[0]["tags"],
        world.admin.get(f"{path}/v1?with_immutable_status=true").json()["tags"],
        world.admin.get(f"/projects/{project}/artifacts?with_immutable_status=true").json()[0]["tags"],
    ):
        assert {tag["name"]: tag["immutable"] for tag in answer} == {"v1": True, "latest": False}
    assert not any(tag["immutable"] for tag in world.admin.get(f"{path}/v1").json()["tags"])


def test_scanning_without_a_scanner(world: World, project: str) -> None:
    image = make_image()
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{project}/app", image, tag="v1")
    path = f"/projects/{project}/repositories/app/artifacts/v1"

    def told(answer: Any, status: int) -> str:
        assert answer.status_code == status, answer.text
        return answer.json()["errors"][0]["message"]

    for body in (None, {}, {"scan_type": "sbom"}):
        answer = (
            world.admin.post(f"{path}/scan", json=body)
            if body is not None
            else world.admin.post(f"{path}/scan")
        )
        assert "no available scanner for project" in told(answer, 412)
    assert "scan_type" in told(world.admin.post(f"{path}/scan", json={"scan_type": "x"}), 422)
    stopped = world.admin.post(f"{path}/scan/stop", json={"scan_type": "vulnerability"})
    assert told(stopped, 400) == f"no scan job for artifact digest={image.digest}"
    assert told(world.admin.post(f"{path}/scan/stop"), 422) == "scanType in body is required"
    assert "does not exist" in told(world.admin.get(f"{path}/scan/x/log"), 404)
    scanner = world.admin.get(f"/projects/{project}/scanner")
    assert (scanner.status_code, scanner.json()) == (200, {})
    candidates = world.admin.get(f"/projects/{project}/scanner/candidates")
    assert (candidates.json(), candidates.headers["X-Total-Count"]) == ([], "0")
    assert told(world.admin.put(f"/projects/{project}/scanner", json={}), 422) == "uuid in body is required"
    assert world.admin.put(f"/projects/{project}/scanner", json={"uuid": "x"}).status_code == 404
