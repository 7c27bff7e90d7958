"""One artifact in the portal: what it is, its tags, its documents, and whether it can be pulled."""

import json
import os

import pytest

from tests.portal.conftest import Browse
from tests.portal.test_artifacts import Place
from tests.support.accounts import make_project, unique
from tests.support.contents import MODEL_CONFIG, MODEL_PATH, make_chart, make_manifest
from tests.support.images import OCI_CONFIG, OCI_LAYER, Content, Image, make_image
from tests.support.waiting import eventually
from tests.support.world import REPOSITORY, World

_MODEL_DOCUMENT = "application/vnd.cncf.model.doc.v1.raw"


@pytest.fixture
def place(world: World) -> Place:
    """A repository of the test's own."""
    return Place(world, unique("app"))


def built_image() -> Image:
    """An image whose config tells how it was made."""
    config = {
        "architecture": "arm64",
        "os": "linux",
        "author": "Ann",
        "created": "2026-01-02T03:04:05.123456789Z",
        "config": {"Entrypoint": ["/bin/app"], "Env": ["MODE=fast"]},
        "history": [
            {"created": "2026-01-02T03:04:05Z", "created_by": "/bin/sh -c #(nop) ADD file in / "},
            {"created_by": '/bin/sh -c #(nop)  CMD ["<b>"]', "empty_layer": True},
            {"created_by": "RUN make", "comment": "buildkit"},
        ],
    }
    layers = [(Content(os.urandom(100), OCI_LAYER), {}) for _ in range(3)]
    return make_manifest(
        Content(json.dumps(config).encode(), OCI_CONFIG), layers, annotations={"org.example.note": "a note"}
    )


def test_the_page_tells_what_it_is(browse: Browse, place: Place) -> None:
    image = built_image()
    place.push(image, "v1")
    page = browse("guest").open(place.artifact_url(image.digest))
    assert page.status == 200
    for words in (image.digest, "linux/arm64", "2026-01-02 03:04", "Ann", "/bin/app", "MODE=fast", "a note"):
        assert words in page.text
    assert f"docker pull {place.world.server.url.partition('://')[2]}/{place.name}:v1" in page.text
    assert browse("guest").open(f"{place.url}/-/artifacts/v1").text == page.text
    nothing = f"sha256:{'0' * 64}"
    assert browse("guest").open(place.artifact_url(nothing)).status == 404
    assert browse("guest").open(place.artifact_url("no%00thing")).status == 400


def test_layers_are_shown_with_their_commands(browse: Browse, place: Place) -> None:
    image = built_image()
    place.push(image)
    page = browse("guest").open(f"{place.artifact_url(image.digest)}/layers")
    rows = [" ".join(row.get_text(" ").split()) for row in page.document.select("tbody tr")]
    first, second, third = (layer.digest[:19] for layer in image.layers)
    assert "ADD file in /" in rows[0]
    assert first in rows[0]
    assert 'CMD ["<b>"]' in rows[1]
    assert "no layer" in rows[1]
    assert "RUN make buildkit" in rows[2]
    assert second in rows[2]
    # No line of the history tells of it.
    assert third in rows[3]
    page = browse("guest").open(f"{place.artifact_url(image.digest)}/manifest")
    assert json.loads(page.document.select_one("main pre").get_text()) == json.loads(image.manifest.data)


def test_a_chart_shows_its_readme_values_and_dependencies(browse: Browse, place: Place) -> None:
    files = {
        "README.md": b"# Shop\n\n<script>alert(1)</script> *so*",
        "values.yaml": b"replicas: 2 # <i>\n",
    }
    dependency = {"name": "redis", "version": "^1", "repository": "https://charts.example.com"}
    chart = make_chart(files, metadata={"appVersion": "7.1", "dependencies": [dependency]})
    url = place.artifact_url(place.push(chart, "1.2.3"))
    page = browse("guest").open(url)
    assert "7.1" in page.text
    assert "helm pull" in page.text
    assert {f"{url}/readme", f"{url}/values", f"{url}/dependencies"} <= page.links()
    page = browse("guest").open(f"{url}/readme")
    assert page.document.select_one(".markdown em").get_text() == "so"
    assert not page.has("main script")
    assert "replicas: 2 # <i>" in browse("guest").open(f"{url}/values").text
    assert "redis ^1 https://charts.example.com" in browse("guest").open(f"{url}/dependencies").text
    page = browse("guest").open(f"{url}/license")
    assert page.status == 200
    assert "The artifact does not have this" in page.text


def test_a_model_shows_its_files(browse: Browse, place: Place) -> None:
    layers = [
        (Content(b"# Bot", _MODEL_DOCUMENT), {MODEL_PATH: "README.md"}),
        (Content(b"Do what you like", _MODEL_DOCUMENT), {MODEL_PATH: "LICENSE"}),
        (Content(os.urandom(64), "application/vnd.cncf.model.weight.v1.raw"), {MODEL_PATH: "weights/a.bin"}),
    ]
    url = place.artifact_url(place.push(make_manifest(Content(b"{}", MODEL_CONFIG), layers)))
    page = browse("guest").open(f"{url}/files")
    rows = [" ".join(row.get_text(" ").split()) for row in page.document.select("tbody tr")]
    assert rows == ["weights/", "weights/a.bin 64 B", "LICENSE 16 B", "README.md 5 B"]
    assert "Bot" in browse("guest").open(f"{url}/readme").text
    assert "Do what you like" in browse("guest").open(f"{url}/license").text


def test_accessories_of_accessories_are_shown(browse: Browse, place: Place) -> None:
    image = make_image()
    place.push(image, "v1")
    report = make_manifest(
        Content(b"{}", "application/vnd.oci.empty.v1+json"),
        artifactType="application/vnd.example.report",
        subject=image.manifest.descriptor,
    )
    place.push(report)
    signature = make_manifest(
        Content(b"{}", "application/vnd.cncf.notary.signature"), subject=report.manifest.descriptor
    )
    place.push(signature)
    page = browse("guest").open(place.artifact_url(image.digest))
    first, second = page.document.select("#accessories tbody tr")
    assert "application/vnd.example.report" in first.get_text()
    assert first.select_one(".tree-0")
    assert "Notation signature" in second.get_text()
    assert second.select_one(".tree-1")


def test_tags_are_made_ended_and_deleted(world: World, browse: Browse, place: Place) -> None:
    digest = place.push(make_image(), "v1")
    url = place.artifact_url(digest)
    developer = browse("developer")
    page = developer.submit(f"{url}/tags/new", name="v2", expires_after="2w")
    assert "The tag v2 is there." in page.text

    def tags() -> dict[str, str]:
        return {tag["name"]: tag.get("expires_at") or "" for tag in place.one(digest).json()["tags"]}

    assert set(tags()) == {"v1", "v2"}
    assert tags()["v2"]
    assert developer.submit(f"{url}/tags/new", name="v2").status == 409
    assert developer.submit(f"{url}/tags/new", name="-no").status == 400
    page = developer.submit(f"{url}/tags/new", name="v3", expires_after="soon")
    assert page.status == 400
    assert "invalid expires_after" in page.text

    maintainer = browse("maintainer")
    page = maintainer.submit(f"{url}/tags/v2/expiry", expires_after="")
    assert "The tag v2 stays." in page.text
    assert not tags()["v2"]
    maintainer.submit(f"{url}/tags/v1/expiry", expires_after="3d")
    assert tags()["v1"]
    assert maintainer.open(f"{url}/tags/none/expiry").status == 404
    page = maintainer.submit(f"{url}/tags/v2/delete")
    assert "The tag v2 is in the trash." in page.text
    assert set(tags()) == {"v1"}
    for path in (f"{url}/tags/v1/delete", f"{url}/tags/v1/expiry"):
        assert developer.open(path).status == 403
        assert developer.post(path).status == 403
    assert browse("guest").open(f"{url}/tags/new").status == 403
    assert set(tags()) == {"v1"}


def test_a_tag_that_a_rule_keeps_is_marked_and_stays(world: World, browse: Browse) -> None:
    # A project of its own: of one person's refusals in a project the log has one in ten seconds.
    place = Place(world, "app", make_project(world.admin))
    tag = unique("kept")
    digest = place.push(make_image(), tag)
    rule = {
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tag}],
        "scope_selectors": {
            "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]
        },
    }
    assert world.admin.post(f"/projects/{place.project}/immutabletagrules", json=rule).status_code == 201
    url = place.artifact_url(digest)
    assert f"{tag} immutable" in browse("sysadmin").open(url).text
    page = browse("sysadmin").submit(f"{url}/tags/{tag}/delete")
    assert page.status == 412
    assert "configured as immutable" in page.text
    assert place.one(digest).json()["tags"]
    query = f"username={world.people['sysadmin'].name},operation_result=false,resource={place.name}"
    rows = eventually(lambda: world.admin.get(f"/auditlog-exts?q={query}").json(), bool)
    assert rows[0]["resource_type"] == "tag"


def test_an_artifact_is_deactivated_and_activated(world: World, browse: Browse, place: Place) -> None:
    digest = place.push(make_image(), "v1")
    url = place.artifact_url(digest)
    page = browse("maintainer").submit(f"{url}/deactivate", reason="x" * 256)
    assert page.status == 422
    assert not place.one(digest).json().get("deactivated_at")
    page = browse("maintainer").submit(f"{url}/deactivate", reason="It <phones> home")
    assert "Nobody can pull this artifact" in page.text
    assert "Reason: It <phones> home" in page.text
    assert world.people["maintainer"].name in page.text
    assert place.one(digest).json()["deactivated_by"] == world.people["maintainer"].name
    assert place.one(digest).json()["deactivated_reason"] == "It <phones> home"
    assert "deactivated" in browse("guest").open(place.url).text
    page = browse("maintainer").submit(f"{url}/activate")
    assert "Nobody can pull" not in page.text
    assert not place.one(digest).json().get("deactivated_at")
    for name in ("deactivate", "activate"):
        assert browse("developer").open(f"{url}/{name}").status == 403
        assert browse("developer").post(f"{url}/{name}").status == 403


def test_many_tags_are_shown_page_by_page(world: World, browse: Browse) -> None:
    place = Place(world, REPOSITORY)
    url = place.artifact_url(world.digest)
    for number in range(3):
        world.admin.post(f"{place.api}/{world.digest}/tags", json={"name": f"page-{number}"})
    page = browse("guest").open(f"{url}?page_size=2&search=page&sort=name")
    names = [row.td.get_text(strip=True) for row in page.document.select("#tags tbody tr")]
    assert names == ["page-0", "page-1"]
    page = browse("guest").open(str(page.document.select_one("#tags a[rel=next]")["href"]))
    assert [row.td.get_text(strip=True) for row in page.document.select("#tags tbody tr")] == ["page-2"]
