"""Signatures and the like: what is one, how it is listed, and that no other list shows it."""

import pytest

from tests.support.accounts import make_project
from tests.support.contents import make_manifest
from tests.support.http import RegistryClient
from tests.support.images import OCI_CONFIG, Content, Image, make_artifact, make_image, make_index
from tests.support.world import World

_COSIGN_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"


@pytest.fixture
def project(world: World) -> str:
    return make_project(world.admin)


def path_of(project: str) -> str:
    return f"/projects/{project}/repositories/app/artifacts"


def signature_by_tag() -> Image:
    layer = Content(b"{}", _COSIGN_LAYER)
    return make_manifest(
        Content(b'{"x":1}', OCI_CONFIG), [(layer, {"dev.cosignproject.cosign/signature": "x"})]
    )


def test_a_list_of_accessories(world: World, project: str) -> None:
    image = make_image()
    sbom = make_artifact(artifact_type="application/vnd.goharbor.harbor.sbom.v1", subject=image.manifest)
    bundle = make_artifact(
        artifact_type="application/vnd.dev.sigstore.bundle.v0.3+json", subject=image.manifest
    )
    other = make_artifact(artifact_type="application/vnd.example", subject=image.manifest)
    with RegistryClient(world.server.url, world.server.admin) as client:
        # In either order: an accessory may come before what it is about.
        client.push(f"{project}/app", sbom)
        client.push(f"{project}/app", image, tag="v1")
        client.push(f"{project}/app", bundle)
        client.push(f"{project}/app", other)
    path = f"{path_of(project)}/v1/accessories"
    answer = world.admin.get(path)
    assert answer.headers["X-Total-Count"] == "3"
    assert [row["type"] for row in answer.json()] == ["sbom.harbor", "signature.cosign", "subject.accessory"]
    first = answer.json()[0]
    assert (first["digest"], first["subject_artifact_digest"]) == (sbom.digest, image.digest)
    assert first["subject_artifact_repo"] == f"{project}/app"
    assert first["icon"].startswith("sha256:")
    assert first["creation_time"].endswith("Z")
    paged = world.admin.get(path, params={"page": 2, "page_size": 2, "sort": "-id"})
    assert [row["digest"] for row in paged.json()] == [sbom.digest]
    assert 'rel="prev"' in paged.headers["Link"]
    found = world.admin.get(path, params={"q": "type=signature.cosign"}).json()
    assert [row["digest"] for row in found] == [bundle.digest]
    shown = world.admin.get(path_of(project), params={"with_accessory": "true"})
    assert shown.headers["X-Total-Count"] == "1"
    assert len(shown.json()[0]["accessories"]) == 3
    assert world.admin.get(f"/projects/{project}/repositories/app").json()["artifact_count"] == 1
    assert world.admin.get(f"{path_of(project)}/nothing/accessories").status_code == 404


def test_a_signature_that_only_its_tag_tells(world: World, project: str) -> None:
    image, signature = make_image(), signature_by_tag()
    tag = f"{image.digest.replace(':', '-')}.sig"
    path = path_of(project)
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{project}/app", image, tag="v1")
        # First without the tag: an artifact like any other.
        client.push(f"{project}/app", signature)
        assert len(world.admin.get(path).json()) == 2
        client.push(f"{project}/app", signature, tag=tag)
        assert client.pull(f"{project}/app", tag) == signature.digest
    (shown,) = world.admin.get(path, params={"with_accessory": "true"}).json()
    (accessory,) = shown["accessories"]
    assert (accessory["type"], accessory["digest"]) == ("signature.cosign", signature.digest)
    target = make_project(world.admin)
    copied = world.admin.post(f"{path_of(target)}?from={project}/app:v1")
    assert copied.status_code == 201, copied.text
    (there,) = world.admin.get(f"{path_of(target)}/v1/accessories").json()
    assert there["digest"] == signature.digest
    refused = world.admin.post(f"{path_of(target)}?from={project}/app@{signature.digest}")
    assert refused.status_code == 403
    assert "accessory" in refused.json()["errors"][0]["message"]


def test_children_inherit_what_is_said_of_their_index(world: World, project: str) -> None:
    index = make_index()
    signature = make_artifact(artifact_type="application/vnd.cncf.notary.signature", subject=index.manifest)
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{project}/app", index, tag="v1")
        client.push(f"{project}/app", signature)
    child = f"{path_of(project)}/{index.images[0].digest}"
    shown = world.admin.get(
        child, params={"with_accessory": "true", "with_inherited_accessory": "true"}
    ).json()
    assert shown["accessories"] is None
    (inherited,) = shown["inherited_accessories"]
    assert (inherited["type"], inherited["digest"]) == ("signature.notation", signature.digest)
    assert "inherited_accessories" not in world.admin.get(child).json()
