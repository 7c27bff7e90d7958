"""Blobs read, looked at and deleted."""

import os

import pytest

from tests.distribution.documents import EMPTY, layer, manifest_of, push
from tests.support.http import RegistryClient, error_codes
from tests.support.images import digest_of

_SIZE = 1000
DATA = os.urandom(_SIZE)
DIGEST = digest_of(DATA)


@pytest.fixture
def blob(registry: RegistryClient, repository: str) -> str:
    """The repository has ``DATA``; its path."""
    registry.push_blob(repository, DATA)
    return f"/v2/{repository}/blobs/{DIGEST}"


def test_get_and_head_agree(registry: RegistryClient, blob: str) -> None:
    got = registry.request("GET", blob)
    looked = registry.request("HEAD", blob)

    assert (got.status_code, got.content) == (200, DATA)
    assert (looked.status_code, looked.content) == (200, b"")
    for answer in (got, looked):
        assert answer.headers["Content-Length"] == str(_SIZE)
        assert answer.headers["Docker-Content-Digest"] == DIGEST
        assert answer.headers["ETag"] == f'"{DIGEST}"'
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=990-", 990, 1000),
        ("bytes=990-5000", 990, 1000),
        ("bytes=-10", 990, 1000),
        ("bytes=-5000", 0, 1000),
        ("bytes=0-999", 0, 1000),
    ],
)
def test_a_range(registry: RegistryClient, blob: str, header: str, start: int, end: int) -> None:
    answer = registry.request("GET", blob, headers={"Range": header})

    assert answer.status_code == 206
    assert answer.content == DATA[start:end]
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{_SIZE}"
    assert answer.headers["Content-Length"] == str(end - start)
    assert answer.headers["Docker-Content-Digest"] == DIGEST


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_with_no_byte_in_it(registry: RegistryClient, blob: str, header: str) -> None:
    answer = registry.request("GET", blob, headers={"Range": header})

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{_SIZE}"
    assert error_codes(answer) == ["RANGE_INVALID"]


def test_several_ranges_are_refused(registry: RegistryClient, blob: str) -> None:
    answer = registry.request("GET", blob, headers={"Range": "bytes=0-1,5-6"})

    assert (answer.status_code, error_codes(answer)) == (416, ["RANGE_INVALID"])


@pytest.mark.parametrize("header", ["lines=1-2", "bytes=9-1", "bytes=x-y", "bytes", "0-5"])
def test_a_range_that_is_none_is_ignored(registry: RegistryClient, blob: str, header: str) -> None:
    answer = registry.request("GET", blob, headers={"Range": header})

    assert (answer.status_code, answer.content) == (200, DATA)


def test_a_large_blob_by_parts(registry: RegistryClient, repository: str) -> None:
    data = os.urandom(3_000_001)
    digest = registry.push_blob(repository, data)

    assert registry.pull_blob(repository, digest) == data
    part = registry.get_blob(repository, digest, Range="bytes=1000000-2999999")
    assert (part.status_code, part.content) == (206, data[1_000_000:3_000_000])


@pytest.mark.parametrize("tag", [f'"{DIGEST}"', DIGEST])
def test_a_blob_that_the_client_has(registry: RegistryClient, blob: str, tag: str) -> None:
    answer = registry.request("GET", blob, headers={"If-None-Match": tag})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["ETag"] == f'"{DIGEST}"'


def test_a_blob_that_the_client_has_not(registry: RegistryClient, blob: str) -> None:
    answer = registry.request("GET", blob, headers={"If-None-Match": f'"{digest_of(b"other")}"'})

    assert (answer.status_code, answer.content) == (200, DATA)


def test_a_blob_that_is_not_there(registry: RegistryClient, repository: str, blob: str) -> None:
    missing = digest_of(os.urandom(8))

    got = registry.get_blob(repository, missing)
    looked = registry.head_blob(repository, missing)

    assert (got.status_code, error_codes(got)) == (404, ["BLOB_UNKNOWN"])
    assert (looked.status_code, looked.content) == (404, b"")


def test_a_zero_byte_blob(registry: RegistryClient, repository: str) -> None:
    digest = registry.push_blob(repository, b"")

    answer = registry.get_blob(repository, digest)
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")
    assert registry.head_blob(repository, digest).headers["Content-Length"] == "0"
    outside = registry.get_blob(repository, digest, Range="bytes=0-0")
    assert outside.status_code == 416


def test_delete(registry: RegistryClient, repository: str, blob: str) -> None:
    assert registry.request("GET", blob).status_code == 200

    deleted = registry.request("DELETE", blob)

    assert deleted.status_code == 202
    for _ in range(8):  # Whichever process answers.
        assert registry.request("GET", blob).status_code == 404
    again = registry.request("DELETE", blob)
    assert (again.status_code, error_codes(again)) == (404, ["BLOB_UNKNOWN"])


def test_a_deleted_blob_can_be_pushed_again(registry: RegistryClient, repository: str, blob: str) -> None:
    assert registry.request("DELETE", blob).status_code == 202

    registry.push_blob(repository, DATA)

    assert registry.pull_blob(repository, DIGEST) == DATA


def test_a_blob_that_a_manifest_needs_stays(registry: RegistryClient, repository: str) -> None:
    needed = layer()
    digest = push(registry, repository, manifest_of(layers=[needed]), EMPTY, needed)

    refused = registry.delete_blob(repository, needed.digest)

    assert (refused.status_code, error_codes(refused)) == (405, ["UNSUPPORTED"])
    assert registry.pull_blob(repository, needed.digest) == needed.data
    assert registry.delete_manifest(repository, digest).status_code == 202
    assert registry.delete_blob(repository, needed.digest).status_code == 202
