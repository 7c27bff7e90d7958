"""A push whose connection breaks goes on where the server says that it is."""

import os
import socket
import time
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.e2e.conftest import Tenant
from tests.support.accounts import unique
from tests.support.http import RegistryClient
from tests.support.images import digest_of

_SIZE = 3 * 1024 * 1024
_ATTEMPTS = 100


class BrokenConnectionError(Exception):
    """Raised inside a body, so that the client breaks the connection in the middle of it."""


@pytest.fixture
def registry(tenant: Tenant) -> Iterator[RegistryClient]:
    with RegistryClient(tenant.server.url, tenant.people["developer"]) as client:
        yield client


def breaks_off(data: bytes) -> Iterator[bytes]:
    yield data
    raise BrokenConnectionError


def resume(registry: RegistryClient, location: str, data: bytes) -> str:
    """Ask for the status and send the rest from there, until it is taken; returns the Location after it.

    The server may not have seen the end of the broken request yet: then it says so and is asked again.
    """
    for _ in range(_ATTEMPTS):
        status = registry.request("GET", location)
        assert status.status_code == 204, status.text
        received = (
            int(status.headers["Range"].partition("-")[2]) + 1 if status.headers["Range"] != "0-0" else 0
        )
        assert received < len(data)
        location = status.headers["Location"]
        answer = registry.patch(location, data[received:], start=received)
        if answer.status_code == 202:
            return str(answer.headers["Location"])
        assert answer.status_code in (409, 416, 429), answer.text
        time.sleep(0.05)
    raise AssertionError("the upload could not be resumed")


def test_a_chunked_patch_that_breaks_is_resumed(tenant: Tenant, registry: RegistryClient) -> None:
    repository = f"{tenant.project}/{unique('image')}"
    data = os.urandom(_SIZE)
    location = registry.start_upload(repository)

    with pytest.raises(BrokenConnectionError):
        registry.patch(location, breaks_off(data[: _SIZE // 2]))
    location = resume(registry, location, data)

    assert registry.put(location, digest_of(data)).status_code == 201
    assert registry.pull_blob(repository, digest_of(data)) == data


def test_a_patch_of_known_length_that_breaks_is_resumed(tenant: Tenant, registry: RegistryClient) -> None:
    repository = f"{tenant.project}/{unique('image')}"
    data = os.urandom(_SIZE)
    location = registry.start_upload(repository)
    path = urlsplit(urljoin(f"{tenant.server.url}/", location))
    authorization = registry.headers("PATCH", path.path)["Authorization"]

    with socket.create_connection((path.hostname, path.port)) as connection:
        connection.sendall(
            f"PATCH {path.path}?{path.query} HTTP/1.1\r\nHost: {tenant.server.host}\r\n"
            f"Authorization: {authorization}\r\nContent-Type: application/octet-stream\r\n"
            f"Content-Length: {_SIZE}\r\n\r\n".encode()
        )
        connection.sendall(data[: _SIZE // 2])
    location = resume(registry, location, data)

    assert registry.put(location, digest_of(data)).status_code == 201
    assert registry.pull_blob(repository, digest_of(data)) == data


def test_pieces_are_resumed_with_another_token_and_connection(
    tenant: Tenant, registry: RegistryClient
) -> None:
    repository = f"{tenant.project}/{unique('image')}"
    data = os.urandom(_SIZE)
    location = registry.start_upload(repository)
    first = registry.patch(location, data[:1000], start=0)
    assert first.status_code == 202

    with RegistryClient(tenant.server.url, tenant.people["developer"]) as other:
        location = resume(other, first.headers["Location"], data)
        assert other.put(location, digest_of(data)).status_code == 201
    assert registry.pull_blob(repository, digest_of(data)) == data


def test_a_broken_upload_leaves_no_blob(tenant: Tenant, registry: RegistryClient) -> None:
    repository = f"{tenant.project}/{unique('image')}"
    data = os.urandom(1000)
    location = registry.start_upload(repository)

    with pytest.raises(BrokenConnectionError):
        registry.patch(location, breaks_off(data))

    assert registry.head_blob(repository, digest_of(data)).status_code == 404


def test_a_whole_put_that_breaks_leaves_no_blob(tenant: Tenant, registry: RegistryClient) -> None:
    repository = f"{tenant.project}/{unique('image')}"
    data = os.urandom(_SIZE)
    location = registry.start_upload(repository)
    separator = "&" if "?" in location else "?"

    with pytest.raises((BrokenConnectionError, httpx.HTTPError)):
        registry.request(
            "PUT", f"{location}{separator}digest={digest_of(data)}", content=breaks_off(data[:1000])
        )

    assert registry.head_blob(repository, digest_of(data)).status_code == 404
