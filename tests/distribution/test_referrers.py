"""Referrers: what names a subject, whether that is there or not."""

import os

import pytest

from tests.distribution.documents import EMPTY, config, index_of, manifest_of, push
from tests.support.http import RegistryClient, error_codes
from tests.support.images import OCI_CONFIG, OCI_INDEX, Content, digest_of

_SBOM = "application/vnd.example.sbom"
_SIGNATURE = "application/vnd.example.signature"


@pytest.fixture
def subject(registry: RegistryClient, repository: str) -> Content:
    manifest = manifest_of()
    push(registry, repository, manifest, EMPTY, tag="v1")
    return manifest


def referrer(subject: Content, artifact_type: str = _SBOM, **fields) -> Content:
    return manifest_of(artifactType=artifact_type, subject=subject.descriptor, **fields)


def digests(answer) -> list[str]:
    return [entry["digest"] for entry in answer.json()["manifests"]]


def test_the_list(registry: RegistryClient, repository: str, subject: Content) -> None:
    first = referrer(subject, annotations={"key": "value"})
    index = index_of(artifactType=_SIGNATURE, subject=subject.descriptor, annotations={"a": "b"})
    plain_index = index_of(subject=subject.descriptor, annotations=None)
    own_config = config()
    image = manifest_of(own_config, subject=subject.descriptor, annotations=None)
    for document in (first, index, plain_index, image):
        push(registry, repository, document, own_config)

    answer = registry.referrers(repository, subject.digest)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, OCI_INDEX)
    assert "OCI-Filters-Applied" not in answer.headers
    document = answer.json()
    assert (document["schemaVersion"], document["mediaType"]) == (2, OCI_INDEX)
    expected = [
        {**first.descriptor, "artifactType": _SBOM, "annotations": {"key": "value"}},
        {**index.descriptor, "artifactType": _SIGNATURE, "annotations": {"a": "b"}},
        plain_index.descriptor,
        # An image without artifactType is of its config's type.
        {**image.descriptor, "artifactType": OCI_CONFIG},
    ]
    assert document["manifests"] == sorted(expected, key=lambda entry: entry["digest"])


def test_head(registry: RegistryClient, repository: str, subject: Content) -> None:
    got = registry.referrers(repository, subject.digest)
    looked = registry.request("HEAD", f"/v2/{repository}/referrers/{subject.digest}")

    assert (looked.status_code, looked.content) == (200, b"")
    assert looked.headers["Content-Length"] == str(len(got.content))


def test_a_push_names_the_subject(registry: RegistryClient, repository: str, subject: Content) -> None:
    for document in (referrer(subject), index_of(subject=subject.descriptor)):
        for reference in (document.digest, "tagged"):
            answer = registry.put_manifest(repository, reference, document)
            assert (answer.status_code, answer.headers["OCI-Subject"]) == (201, subject.digest)


def test_a_filter(registry: RegistryClient, repository: str, subject: Content) -> None:
    sbom, signature = referrer(subject), referrer(subject, _SIGNATURE)
    for document in (sbom, signature):
        push(registry, repository, document)

    for kind, expected in ((_SBOM, [sbom.digest]), (_SIGNATURE, [signature.digest]), ("a/b", [])):
        answer = registry.referrers(repository, subject.digest, artifactType=kind)
        assert answer.headers["OCI-Filters-Applied"] == "artifactType"
        assert digests(answer) == expected


def test_pages(registry: RegistryClient, repository: str, subject: Content) -> None:
    pushed = [push(registry, repository, referrer(subject)) for _ in range(5)]
    push(registry, repository, referrer(subject, _SIGNATURE))

    answer = registry.referrers(repository, subject.digest, n=2, artifactType=_SBOM)
    pages = [digests(answer)]
    while link := answer.links.get("next"):
        answer = registry.request("GET", link["url"])
        assert answer.headers["OCI-Filters-Applied"] == "artifactType"
        pages.append(digests(answer))

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [digest for page in pages for digest in page] == sorted(pushed)


def test_none(registry: RegistryClient, repository: str, subject: Content) -> None:
    for name, digest in (
        (repository, subject.digest),
        (repository, digest_of(os.urandom(8))),
        (repository, digest_of(b"x", "sha512")),
        (f"{repository}-that-is-not-there", subject.digest),
    ):
        answer = registry.referrers(name, digest)
        assert (answer.status_code, answer.json()["manifests"]) == (200, [])


def test_a_subject_that_comes_later(registry: RegistryClient, repository: str) -> None:
    late = manifest_of()
    early = referrer(late)
    push(registry, repository, early, EMPTY)

    assert digests(registry.referrers(repository, late.digest)) == [early.digest]
    push(registry, repository, late)
    assert digests(registry.referrers(repository, late.digest)) == [early.digest]


def test_deleted(registry: RegistryClient, repository: str, subject: Content) -> None:
    """By itself, or with its subject."""
    document, other = referrer(subject), referrer(subject)
    push(registry, repository, document)
    push(registry, repository, other)

    assert registry.delete_manifest(repository, document.digest).status_code == 202
    assert digests(registry.referrers(repository, subject.digest)) == [other.digest]
    assert registry.delete_manifest(repository, subject.digest).status_code == 202
    assert digests(registry.referrers(repository, subject.digest)) == []
    assert registry.get_manifest(repository, other.digest).status_code == 404


def test_of_one_repository_only(registry: RegistryClient, team, repository: str, subject: Content) -> None:
    push(registry, repository, referrer(subject))

    elsewhere = team.repository()
    push(registry, elsewhere, manifest_of(), EMPTY)

    assert digests(registry.referrers(elsewhere, subject.digest)) == []


@pytest.mark.parametrize("digest", ["sha256:abc", "latest", "md5:d41d8cd98f00b204e9800998ecf8427e"])
def test_a_digest_that_is_none(registry: RegistryClient, repository: str, digest: str) -> None:
    answer = registry.referrers(repository, digest)

    assert (answer.status_code, error_codes(answer)) == (400, ["DIGEST_INVALID"])


def test_the_tag_schema_does_no_harm(registry: RegistryClient, repository: str, subject: Content) -> None:
    """Clients that know no referrers API keep an index under a tag made of the digest."""
    document = referrer(subject)
    push(registry, repository, document)
    fallback = index_of([document])

    push(registry, repository, fallback, tag=subject.digest.replace(":", "-"))

    assert digests(registry.referrers(repository, subject.digest)) == [document.digest]
    assert registry.get_manifest(repository, subject.digest.replace(":", "-")).content == fallback.data
