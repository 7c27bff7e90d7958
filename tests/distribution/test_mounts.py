"""Mounts, and that a digest alone opens nothing."""

import os

import pytest

from tests.distribution.conftest import Team
from tests.distribution.documents import EMPTY, layer, manifest_of, push
from tests.support.accounts import api, make_project, unique
from tests.support.http import RegistryClient, error_codes
from tests.support.server import HarborServer


@pytest.fixture
def data() -> bytes:
    return os.urandom(500)


@pytest.fixture(scope="session")
def other_project(server: HarborServer) -> str:
    """A private project in which only the administrator is."""
    with api(server.url, server.admin) as client:
        return make_project(client)


def assert_mounted(registry: RegistryClient, answer, repository: str, digest: str, data: bytes) -> None:
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v2/{repository}/blobs/{digest}"
    assert answer.headers["Docker-Content-Digest"] == digest
    assert registry.pull_blob(repository, digest) == data


def assert_upload(registry: RegistryClient, answer, repository: str, digest: str, data: bytes) -> None:
    """The client is asked for the bytes, and can send them."""
    assert answer.status_code == 202, answer.text
    assert registry.head_blob(repository, digest).status_code == 404
    assert registry.put(answer.headers["Location"], digest, data).status_code == 201


def test_from_another_repository(registry: RegistryClient, team: Team, repository: str, data: bytes) -> None:
    source = team.repository()
    digest = registry.push_blob(source, data)

    assert_mounted(registry, registry.mount(repository, digest, source=source), repository, digest, data)


def test_from_another_project(
    registry: RegistryClient, other_project: str, repository: str, data: bytes
) -> None:
    source = f"{other_project}/{unique('image')}"
    digest = registry.push_blob(source, data)

    assert_mounted(registry, registry.mount(repository, digest, source=source), repository, digest, data)


def test_a_mounted_blob_outlives_its_source(
    registry: RegistryClient, team: Team, repository: str, data: bytes
) -> None:
    source = team.repository()
    digest = registry.push_blob(source, data)
    registry.mount(repository, digest, source=source)

    assert registry.delete_blob(source, digest).status_code == 202

    assert registry.pull_blob(repository, digest) == data


def test_without_a_source_in_the_same_project(
    registry: RegistryClient, team: Team, repository: str, data: bytes
) -> None:
    digest = registry.push_blob(team.repository(), data)

    assert_mounted(registry, registry.mount(repository, digest), repository, digest, data)


def test_without_a_source_from_a_public_project(
    registry: RegistryClient, public_project: str, repository: str, data: bytes
) -> None:
    digest = registry.push_blob(f"{public_project}/{unique('image')}", data)

    assert_mounted(registry, registry.mount(repository, digest), repository, digest, data)


def test_without_a_source_never_from_another_private_project(
    registry: RegistryClient, client_of, team: Team, other_project: str, repository: str, data: bytes
) -> None:
    digest = registry.push_blob(f"{other_project}/{unique('image')}", data)
    developer = client_of(team.people["developer"])

    assert_upload(developer, developer.mount(repository, digest), repository, digest, data)


@pytest.mark.parametrize("has_token", [True, False], ids=["token", "basic"])
def test_without_a_right_to_the_source(
    registry: RegistryClient,
    client_of,
    team: Team,
    other_project: str,
    repository: str,
    data: bytes,
    has_token: bool,
) -> None:
    source = f"{other_project}/{unique('image')}"
    digest = registry.push_blob(source, data)
    developer = client_of(team.people["developer"])

    if has_token:
        answer = developer.mount(repository, digest, source=source)
    else:
        path = f"/v2/{repository}/blobs/uploads/"
        parameters = {"mount": digest, "from": source}
        answer = developer.http.post(path, params=parameters, auth=team.people["developer"].basic)

    assert_upload(developer, answer, repository, digest, data)


def test_a_token_without_the_source_mounts_nothing(
    registry: RegistryClient, team: Team, repository: str, data: bytes
) -> None:
    """The administrator may read the source, but has not asked for it."""
    source = team.repository()
    digest = registry.push_blob(source, data)
    path = f"/v2/{repository}/blobs/uploads/"

    answer = registry.http.post(
        path, params={"mount": digest, "from": source}, headers=registry.headers("POST", path)
    )

    assert_upload(registry, answer, repository, digest, data)


def test_of_a_blob_that_the_source_lacks(
    registry: RegistryClient, team: Team, repository: str, data: bytes
) -> None:
    digest = registry.push_blob(team.repository(), data)

    answer = registry.mount(repository, digest, source=team.repository())

    assert_upload(registry, answer, repository, digest, data)


def test_of_a_malformed_digest(registry: RegistryClient, repository: str) -> None:
    answer = registry.mount(repository, "sha256:abc")

    assert (answer.status_code, error_codes(answer)) == (400, ["DIGEST_INVALID"])


@pytest.mark.parametrize("source", ["No/Name", 'a"b', "a\r\nSet-Cookie: a=b", "a\0b"])
@pytest.mark.parametrize("is_anonymous", [True, False])
def test_from_what_is_no_name(
    registry: RegistryClient, repository: str, source: str, is_anonymous: bool
) -> None:
    path = f"/v2/{repository}/blobs/uploads/"
    headers = {} if is_anonymous else registry.headers("POST", path)

    answer = registry.http.post(path, params={"mount": EMPTY.digest, "from": source}, headers=headers)

    assert answer.status_code == 400
    assert error_codes(answer) == ["BAD_REQUEST" if "\0" in source else "NAME_INVALID"]
    assert "Set-Cookie" not in answer.headers


def test_blobs_are_isolated_by_repository(
    registry: RegistryClient, team: Team, public_project: str, repository: str, data: bytes
) -> None:
    digest = registry.push_blob(repository, data)

    for elsewhere in (team.repository(), f"{public_project}/{unique('image')}"):
        registry.push_blob(elsewhere, b"something")
        assert registry.head_blob(elsewhere, digest).status_code == 404
        assert registry.get_blob(elsewhere, digest).status_code == 404
        assert registry.delete_blob(elsewhere, digest).status_code == 404
    assert registry.pull_blob(repository, digest) == data


def test_a_manifest_cannot_borrow_a_blob(
    registry: RegistryClient, team: Team, repository: str, data: bytes
) -> None:
    """A manifest that names a blob of another repository would open it to this one's readers."""
    secret = layer()
    registry.push_blob(team.repository(), secret.data)
    registry.push_blob(repository, EMPTY.data)

    answer = registry.put_manifest(repository, "latest", manifest_of(layers=[secret]))

    assert (answer.status_code, error_codes(answer)) == (404, ["MANIFEST_BLOB_UNKNOWN"])
    assert answer.json()["errors"][0]["detail"] == [{"digest": secret.digest}]
    assert registry.head_blob(repository, secret.digest).status_code == 404


def test_manifests_are_isolated_by_repository(registry: RegistryClient, team: Team, repository: str) -> None:
    digest = push(registry, repository, manifest_of(), EMPTY, tag="latest")
    elsewhere = team.repository()
    push(registry, elsewhere, manifest_of(), EMPTY, tag="other")

    for reference in (digest, "latest"):
        answer = registry.get_manifest(elsewhere, reference)
        assert (answer.status_code, error_codes(answer)) == (404, ["MANIFEST_UNKNOWN"])
    # Its bytes are no blob either.
    assert registry.head_blob(repository, digest).status_code == 404
