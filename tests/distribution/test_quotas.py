"""A push that cannot fit is refused before its bytes are stored, and the client is told how much is missing."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from apps.storage.layout import ROOT, uploads_prefix
from tests.distribution.documents import EMPTY, config, layer, manifest_of, push
from tests.support.accounts import make_project, unique
from tests.support.http import RegistryClient, error_codes
from tests.support.images import digest_of
from tests.support.server import HarborServer

_LIMIT = 10_000


@pytest.fixture
def small(admin_api: httpx.Client) -> str:
    """A repository of a project that holds ``_LIMIT`` bytes."""
    return f"{make_project(admin_api, limit=_LIMIT)}/{unique('image')}"


def used(client: httpx.Client, repository: str) -> int:
    project = repository.partition("/")[0]
    answer = client.get(f"/projects/{project}/summary", headers={"X-Is-Resource-Name": "true"})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["quota"]["used"]["storage"])


def uploads(server: HarborServer, repository: str) -> list[Path]:
    return list((server.data_dir / "storage" / uploads_prefix(repository)).glob("*"))


def stored(server: HarborServer, data: bytes) -> bool:
    digest = digest_of(data).removeprefix("sha256:")
    return (server.data_dir / "storage" / ROOT / "blobs/sha256" / digest[:2] / digest / "data").exists()


def assert_refused(answer: httpx.Response) -> None:
    assert (answer.status_code, error_codes(answer)) == (403, ["DENIED"]), answer.text
    message = answer.json()["errors"][0]["message"]
    assert "will exceed the configured upper limit of 9.8 KiB" in message


def test_one_post_of_an_announced_length(
    server: HarborServer, registry: RegistryClient, admin_api: httpx.Client, small: str
) -> None:
    data = os.urandom(_LIMIT + 1)
    path = f"/v2/{small}/blobs/uploads/"

    answer = registry.request("POST", path, params={"digest": digest_of(data)}, content=data)

    assert_refused(answer)
    assert "adding 9.8 KiB of storage resource" in answer.json()["errors"][0]["message"]
    assert uploads(server, small) == []
    assert not stored(server, data)
    assert used(admin_api, small) == 0


def test_a_patch_of_an_announced_length(server: HarborServer, registry: RegistryClient, small: str) -> None:
    location = registry.start_upload(small)

    assert_refused(registry.patch(location, bytes(_LIMIT + 1)))

    assert [path.stat().st_size for path in uploads(server, small)] == [0]
    assert registry.request("GET", location).headers["Range"] == "0-0"


def test_a_stream(
    server: HarborServer, registry: RegistryClient, admin_api: httpx.Client, small: str
) -> None:
    """No length is announced: it ends where the room does, whatever the client sends."""

    def stream() -> Iterator[bytes]:
        for _ in range(50):
            yield bytes(100_000)

    location = registry.start_upload(small)

    assert_refused(registry.patch(location, stream()))

    assert sum(path.stat().st_size for path in uploads(server, small)) <= _LIMIT
    assert used(admin_api, small) == 0


def test_what_just_fits(
    server: HarborServer, registry: RegistryClient, admin_api: httpx.Client, small: str
) -> None:
    data = os.urandom(_LIMIT)
    registry.push_blob(small, data)
    assert used(admin_api, small) == _LIMIT

    # The room that is remembered is a second old at most; what it lets through, the commit stops.
    answer = registry.post_upload(small)
    if answer.status_code == 202:
        answer = registry.put(answer.headers["Location"], digest_of(b"more"), b"more")

    assert_refused(answer)
    assert registry.head_blob(small, digest_of(b"more")).status_code == 404
    assert used(admin_api, small) == _LIMIT


def test_a_manifest_that_does_not_fit(registry: RegistryClient, admin_api: httpx.Client, small: str) -> None:
    registry.push_blob(small, EMPTY.data)

    answer = registry.put_manifest(small, "v1", manifest_of(padding="x" * _LIMIT))

    assert_refused(answer)
    assert registry.get_manifest(small, "v1").status_code == 404
    assert used(admin_api, small) == len(EMPTY.data)


def test_a_mount_that_does_not_fit(
    registry: RegistryClient, admin_api: httpx.Client, team, small: str
) -> None:
    source = team.repository()
    digest = registry.push_blob(source, os.urandom(_LIMIT + 1))

    assert_refused(registry.mount(small, digest, source=source))

    assert registry.head_blob(small, digest).status_code == 404
    assert used(admin_api, small) == 0


def test_a_blob_counts_once_a_project(registry: RegistryClient, admin_api: httpx.Client, small: str) -> None:
    own_config, shared = config(), layer(3000)
    first, second = manifest_of(own_config, [shared]), manifest_of(own_config, [shared, shared])
    push(registry, small, first, own_config, shared)
    push(registry, f"{small}-2", second, own_config, shared)
    total = sum(len(content.data) for content in (own_config, shared, first, second))
    assert used(admin_api, small) == total

    assert registry.delete_manifest(small, first.digest).status_code == 202
    assert used(admin_api, small) == total - len(first.data)
    assert registry.delete_manifest(f"{small}-2", second.digest).status_code == 202
    assert used(admin_api, small) == 0


def test_room_that_was_given_back_is_there_at_once(
    registry: RegistryClient, admin_api: httpx.Client, small: str
) -> None:
    for _ in range(5):
        large = layer(6000)
        digest = push(registry, small, manifest_of(layers=[large]), EMPTY, large)
        assert registry.delete_manifest(small, digest).status_code == 202

    assert used(admin_api, small) == 0


def test_a_wrong_digest_costs_nothing(registry: RegistryClient, admin_api: httpx.Client, small: str) -> None:
    location = registry.start_upload(small)

    assert registry.put(location, digest_of(b"other"), b"data").status_code == 400

    assert used(admin_api, small) == 0
