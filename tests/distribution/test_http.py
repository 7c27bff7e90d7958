"""The edges of HTTP: bodies that are not what they say, methods and paths that are not there."""

import os
import socket
from collections.abc import Iterator

import pytest

from apps.storage.layout import uploads_prefix
from tests.distribution.documents import EMPTY, manifest_of, push
from tests.support.http import RegistryClient, error_codes
from tests.support.images import digest_of
from tests.support.server import HarborServer
from tests.support.waiting import eventually

_REPOSITORY_METHODS = {
    "manifests/v1": "DELETE, GET, HEAD, PUT",
    f"blobs/{EMPTY.digest}": "DELETE, GET, HEAD",
    "blobs/uploads/": "DELETE, GET, HEAD, PATCH, POST, PUT",
    "tags/list": "GET, HEAD",
    f"referrers/{EMPTY.digest}": "GET, HEAD",
}
_PLAIN_METHODS = {
    "/v2/": "GET, HEAD",
    "/v2/_catalog": "GET, HEAD",
    "/service/token": "GET, POST",
    "/service/token/exchange": "POST",
}


def exchange(server: HarborServer, request: bytes, *, break_off: bool = False) -> bytes:
    """Send bytes and return what comes until the server closes."""
    host, _, port = server.host.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request)
        if break_off:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


def head(server: HarborServer, registry: RegistryClient, method: str, path: str, *lines: str) -> bytes:
    authorization = registry.headers(method, path)["Authorization"]
    lines = (f"{method} {path} HTTP/1.1", f"Host: {server.host}", f"Authorization: {authorization}", *lines)
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("rest", _REPOSITORY_METHODS)
def test_a_method_that_a_repository_s_path_has_not(
    registry: RegistryClient, repository: str, rest: str
) -> None:
    for method in ("TRACE", "OPTIONS", "MKCOL"):
        answer = registry.http.request(method, f"/v2/{repository}/{rest}")
        assert (answer.status_code, error_codes(answer)) == (405, ["UNSUPPORTED"])
        assert answer.headers["Allow"] == _REPOSITORY_METHODS[rest]


@pytest.mark.parametrize("path", _PLAIN_METHODS)
def test_a_method_that_a_plain_path_has_not(registry: RegistryClient, path: str) -> None:
    answer = registry.http.put(path)

    assert (answer.status_code, error_codes(answer)) == (405, ["UNSUPPORTED"])
    assert answer.headers["Allow"] == _PLAIN_METHODS[path]


@pytest.mark.parametrize(
    "path", ["/v2/x", "/v2/a/b", "/v2/a/b/tags", "/v2/a/b/tags/x", "/v2/a/b/blobs/", "/v2//", "/v2/a/b/x/v1"]
)
def test_a_path_that_is_not_there(registry: RegistryClient, path: str) -> None:
    answer = registry.http.get(path)

    if path == "/v2/a/b/blobs/":  # A route, with an empty digest: the caller is looked at first.
        assert answer.status_code == 401
    else:
        assert (answer.status_code, error_codes(answer)) == (404, ["NOT_FOUND"])


@pytest.mark.parametrize("path", ["/v2/%ff", "/v2/%ff/tags/list", "/v2/%00", "/v2/a%0d%0ab/manifests/x"])
def test_a_path_that_is_no_text(registry: RegistryClient, path: str) -> None:
    answer = registry.http.get(path)

    assert answer.status_code in (400, 404)
    assert error_codes(answer) in (["NAME_INVALID"], ["NOT_FOUND"])


@pytest.mark.parametrize(
    ("method", "rest", "code"),
    [
        ("GET", "blobs/uploads/%ff", "BLOB_UPLOAD_UNKNOWN"),
        ("GET", "blobs/uploads/..%2f..%2fx", ""),
        ("GET", "manifests/%ff", "TAG_INVALID"),
        ("GET", "manifests/%ff:x", "DIGEST_INVALID"),
        ("GET", "blobs/%ff", "DIGEST_INVALID"),
        ("DELETE", "blobs/%ff", "DIGEST_INVALID"),
        ("GET", "referrers/%ff", "DIGEST_INVALID"),
        ("DELETE", "manifests/%ff", "TAG_INVALID"),
    ],
)
def test_a_reference_that_is_no_text(
    registry: RegistryClient, repository: str, method: str, rest: str, code: str
) -> None:
    registry.push_blob(repository, b"something")
    path = f"/v2/{repository}/{rest}"

    answer = registry.http.request(
        method, path, headers=registry.headers(method, f"/v2/{repository}/blobs/x")
    )

    assert answer.status_code in (400, 404)
    assert not code or error_codes(answer) == [code]


def test_thousands_of_parameters(registry: RegistryClient, repository: str) -> None:
    answer = registry.request("GET", f"/v2/{repository}/tags/list?{'a=b&' * 3000}n=x")

    assert (answer.status_code, error_codes(answer)) == (400, ["PAGINATION_NUMBER_INVALID"])


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        ("manifests/missing", 404),
        ("manifests/-bad", 400),
        (f"blobs/{digest_of(b'missing')}", 404),
        ("blobs/sha256:abc", 400),
        ("blobs/uploads/00000000-0000-4000-8000-000000000000", 404),
        ("tags/list?n=x", 400),
        ("referrers/x", 400),
    ],
)
def test_errors_of_head_have_no_body(
    registry: RegistryClient, repository: str, rest: str, status: int
) -> None:
    registry.push_blob(repository, b"something")
    path = f"/v2/{repository}/{rest}"

    answer = registry.request("HEAD", path)

    assert (answer.status_code, answer.content) == (status, b"")
    got = registry.request("GET", path)
    assert answer.headers["Content-Length"] == str(len(got.content))
    # The connection is still in step.
    assert registry.head_blob(repository, digest_of(b"something")).status_code == 200


def test_every_answer_names_the_protocol_and_its_request(registry: RegistryClient, repository: str) -> None:
    for path in ("/v2/", "/v2/x", f"/v2/{repository}/tags/list", "/service/token"):
        answer = registry.http.get(path, headers={"X-Request-Id": "an-id"})
        assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
        assert answer.headers["X-Request-Id"] == "an-id"
    assert len(registry.http.get("/v2/", headers={"X-Request-Id": "a b"}).headers["X-Request-Id"]) == 36


def test_without_the_last_slash(registry: RegistryClient, repository: str) -> None:
    headers = registry.headers("GET", "/v2/")
    assert registry.http.get("/v2", headers=headers).status_code == 200
    assert registry.request("POST", f"/v2/{repository}/blobs/uploads").status_code == 202


def test_a_truncated_manifest_leaves_nothing(
    server: HarborServer, registry: RegistryClient, repository: str
) -> None:
    registry.push_blob(repository, EMPTY.data)
    manifest = manifest_of()
    path = f"/v2/{repository}/manifests/v1"
    length = f"Content-Length: {len(manifest.data) + 10}"

    exchange(server, head(server, registry, "PUT", path, length) + manifest.data, break_off=True)

    assert registry.get_manifest(repository, "v1").status_code == 404
    assert registry.get_manifest(repository, manifest.digest).status_code == 404


@pytest.mark.parametrize("encoding", ["Content-Length: 500", "Transfer-Encoding: chunked"])
def test_a_truncated_blob_leaves_nothing(
    server: HarborServer, registry: RegistryClient, repository: str, encoding: str
) -> None:
    data = os.urandom(500)
    part = data[:250]
    body = part if "Length" in encoding else b"fa\r\n" + part + b"\r\n"
    path = f"/v2/{repository}/blobs/uploads/?digest={digest_of(data)}"

    exchange(server, head(server, registry, "POST", path, encoding) + body, break_off=True)

    assert registry.head_blob(repository, digest_of(data)).status_code == 404
    assert registry.head_blob(repository, digest_of(part)).status_code == 404


def test_an_over_long_body_is_the_next_request(
    server: HarborServer, registry: RegistryClient, repository: str
) -> None:
    data = os.urandom(500)
    path = f"/v2/{repository}/blobs/uploads/?digest={digest_of(data)}"
    lines = (f"Content-Length: {len(data)}", "Content-Type: application/octet-stream")

    received = exchange(server, head(server, registry, "POST", path, *lines) + data + b"and more\r\n\r\n")

    assert received.startswith(b"HTTP/1.1 201 ")
    assert received.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 400 " in received
    assert registry.pull_blob(repository, digest_of(data)) == data


def test_an_over_long_stream_is_refused_and_leaves_nothing(
    server: HarborServer, registry: RegistryClient, repository: str
) -> None:
    data = os.urandom(500)
    path = f"/v2/{repository}/blobs/uploads/"

    answer = registry.request("POST", path, params={"digest": digest_of(data)}, content=iter([data, b"more"]))

    assert (answer.status_code, error_codes(answer)) == (400, ["DIGEST_INVALID"])
    assert registry.head_blob(repository, digest_of(data)).status_code == 404
    assert list((server.data_dir / "storage" / uploads_prefix(repository)).glob("*")) == []


def test_expect_100_continue(server: HarborServer, registry: RegistryClient, repository: str) -> None:
    data = os.urandom(500)
    path = f"/v2/{repository}/blobs/uploads/?digest={digest_of(data)}"
    host, _, port = server.host.rpartition(":")

    with socket.create_connection((host, int(port)), timeout=30) as connection:
        lines = (f"Content-Length: {len(data)}", "Expect: 100-continue", "Connection: close")
        connection.sendall(head(server, registry, "POST", path, *lines))
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(data)
        assert connection.recv(65536).startswith(b"HTTP/1.1 201 ")


def test_many_requests_on_one_connection(
    server: HarborServer, registry: RegistryClient, repository: str
) -> None:
    digest = push(registry, repository, manifest_of(), EMPTY, tag="v1")
    path = f"/v2/{repository}/manifests/v1"
    one = head(server, registry, "GET", path)
    last = head(server, registry, "GET", path, "Connection: close")

    received = exchange(server, one * 4 + last)

    assert received.count(b"HTTP/1.1 200 ") == 5
    assert received.lower().count(f"docker-content-digest: {digest}".encode()) == 5


@pytest.fixture(scope="module")
def narrow_server() -> Iterator[HarborServer]:
    """One that takes one body at a time, of a megabyte at most."""
    settings = {"HARBOR_WORKERS": "1", "HARBOR_UPLOAD_SLOTS": "1", "HARBOR_MAX_BLOB_SIZE": "1000000"}
    with HarborServer(settings) as server:
        yield server


def test_too_many_transfers(narrow_server: HarborServer) -> None:
    """More bodies than the process has slots for are sent away, and told when to come again."""
    host, _, port = narrow_server.host.rpartition(":")
    with (
        RegistryClient(narrow_server.url, narrow_server.admin) as registry,
        socket.create_connection((host, int(port)), timeout=30) as connection,
    ):
        first, second = registry.start_upload("library/image"), registry.start_upload("library/image")
        request = head(narrow_server, registry, "PATCH", first, "Content-Length: 600000", "Connection: close")
        connection.sendall(request + bytes(400_000))
        # Until the body begins to arrive.
        eventually(lambda: registry.request("GET", first).headers["Range"] != "0-0")

        refused = registry.patch(second, b"data")

        assert (refused.status_code, error_codes(refused)) == (429, ["TOOMANYREQUESTS"])
        assert refused.headers["Retry-After"] == "5"
        connection.sendall(bytes(200_000))
        assert connection.recv(65536).startswith(b"HTTP/1.1 202 ")
        assert registry.patch(second, b"data").status_code == 202


def test_the_largest_blob(narrow_server: HarborServer) -> None:
    with RegistryClient(narrow_server.url, narrow_server.admin) as registry:
        largest = os.urandom(1_000_000)
        assert registry.push_blob("library/image", largest, piece=600_000) == digest_of(largest)
        location = registry.start_upload("library/image")
        answer = registry.put(location, digest_of(largest + b"x"), largest + b"x")
        assert (answer.status_code, error_codes(answer)) == (413, ["SIZE_INVALID"])
        streamed = registry.patch(location, iter([largest, b"x"]))
        assert (streamed.status_code, error_codes(streamed)) == (400, ["SIZE_INVALID"])
