"""What artifacts are and say about themselves: types, attributes, pictures, additions."""

import base64
import gzip
import hashlib
import json

import httpx
import pytest

from tests.support.accounts import make_project
from tests.support.contents import (
    MODEL_CONFIG,
    MODEL_PATH,
    json_of,
    make_bundle,
    make_chart,
    make_manifest,
)
from tests.support.http import RegistryClient
from tests.support.images import Content, Image, Index, make_image, make_index, tar_of
from tests.support.world import REPOSITORY, World

PNG = b"\x89PNG\r\n\x1a\n of our own"
_DOC = "application/vnd.cncf.model.doc.v1."


@pytest.fixture
def project(world: World) -> str:
    return make_project(world.admin)


def push(world: World, project: str, content: Image | Index, repository: str = "team/app") -> str:
    """Push it; returns its path in the API."""
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{project}/{repository}", content, tag="v1")
    encoded = repository.replace("/", "%252F")
    return f"/projects/{project}/repositories/{encoded}/artifacts/{content.digest}"


def message(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return answer.json()["errors"][0]["message"]


def test_the_history_of_an_image(world: World, project: str) -> None:
    path = push(world, project, make_image())
    shown = world.admin.get(path).json()
    place = f"/api/v2.0/projects/{project}/repositories/team%252Fapp/artifacts/{shown['digest']}"
    assert shown["addition_links"] == {
        "build_history": {"absolute": False, "href": f"{place}/additions/build_history"}
    }
    answer = world.admin.get(f"{world.server.url}{shown['addition_links']['build_history']['href']}")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    step = {"created": "2024-01-01T00:00:00Z", "created_by": "tests"}
    assert answer.json() == [step, step]


def test_additions_that_are_not_there(world: World, project: str) -> None:
    path = push(world, project, make_image())
    refused = world.admin.get(f"{path}/additions/values.yaml")
    assert message(refused, 400) == "addition VALUES.YAML isn't supported for IMAGE(manifest version 2)"
    assert "should be one of" in message(world.admin.get(f"{path}/additions/nonsense"), 422)
    missing = path.rpartition("/")[0]
    assert world.admin.get(f"{missing}/nothing/additions/build_history").status_code == 404
    index = push(world, project, make_index())
    assert "isn't supported" in message(world.admin.get(f"{index}/additions/build_history"), 400)
    assert "addition_links" not in world.admin.get(index).json()
    unknown = push(world, project, make_manifest(Content(b"{}", "application/vnd.acme.x.config.v1+json")))
    assert message(world.admin.get(f"{unknown}/additions/readme.md"), 400) == (
        "the processor for artifact X not found, cannot get the addition"
    )


def test_no_vulnerabilities_without_a_report(world: World, project: str) -> None:
    path = push(world, project, make_image())
    answer = world.admin.get(
        f"{path}/additions/vulnerabilities", headers={"X-Accept-Vulnerabilities": "application/json"}
    )
    assert (answer.status_code, answer.json()) == (200, {})
    shown = world.admin.get(f"{path}?with_scan_overview=true&with_sbom_overview=true").json()
    assert "scan_overview" not in shown
    assert "sbom_overview" not in shown
    assert world.admin.get(f"{path}?with_scan_overview=perhaps").status_code == 422


def test_a_chart(world: World, project: str) -> None:
    dependency = {
        "name": "db",
        "version": "1.x",
        "repository": "https://charts.example",
        "condition": "db.on",
    }
    files = {
        "values.yaml": b"replicas: 2\n",
        "README.md": b"# App <script>\n",
        "charts/db/values.yaml": b"not: this\n",
        "templates/readme.md": b"nor this",
    }
    path = push(world, project, make_chart(files, metadata={"dependencies": [dependency], "keywords": ["x"]}))
    shown = world.admin.get(path).json()
    assert shown["type"] == "CHART"
    assert shown["media_type"] == "application/vnd.cncf.helm.config.v1+json"
    assert (shown["extra_attrs"]["version"], shown["extra_attrs"]["keywords"]) == ("1.2.3", ["x"])
    assert sorted(shown["addition_links"]) == ["dependencies", "readme.md", "values.yaml"]
    values = world.admin.get(f"{path}/additions/values.yaml")
    assert (values.text, values.headers["Content-Type"]) == ("replicas: 2\n", "text/plain; charset=utf-8")
    readme = world.admin.get(f"{path}/additions/readme.md")
    assert (readme.content, readme.headers["Content-Type"]) == (
        files["README.md"],
        "text/markdown; charset=utf-8",
    )
    assert world.admin.get(f"{path}/additions/dependencies").json() == [dependency]
    assert world.admin.get(f"{path}/additions/files").status_code == 400


def test_an_older_chart_and_one_without_files(world: World, project: str) -> None:
    requirements = b"dependencies:\n- name: db\n  version: 1.x\n  repository: https://charts.example\n"
    older = push(
        world, project, make_chart({"requirements.yaml": requirements}, metadata={"apiVersion": "v1"})
    )
    (row,) = world.admin.get(f"{older}/additions/dependencies").json()
    assert row == {"name": "db", "version": "1.x", "repository": "https://charts.example"}
    bare = push(world, project, make_chart({}))
    assert world.admin.get(f"{bare}/additions/readme.md").content == b""
    assert world.admin.get(f"{bare}/additions/dependencies").json() == []


def test_charts_made_to_hurt(world: World, project: str) -> None:
    bomb = push(world, project, make_chart({"a": bytes(40 * 1024 * 1024), "values.yaml": b"x"}))
    assert world.admin.get(f"{bomb}/additions/values.yaml").status_code == 413
    layer = Content(b"no archive", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
    broken = push(
        world,
        project,
        make_manifest(Content(b"{}", "application/vnd.cncf.helm.config.v1+json"), [(layer, {})]),
    )
    assert "archive" in message(world.admin.get(f"{broken}/additions/values.yaml"), 400)
    empty = push(world, project, make_manifest(Content(b"{ }", "application/vnd.cncf.helm.config.v1+json")))
    assert world.admin.get(f"{empty}/additions/values.yaml").status_code == 404


def test_a_model(world: World, project: str) -> None:
    def layer(path: str, data: bytes, media_type: str) -> tuple[Content, dict[str, str]]:
        return Content(data, media_type), {MODEL_PATH: path}

    readme = gzip.compress(tar_of({"README.md": b"# Model"}))
    licence = tar_of({"LICENSE": b"MIT"})
    layers = [
        layer("README.md", readme, f"{_DOC}tar+gzip"),
        layer("LICENSE", licence, f"{_DOC}tar"),
        layer("weights/1.bin", b"12345", "application/vnd.cncf.model.weight.v1.raw"),
    ]
    config = {"descriptor": {"name": "small"}, "config": {"format": "x"}}
    path = push(world, project, make_manifest(Content(json_of(config), MODEL_CONFIG), layers))
    shown = world.admin.get(path).json()
    assert (shown["type"], shown["extra_attrs"]) == ("CNAI", config)
    assert sorted(shown["addition_links"]) == ["files", "license", "readme.md"]
    assert world.admin.get(f"{path}/additions/readme.md").text == "# Model"
    assert world.admin.get(f"{path}/additions/license").text == "MIT"
    assert world.admin.get(f"{path}/additions/files").json() == [
        {"name": "weights", "type": "directory", "children": [{"name": "1.bin", "type": "file", "size": 5}]},
        {"name": "LICENSE", "type": "file", "size": len(licence)},
        {"name": "README.md", "type": "file", "size": len(readme)},
    ]
    bare = push(
        world,
        project,
        make_manifest(
            Content(b'{"x":1}', MODEL_CONFIG), [layer("README", b"x", f"{_DOC}tar+zstd"), layers[2]]
        ),
    )
    assert "license layer not found" in message(world.admin.get(f"{bare}/additions/license"), 404)
    assert "tar+zstd" in message(world.admin.get(f"{bare}/additions/readme.md"), 400)


def test_an_sbom(world: World, project: str) -> None:
    document = json_of({"spdxVersion": "SPDX-2.3"})
    kind = "application/vnd.goharbor.harbor.sbom.v1"
    path = push(
        world, project, make_manifest(Content(b"{}", kind), [(Content(document, "text/spdx+json"), {})])
    )
    assert world.admin.get(path).json()["type"] == "SBOM"
    answer = world.admin.get(f"{path}/additions/sbom")
    assert (answer.content, answer.headers["Content-Type"]) == (document, kind)


def test_a_bundle_and_an_index(world: World, project: str) -> None:
    bundle = world.admin.get(push(world, project, make_bundle({"name": "wp", "version": "1"}))).json()
    assert (bundle["type"], bundle["media_type"]) == ("CNAB", "application/vnd.cnab.manifest.v1")
    assert bundle["extra_attrs"] == {"name": "wp", "version": "1"}
    (reference,) = bundle["references"]
    assert reference["annotations"] == {"io.cnab.manifest.type": "config"}
    assert (reference["platform"], reference["urls"]) == ({"os.features": None}, None)
    index = make_index()
    shown = world.admin.get(push(world, project, index)).json()
    assert (shown["type"], shown["media_type"]) == ("IMAGE", index.manifest.media_type)
    listed = world.admin.get(
        f"/projects/{project}/artifacts", params={"q": f"media_type={index.manifest.media_type}"}
    ).json()
    assert [artifact["digest"] for artifact in listed] == [index.digest]


def test_pictures(world: World, project: str) -> None:
    anonymous = world.clients["anonymous"]
    icon = world.admin.get(f"/projects/{world.private}/repositories/{REPOSITORY}/artifacts/v1").json()["icon"]
    shown = anonymous.get(f"/icons/{icon}").json()
    assert shown["content-type"] == "image/png"
    picture = base64.b64decode(shown["content"])
    assert icon == f"sha256:{hashlib.sha256(picture).hexdigest()}"
    own, secret = Content(PNG, "image/png"), Content(b"\x89PNG\r\n\x1a\n secret", "image/png")
    path = push(
        world,
        project,
        make_manifest(
            Content(json.dumps({"x": 1}).encode(), "application/vnd.acme.rocket.config.v1+json"),
            [(own, {"io.goharbor.artifact.v1alpha1.icon": ""}), (secret, {})],
        ),
    )
    artifact = world.admin.get(path).json()
    assert (artifact["type"], artifact["icon"], artifact["extra_attrs"]) == ("ROCKET", own.digest, {"x": 1})
    assert base64.b64decode(anonymous.get(f"/icons/{own.digest}").json()["content"]) == PNG
    for hidden in (secret.digest, artifact["digest"], "nothing", "sha256:" + "0" * 64):
        assert anonymous.get(f"/icons/{hidden}").status_code == 404
