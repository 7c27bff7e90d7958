"""Every way to push a blob, and what is refused on it."""

import os
import uuid
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.support.http import RegistryClient, error_codes
from tests.support.images import digest_of

DATA = os.urandom(3000)
DIGEST = digest_of(DATA)


def pieces(data: bytes, size: int = 700) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def assert_created(answer, repository: str, digest: str) -> None:
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v2/{repository}/blobs/{digest}"
    assert answer.headers["Docker-Content-Digest"] == digest


def is_there(registry: RegistryClient, repository: str, digest: str) -> bool:
    return registry.head_blob(repository, digest).status_code == 200


def test_one_post(registry: RegistryClient, repository: str) -> None:
    path = f"/v2/{repository}/blobs/uploads/"

    answer = registry.request("POST", path, params={"digest": DIGEST}, content=DATA)

    assert_created(answer, repository, DIGEST)
    assert registry.pull_blob(repository, DIGEST) == DATA


def test_one_post_in_chunks(registry: RegistryClient, repository: str) -> None:
    path = f"/v2/{repository}/blobs/uploads/"

    answer = registry.request("POST", path, params={"digest": DIGEST}, content=pieces(DATA))

    assert_created(answer, repository, DIGEST)
    assert registry.pull_blob(repository, DIGEST) == DATA


def test_one_post_with_another_digest_leaves_nothing(registry: RegistryClient, repository: str) -> None:
    other = digest_of(b"other")
    path = f"/v2/{repository}/blobs/uploads/"

    answer = registry.request("POST", path, params={"digest": other}, content=DATA)

    assert (answer.status_code, error_codes(answer)) == (400, ["DIGEST_INVALID"])
    assert not is_there(registry, repository, other)
    assert not is_there(registry, repository, DIGEST)


def test_post_then_put(registry: RegistryClient, repository: str) -> None:
    started = registry.post_upload(repository)
    assert started.status_code == 202
    location = started.headers["Location"]
    assert str(uuid.UUID(started.headers["Docker-Upload-UUID"])) in location

    assert_created(registry.put(location, DIGEST, DATA), repository, DIGEST)

    assert registry.pull_blob(repository, DIGEST) == DATA


def test_post_then_put_in_chunks(registry: RegistryClient, repository: str) -> None:
    location = registry.start_upload(repository)
    path = f"{location}{'&' if '?' in location else '?'}digest={DIGEST}"

    assert_created(registry.request("PUT", path, content=pieces(DATA)), repository, DIGEST)

    assert registry.pull_blob(repository, DIGEST) == DATA


def test_streamed_patch_then_empty_put(registry: RegistryClient, repository: str) -> None:
    answer = registry.patch(registry.start_upload(repository), pieces(DATA))

    assert (answer.status_code, answer.headers["Range"]) == (202, "0-2999")
    assert_created(registry.put(answer.headers["Location"], DIGEST), repository, DIGEST)
    assert registry.pull_blob(repository, DIGEST) == DATA


def test_patches_with_content_range(registry: RegistryClient, repository: str) -> None:
    location = registry.start_upload(repository)
    for start, end in pairwise([0, 1000, 1001, 2000]):
        answer = registry.patch(location, DATA[start:end], start=start)
        assert (answer.status_code, answer.headers["Range"]) == (202, f"0-{end - 1}")
        location = answer.headers["Location"]
        status = registry.request("GET", location)
        assert (status.status_code, status.headers["Range"]) == (204, f"0-{end - 1}")

    headers = {"Content-Range": "2000-2999"}
    path = f"{location}&digest={DIGEST}"
    answer = registry.request("PUT", path, content=DATA[2000:], headers=headers)

    assert_created(answer, repository, DIGEST)
    assert registry.pull_blob(repository, DIGEST) == DATA


def test_patches_without_content_range_are_appended(registry: RegistryClient, repository: str) -> None:
    location = registry.start_upload(repository)
    for piece in pieces(DATA):
        answer = registry.patch(location, piece)
        assert answer.status_code == 202
        location = answer.headers["Location"]

    assert_created(registry.put(location, DIGEST), repository, DIGEST)

    assert registry.pull_blob(repository, DIGEST) == DATA


def test_the_first_location_serves_to_the_end(registry: RegistryClient, repository: str) -> None:
    """The state in the Location only saves work."""
    location = registry.start_upload(repository)
    for start, end in pairwise([0, 1500, 3000]):
        assert registry.patch(location, DATA[start:end], start=start).status_code == 202

    assert_created(registry.put(location, DIGEST), repository, DIGEST)


@pytest.mark.parametrize(
    "state", ["", "x", "%FF", "MDpzaGEyNTY6Lg"], ids=["empty", "short", "bytes", "forged"]
)
def test_a_forged_state_gets_nothing_stored(registry: RegistryClient, repository: str, state: str) -> None:
    location = registry.start_upload(repository)
    plain = location.partition("?")[0]
    assert registry.patch(location, DATA).status_code == 202

    wrong = registry.put(f"{plain}?_state={state}", digest_of(b"other"))

    assert (wrong.status_code, error_codes(wrong)) == (400, ["DIGEST_INVALID"])


def test_the_state_of_another_upload_gets_nothing_stored(registry: RegistryClient, repository: str) -> None:
    """A signed digest counts for the bytes that it was made of, not for others of the same length."""
    mine = registry.start_upload(repository)
    good = registry.patch(registry.start_upload(repository), DATA).headers["Location"]
    assert registry.patch(mine, bytes(len(DATA))).status_code == 202

    wrong = registry.put(f"{mine.partition('?')[0]}?{good.partition('?')[2]}", DIGEST)

    assert (wrong.status_code, error_codes(wrong)) == (400, ["DIGEST_INVALID"])
    assert not is_there(registry, repository, DIGEST)


@pytest.mark.parametrize("start", [0, 999, 1001, 5000])
def test_a_patch_out_of_order(registry: RegistryClient, repository: str, start: int) -> None:
    first = registry.patch(registry.start_upload(repository), DATA[:1000], start=0)

    answer = registry.patch(first.headers["Location"], DATA[1000:1100], start=start)

    assert (answer.status_code, error_codes(answer)) == (416, ["RANGE_INVALID"])
    assert answer.headers["Range"] == "0-999"
    assert "Location" in answer.headers
    rest = registry.patch(answer.headers["Location"], DATA[1000:], start=1000)
    assert_created(registry.put(rest.headers["Location"], DIGEST), repository, DIGEST)


def test_a_put_out_of_order(registry: RegistryClient, repository: str) -> None:
    first = registry.patch(registry.start_upload(repository), DATA[:1000], start=0)
    path = f"{first.headers['Location']}&digest={DIGEST}"

    answer = registry.request("PUT", path, content=DATA[2000:], headers={"Content-Range": "2000-2999"})

    assert (answer.status_code, answer.headers["Range"]) == (416, "0-999")
    assert not is_there(registry, repository, DIGEST)


@pytest.mark.parametrize("value", ["x", "5-", "5-4", "-5", "0-99999999999999999999", "bytes=0"])
def test_a_content_range_that_is_none(registry: RegistryClient, repository: str, value: str) -> None:
    location = registry.start_upload(repository)

    answer = registry.request("PATCH", location, content=DATA, headers={"Content-Range": value})

    assert (answer.status_code, error_codes(answer)) == (416, ["RANGE_INVALID"])
    assert registry.request("GET", location).headers["Range"] == "0-0"


def test_a_content_range_of_another_length(registry: RegistryClient, repository: str) -> None:
    location = registry.start_upload(repository)

    answer = registry.request("PATCH", location, content=DATA, headers={"Content-Range": "0-99"})

    assert (answer.status_code, error_codes(answer)) == (400, ["SIZE_INVALID"])
    assert registry.request("GET", location).headers["Range"] == "0-0"


@pytest.mark.parametrize("announced", [2999, 3001])
def test_a_stream_of_another_length_than_its_content_range(
    registry: RegistryClient, repository: str, announced: int
) -> None:
    location = registry.start_upload(repository)
    headers = {"Content-Range": f"0-{announced - 1}"}

    answer = registry.request("PATCH", location, content=pieces(DATA), headers=headers)

    assert (answer.status_code, error_codes(answer)) == (400, ["SIZE_INVALID"])


def test_status_of_a_new_upload(registry: RegistryClient, repository: str) -> None:
    location = registry.start_upload(repository)

    for method in ("GET", "HEAD"):
        status = registry.request(method, location)
        assert (status.status_code, status.headers["Range"]) == (204, "0-0")
        assert status.headers["Location"].partition("?")[0] == location.partition("?")[0]


def test_cancel(registry: RegistryClient, repository: str) -> None:
    location = registry.patch(registry.start_upload(repository), DATA).headers["Location"]

    assert registry.request("DELETE", location).status_code == 204

    for method in ("GET", "DELETE"):
        gone = registry.request(method, location)
        assert (gone.status_code, error_codes(gone)) == (404, ["BLOB_UPLOAD_UNKNOWN"])
    for answer in (registry.patch(location, DATA), registry.put(location, DIGEST, DATA)):
        assert (answer.status_code, error_codes(answer)) == (404, ["BLOB_UPLOAD_UNKNOWN"])
    assert not is_there(registry, repository, DIGEST)


def test_a_finished_upload_is_gone(registry: RegistryClient, repository: str) -> None:
    location = registry.start_upload(repository)
    assert registry.put(location, DIGEST, DATA).status_code == 201

    again = registry.put(location, DIGEST, DATA)

    assert (again.status_code, error_codes(again)) == (404, ["BLOB_UPLOAD_UNKNOWN"])


def test_a_wrong_digest_ends_the_upload(registry: RegistryClient, repository: str) -> None:
    location = registry.patch(registry.start_upload(repository), DATA).headers["Location"]

    wrong = registry.put(location, digest_of(b"other"))

    assert (wrong.status_code, error_codes(wrong)) == (400, ["DIGEST_INVALID"])
    assert registry.put(location, DIGEST).status_code == 404
    assert not is_there(registry, repository, DIGEST)


@pytest.mark.parametrize(
    "digest", ["", "x", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", DIGEST.upper()]
)
def test_a_malformed_digest_can_be_mended(registry: RegistryClient, repository: str, digest: str) -> None:
    location = registry.patch(registry.start_upload(repository), DATA).headers["Location"]

    wrong = registry.put(location, digest)

    assert (wrong.status_code, error_codes(wrong)) == (400, ["DIGEST_INVALID"])
    assert_created(registry.put(location, DIGEST), repository, DIGEST)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "not announced"])
def test_sha512(registry: RegistryClient, repository: str, announced: bool) -> None:
    digest = digest_of(DATA, "sha512")
    started = registry.post_upload(repository, **({"digest-algorithm": "sha512"} if announced else {}))
    patched = registry.patch(started.headers["Location"], DATA)

    assert_created(registry.put(patched.headers["Location"], digest), repository, digest)

    assert registry.pull_blob(repository, digest) == DATA
    assert not is_there(registry, repository, DIGEST)


def test_an_algorithm_that_is_not_known(registry: RegistryClient, repository: str) -> None:
    answer = registry.post_upload(repository, **{"digest-algorithm": "md5"})

    assert (answer.status_code, error_codes(answer)) == (400, ["DIGEST_INVALID"])


def test_the_same_blob_twice(registry: RegistryClient, repository: str) -> None:
    registry.push_blob(repository, DATA)
    registry.push_blob(repository, DATA, piece=1000)

    assert registry.pull_blob(repository, DIGEST) == DATA


def test_an_upload_opens_nothing_in_another_repository(registry: RegistryClient, repository: str) -> None:
    location = registry.patch(registry.start_upload(repository), DATA).headers["Location"]
    elsewhere = location.replace(repository, f"{repository}-other")

    for answer in (
        registry.request("GET", elsewhere),
        registry.patch(elsewhere, DATA),
        registry.put(elsewhere, DIGEST),
        registry.request("DELETE", elsewhere),
    ):
        assert (answer.status_code, error_codes(answer)) == (404, ["BLOB_UPLOAD_UNKNOWN"])
    assert registry.request("GET", location).headers["Range"] == "0-2999"
