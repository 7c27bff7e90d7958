"""What a manifest's push or pull is refused for: size, types, bytes that are no manifest."""

import os

import pytest

from tests.distribution.documents import EMPTY, assert_stored, layer, manifest_of, push, written
from tests.support.http import RegistryClient, error_codes
from tests.support.images import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Content,
    digest_of,
)

_LIMIT = 4 * 1024 * 1024


def test_another_digest(registry: RegistryClient, repository: str) -> None:
    registry.push_blob(repository, EMPTY.data)
    other = digest_of(b"other")

    answer = registry.put_manifest(repository, other, manifest_of())

    assert (answer.status_code, error_codes(answer)) == (400, ["DIGEST_INVALID"])
    assert registry.get_manifest(repository, other).status_code == 404


def test_the_largest_and_one_more(registry: RegistryClient, repository: str) -> None:
    registry.push_blob(repository, EMPTY.data)
    padding = _LIMIT - len(manifest_of(padding="").data)
    largest, larger = manifest_of(padding="x" * padding), manifest_of(padding="x" * (padding + 1))
    assert len(largest.data) == _LIMIT

    assert registry.put_manifest(repository, "largest", largest).status_code == 201
    assert_stored(registry, repository, "largest", largest)
    for reference in ("larger", larger.digest):
        answer = registry.put_manifest(repository, reference, larger)
        assert (answer.status_code, error_codes(answer)) == (413, ["SIZE_INVALID"])
        assert registry.get_manifest(repository, reference).status_code == 404


def test_the_limit_holds_for_chunks(registry: RegistryClient, repository: str) -> None:
    def endless():
        for _ in range(6):
            yield bytes(1024 * 1024)

    answer = registry.request("PUT", f"/v2/{repository}/manifests/v1", content=endless())

    assert (answer.status_code, error_codes(answer)) == (413, ["SIZE_INVALID"])


def test_a_manifest_in_chunks(registry: RegistryClient, repository: str) -> None:
    registry.push_blob(repository, EMPTY.data)
    manifest = manifest_of()
    path = f"/v2/{repository}/manifests/v1"

    answer = registry.request(
        "PUT",
        path,
        content=iter([manifest.data[:7], manifest.data[7:]]),
        headers={"Content-Type": manifest.media_type},
    )

    assert answer.status_code == 201, answer.text
    assert_stored(registry, repository, "v1", manifest)


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("", 200),
        ("*/*", 200),
        ("application/*", 200),
        ("application/json", 200),
        (OCI_MANIFEST, 200),
        (f"{DOCKER_MANIFEST};q=0.9, {OCI_MANIFEST.upper()} ; q=0.5", 200),
        (f"{DOCKER_MANIFEST}, */*;q=0.1", 200),
        ("application/vnd.docker.distribution.manifest.v1+prettyjws, application/json, */*", 200),
        (DOCKER_MANIFEST, 404),
        (f"{DOCKER_MANIFEST}, {DOCKER_LIST}", 404),
        (f"{OCI_MANIFEST};q=0, text/html", 404),
    ],
)
def test_accept(registry: RegistryClient, repository: str, accept: str, status: int) -> None:
    digest = push(registry, repository, manifest_of(), EMPTY, tag="v1")

    for reference in ("v1", digest):
        assert registry.get_manifest(repository, reference, accept=accept).status_code == status
        assert registry.head_manifest(repository, reference, accept=accept).status_code == status


def test_accept_as_several_headers(registry: RegistryClient, repository: str) -> None:
    """As Go's clients send it: one header a type."""
    push(registry, repository, manifest_of(), EMPTY, tag="v1")
    path = f"/v2/{repository}/manifests/v1"
    headers = [*registry.headers("GET", path).items()]
    headers += [("Accept", name) for name in (DOCKER_LIST, DOCKER_MANIFEST, OCI_MANIFEST)]

    assert registry.http.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("form", ['"{}"', "{}"])
def test_a_manifest_that_the_client_has(registry: RegistryClient, repository: str, form: str) -> None:
    digest = push(registry, repository, manifest_of(), EMPTY, tag="v1")
    path = f"/v2/{repository}/manifests/v1"

    same = registry.request("GET", path, headers={"If-None-Match": form.format(digest)})
    other = registry.request("GET", path, headers={"If-None-Match": form.format(digest_of(b"other"))})

    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["Docker-Content-Digest"] == digest
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (OCI_MANIFEST, 201),
        (f"{OCI_MANIFEST}; charset=utf-8", 201),
        (None, 201),
        (DOCKER_MANIFEST, 400),
        (OCI_INDEX, 400),
        ("text/plain", 400),
    ],
)
def test_content_type(
    registry: RegistryClient, repository: str, content_type: str | None, status: int
) -> None:
    registry.push_blob(repository, EMPTY.data)
    manifest = manifest_of()
    headers = {"Content-Type": content_type} if content_type is not None else {}

    answer = registry.request("PUT", f"/v2/{repository}/manifests/v1", content=manifest.data, headers=headers)

    assert answer.status_code == status, answer.text
    if status == 201:
        assert_stored(registry, repository, "v1", manifest)
    else:
        assert registry.get_manifest(repository, "v1").status_code == 404


@pytest.mark.parametrize(
    "content_type", ["application/vnd.docker.distribution.manifest.v1+prettyjws", OCI_MANIFEST]
)
def test_schema_1_is_refused(registry: RegistryClient, repository: str, content_type: str) -> None:
    document = {"schemaVersion": 1, "name": repository, "tag": "v1", "fsLayers": [], "history": []}

    answer = registry.put_manifest(repository, "v1", written(document, content_type))

    assert (answer.status_code, error_codes(answer)) == (400, ["UNSUPPORTED"])
    assert "schema 1" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"schemaVersion": 2}',
        b"[" * 100_000,
        manifest_of().data[:-20],
        manifest_of(schemaVersion=3).data,
        manifest_of(config={"digest": "sha256:abc", "size": 1, "mediaType": "a/b"}).data,
        manifest_of(layers=[{**EMPTY.descriptor, "size": -1}]).data,
        manifest_of(layers=[{**EMPTY.descriptor, "size": 1 << 64}]).data,
        manifest_of(layers={}).data,
        manifest_of(manifests=[]).data,
        manifest_of(config={**EMPTY.descriptor, "data": "e3s="}).data,
        manifest_of(subject={"digest": 5}).data,
        manifest_of(annotations={"a": 1}).data,
        manifest_of(annotations={"a": "\0"}).data,
    ],
)
def test_what_is_no_manifest(registry: RegistryClient, repository: str, data: bytes) -> None:
    registry.push_blob(repository, EMPTY.data)

    answer = registry.put_manifest(repository, "v1", Content(data, OCI_MANIFEST))

    assert (answer.status_code, error_codes(answer)) == (400, ["MANIFEST_INVALID"])
    assert registry.get_manifest(repository, "v1").status_code == 404
    assert registry.tags(repository).json()["tags"] == []


def test_a_size_that_is_not_the_blob_s(registry: RegistryClient, repository: str) -> None:
    registry.push_blob(repository, EMPTY.data)

    answer = registry.put_manifest(repository, "v1", manifest_of(config={**EMPTY.descriptor, "size": 3}))

    assert (answer.status_code, error_codes(answer)) == (400, ["MANIFEST_INVALID"])


def test_docker_layers_are_needed(registry: RegistryClient, repository: str) -> None:
    missing = layer(10, DOCKER_LAYER)
    own_config = Content(os.urandom(10), DOCKER_CONFIG)
    registry.push_blob(repository, own_config.data)

    answer = registry.put_manifest(repository, "v1", manifest_of(own_config, [missing], DOCKER_MANIFEST))

    assert (answer.status_code, error_codes(answer)) == (404, ["MANIFEST_BLOB_UNKNOWN"])
