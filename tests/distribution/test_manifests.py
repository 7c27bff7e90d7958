"""Manifests of every kind pushed and pulled: the stored bytes are the received bytes."""

import json

import pytest

from tests.distribution.documents import (
    EMPTY,
    assert_stored,
    config,
    index_of,
    layer,
    manifest_of,
    push,
)
from tests.support.http import RegistryClient, error_codes
from tests.support.images import (
    DOCKER_CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Content,
    digest_of,
    make_image,
    make_index,
)

_FOREIGN = [
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
]


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_an_image(registry: RegistryClient, repository: str, docker: bool) -> None:
    image = make_image(docker=docker, layer_size=500)

    registry.push(repository, image, tag="v1")

    assert registry.pull(repository, "v1") == registry.pull(repository, image.digest) == image.digest
    for reference in ("v1", image.digest):
        assert_stored(registry, repository, reference, image.manifest)


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_an_index(registry: RegistryClient, repository: str, docker: bool) -> None:
    index = make_index(docker=docker)

    registry.push(repository, index, tag="v1")

    assert registry.pull(repository, "v1") == index.digest
    assert_stored(registry, repository, "v1", index.manifest)


def test_the_answer_to_a_push(registry: RegistryClient, repository: str) -> None:
    registry.push_blob(repository, EMPTY.data)
    manifest = manifest_of()

    answer = registry.put_manifest(repository, "v1", manifest)

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v2/{repository}/manifests/{manifest.digest}"
    assert answer.headers["Docker-Content-Digest"] == manifest.digest
    assert "OCI-Subject" not in answer.headers


@pytest.mark.parametrize(
    "fields",
    [
        {"artifactType": "application/vnd.example.thing"},
        {"artifactType": "application/vnd.example.thing", "layers": []},
        {"custom": {"nested": [1, 2.5, None, "ü"]}, "another": True},
        {"annotations": {"": "", "ключ": "значение", 'quote"': "\n"}},
        {"config": {**EMPTY.descriptor, "data": "e30="}},
        {"config": {**EMPTY.descriptor, "custom": 1, "annotations": {"a": "b"}}},
        {"mediaType": None},
    ],
    ids=["artifact", "no layers", "custom fields", "annotations", "data", "descriptor", "no media type"],
)
def test_a_manifest_of_an_artifact(registry: RegistryClient, repository: str, fields: dict) -> None:
    manifest = manifest_of(**fields)

    digest = push(registry, repository, manifest, EMPTY, tag="v1")

    assert_stored(registry, repository, digest, manifest)
    assert_stored(registry, repository, "v1", manifest)


@pytest.mark.parametrize("media_type", _FOREIGN)
def test_foreign_layers_need_no_blob(registry: RegistryClient, repository: str, media_type: str) -> None:
    foreign = {**layer(10, media_type).descriptor, "urls": ["https://example.com/layer"]}
    docker = "docker" in media_type
    own_config = Content(config().data, DOCKER_CONFIG) if docker else config()
    manifest = manifest_of(
        own_config, media_type=DOCKER_MANIFEST if docker else OCI_MANIFEST, layers=[foreign]
    )

    digest = push(registry, repository, manifest, own_config)

    assert_stored(registry, repository, digest, manifest)


def test_a_nested_index(registry: RegistryClient, repository: str) -> None:
    image = manifest_of()
    inner = index_of([image])
    outer = index_of([inner, image], artifactType="application/vnd.example.set")

    for document in (image, inner, outer):
        push(registry, repository, document, EMPTY)

    for document in (image, inner, outer):
        assert_stored(registry, repository, document.digest, document)


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_a_sparse_and_an_empty_index(registry: RegistryClient, repository: str, media_type: str) -> None:
    there, missing = manifest_of(), manifest_of()
    push(registry, repository, there, EMPTY)

    for index in (
        index_of([there, missing], media_type),
        index_of([missing], media_type),
        index_of([], media_type),
    ):
        assert_stored(registry, repository, push(registry, repository, index), index)
    answer = registry.get_manifest(repository, missing.digest)
    assert (answer.status_code, error_codes(answer)) == (404, ["MANIFEST_UNKNOWN"])


def test_a_child_that_comes_after_its_index(registry: RegistryClient, repository: str) -> None:
    child = manifest_of()
    index = index_of([child])
    push(registry, repository, index)
    push(registry, repository, child, EMPTY)

    refused = registry.delete_manifest(repository, child.digest)

    assert (refused.status_code, error_codes(refused)) == (412, ["VIOLATE_FOREIGN_KEY_CONSTRAINT"])
    assert registry.delete_manifest(repository, index.digest).status_code == 202
    assert registry.get_manifest(repository, child.digest).status_code == 404, "nothing else held it"


def test_by_sha512(registry: RegistryClient, repository: str) -> None:
    registry.push_blob(repository, EMPTY.data)
    manifest = manifest_of()
    digest = digest_of(manifest.data, "sha512")

    answer = registry.put_manifest(repository, digest, manifest, tag="v1")

    assert answer.status_code == 201, answer.text
    assert answer.headers["Docker-Content-Digest"] == digest
    for reference in (digest, "v1"):
        got = registry.get_manifest(repository, reference)
        assert (got.content, got.headers["Docker-Content-Digest"]) == (manifest.data, digest)


def test_tag_parameters(registry: RegistryClient, repository: str) -> None:
    registry.push_blob(repository, EMPTY.data)
    manifest = manifest_of()
    tags = [f"v{number}" for number in range(12)]

    answer = registry.put_manifest(repository, manifest.digest, manifest, tag=[*tags, "v0"])

    assert answer.status_code == 201, answer.text
    assert sorted(answer.headers.get_list("OCI-Tag")) == sorted(tags)
    assert sorted(registry.tags(repository).json()["tags"]) == sorted(tags)
    for tag in tags:
        assert_stored(registry, repository, tag, manifest)


def test_a_bad_tag_parameter_changes_nothing(registry: RegistryClient, repository: str) -> None:
    registry.push_blob(repository, EMPTY.data)
    manifest = manifest_of()

    answer = registry.put_manifest(repository, manifest.digest, manifest, tag=["good", "-bad"])

    assert (answer.status_code, error_codes(answer)) == (400, ["TAG_INVALID"])
    assert registry.get_manifest(repository, manifest.digest).status_code == 404
    assert registry.get_manifest(repository, "good").status_code == 404


def test_too_many_tag_parameters(registry: RegistryClient, repository: str) -> None:
    registry.push_blob(repository, EMPTY.data)
    manifest = manifest_of()

    answer = registry.put_manifest(repository, manifest.digest, manifest, tag=[f"v{n}" for n in range(1100)])

    assert (answer.status_code, error_codes(answer)) == (414, ["SIZE_INVALID"])
    assert registry.get_manifest(repository, manifest.digest).status_code == 404


def test_a_tag_moves(registry: RegistryClient, repository: str) -> None:
    first, second = manifest_of(), manifest_of()
    push(registry, repository, first, EMPTY, tag="v1")
    assert_stored(registry, repository, "v1", first)

    push(registry, repository, second, tag="v1")

    assert_stored(registry, repository, "v1", second)
    assert_stored(registry, repository, first.digest, first)


def test_delete_by_tag_removes_the_tag_only(registry: RegistryClient, repository: str) -> None:
    manifest = manifest_of()
    push(registry, repository, manifest, EMPTY, tag="v1")
    push(registry, repository, manifest, tag="v2")

    assert registry.delete_manifest(repository, "v1").status_code == 202

    gone = registry.get_manifest(repository, "v1")
    assert (gone.status_code, error_codes(gone)) == (404, ["MANIFEST_UNKNOWN"])
    assert_stored(registry, repository, "v2", manifest)
    assert_stored(registry, repository, manifest.digest, manifest)
    assert registry.tags(repository).json()["tags"] == ["v2"]
    again = registry.delete_manifest(repository, "v1")
    assert (again.status_code, error_codes(again)) == (404, ["MANIFEST_UNKNOWN"])


def test_delete_by_digest_removes_the_tags_too(registry: RegistryClient, repository: str) -> None:
    manifest, other = manifest_of(), manifest_of()
    push(registry, repository, manifest, EMPTY, tag="v1")
    push(registry, repository, manifest, tag="v2")
    push(registry, repository, other, tag="v3")

    assert registry.delete_manifest(repository, manifest.digest).status_code == 202

    for reference in ("v1", "v2", manifest.digest):
        assert registry.get_manifest(repository, reference).status_code == 404
    assert registry.tags(repository).json()["tags"] == ["v3"]
    again = registry.delete_manifest(repository, manifest.digest)
    assert (again.status_code, error_codes(again)) == (404, ["MANIFEST_UNKNOWN"])


def test_a_deleted_image_can_be_pushed_again_without_its_blobs(
    registry: RegistryClient, repository: str
) -> None:
    """Blobs stay until collection, and a client that asks for them is told that they are there."""
    image = make_image(layer_size=100)
    registry.push(repository, image, tag="v1")
    assert registry.delete_manifest(repository, image.digest).status_code == 202
    assert all(registry.head_blob(repository, blob.digest).status_code == 200 for blob in image.blobs)

    assert registry.put_manifest(repository, "v1", image.manifest).status_code == 201

    assert registry.pull(repository, "v1") == image.digest


def test_names_with_the_words_of_the_protocol(registry: RegistryClient, team) -> None:
    for words in ("blobs", "manifests/x", "blobs/uploads", "tags/list", "referrers/tags", "v2/service/token"):
        repository = f"{team.project}/{words}"
        image = make_image(layers=1, layer_size=10)
        registry.push(repository, image, tag="uploads")
        registry.push(repository, image, tag="list")

        assert registry.pull(repository, "uploads") == image.digest
        assert json.loads(registry.tags(repository).content)["tags"] == ["list", "uploads"]
        assert registry.referrers(repository, image.digest).status_code == 200
