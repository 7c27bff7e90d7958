"""Clients that drip: hundreds of them keep nobody else from pulling, and those that stall are cut off."""

import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import Tenant, make_tenant
from tests.support.accounts import unique
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.server import HarborServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.xdist_group("slow clients")

_STALL_SECONDS = 2
_LARGE = 32 * 1024 * 1024
_PULLS = 20
_TICK = 0.25
_WARM_UP_TICKS = 3


@pytest.fixture(scope="module")
def slow_tenant() -> Iterator[Tenant]:
    """A server of its own that soon loses patience."""
    with HarborServer({"HARBOR_STALL_TIMEOUT": str(_STALL_SECONDS)}) as server:
        yield make_tenant(server)


@dataclass
class Drippers:
    """Connections that a thread keeps moving, a few bytes a tick; one that the server closes is opened again."""

    host: str
    opening: Callable[[int], bytes]
    count: int
    reads: bool = False
    sockets: dict[int, socket.socket] = field(default_factory=dict)
    _begun: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ticks: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        for number in range(self.count):
            self._open(number)
        self._thread = threading.Thread(target=self._drip)
        self._thread.start()
        for _ in range(_WARM_UP_TICKS):
            self._ticks.acquire()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        for connection in self.sockets.values():
            connection.close()

    def held(self) -> int:
        """How many connections the server works on now: downloads begun, or requests not answered yet."""
        with self._lock:
            if self.reads:
                return len(self._begun)
            return len(self.sockets) - len(select.select(list(self.sockets.values()), [], [], 0)[0])

    def hold(self, count: int) -> None:
        """See that the server works on more than ``count``, between the moments at which it closes many at once."""
        eventually(self.held, lambda held: held > count, seconds=20)

    def _open(self, number: int) -> None:
        connection = socket.socket()
        # A small window, so that a download waits for this reader and not in the kernel's buffers.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        name, _, port = self.host.partition(":")
        connection.settimeout(10)
        connection.connect((name, int(port)))
        connection.sendall(self.opening(number))
        connection.settimeout(0)
        self.sockets[number] = connection

    def _drip(self) -> None:
        while not self._stop.wait(_TICK):
            with self._lock:
                for number, connection in list(self.sockets.items()):
                    try:
                        moves = self._read(number) if self.reads else self._write(number)
                    except BlockingIOError:
                        continue
                    except OSError:
                        moves = False
                    if not moves:
                        connection.close()
                        self._begun.discard(number)
                        with suppress(OSError):
                            self._open(number)
            self._ticks.release()

    def _read(self, number: int) -> bool:
        data = self.sockets[number].recv(256)
        if number not in self._begun and data.startswith(b"HTTP/1.1 200 "):
            self._begun.add(number)
        return number in self._begun and bool(data)

    def _write(self, number: int) -> bool:
        self.sockets[number].send(b"x")
        return not select.select([self.sockets[number]], [], [], 0)[0]


def unfinished_header(tenant: Tenant) -> Callable[[int], bytes]:
    return lambda _number: f"GET /v2/ HTTP/1.1\r\nHost: {tenant.server.host}\r\nX-Slow: ".encode()


def unfinished_body(tenant: Tenant, registry: RegistryClient, count: int) -> Callable[[int], bytes]:
    repository = f"{tenant.project}/slow"
    locations = [urlsplit(registry.start_upload(repository)) for _ in range(count)]
    authorization = registry.headers("PATCH", f"/v2/{repository}/blobs/uploads/x")["Authorization"]

    def opening(number: int) -> bytes:
        return (
            f"PATCH {locations[number].path}?{locations[number].query} HTTP/1.1\r\nHost: {tenant.server.host}\r\n"
            f"Authorization: {authorization}\r\nContent-Length: {_LARGE}\r\n\r\n"
        ).encode()

    return opening


def slow_download(tenant: Tenant, registry: RegistryClient) -> Callable[[int], bytes]:
    repository = f"{tenant.project}/large"
    digest = registry.push_blob(repository, os.urandom(_LARGE))
    authorization = registry.headers("GET", f"/v2/{repository}/blobs/x")["Authorization"]
    request = (
        f"GET /v2/{repository}/blobs/{digest} HTTP/1.1\r\nHost: {tenant.server.host}\r\n"
        f"Authorization: {authorization}\r\n\r\n"
    ).encode()
    return lambda _number: request


def others_work(tenant: Tenant) -> None:
    """Someone else pulls images, and pushes one."""
    with RegistryClient(tenant.server.url, tenant.people["developer"], timeout=20) as registry:
        repository = f"{tenant.project}/{unique('image')}"
        for number in range(_PULLS):
            image = make_image()
            registry.push(repository, image, tag=f"v{number}")
            assert registry.pull(repository, f"v{number}") == image.digest


def others_pull(tenant: Tenant, repository: str) -> None:
    """Someone else pulls, each time over new connections."""
    for _ in range(_PULLS):
        with RegistryClient(tenant.server.url, tenant.people["guest"], timeout=20) as registry:
            registry.pull(repository, "v1")


@pytest.fixture(scope="module")
def pulled(slow_tenant: Tenant) -> str:
    """The repository of an image that others pull."""
    repository = f"{slow_tenant.project}/pulled"
    with RegistryClient(slow_tenant.server.url, slow_tenant.server.admin) as registry:
        registry.push(repository, make_image(), tag="v1")
    return repository


def test_dripping_headers_bodies_and_downloads_keep_nobody_from_working(
    slow_tenant: Tenant, pulled: str
) -> None:
    host = slow_tenant.server.host
    with RegistryClient(slow_tenant.server.url, slow_tenant.server.admin) as registry:
        bodies = unfinished_body(slow_tenant, registry, 80)
        downloads = slow_download(slow_tenant, registry)
    with (
        Drippers(host, unfinished_header(slow_tenant), 140) as first,
        Drippers(host, bodies, 80) as second,
        Drippers(host, downloads, 80, reads=True) as third,
    ):
        others_pull(slow_tenant, pulled)
        others_work(slow_tenant)
        first.hold(130)
        second.hold(70)
        third.hold(70)


def test_hundreds_of_dripping_headers_keep_nobody_from_working(slow_tenant: Tenant, pulled: str) -> None:
    with Drippers(slow_tenant.server.host, unfinished_header(slow_tenant), 400) as drippers:
        others_pull(slow_tenant, pulled)
        others_work(slow_tenant)
        drippers.hold(380)


def test_more_dripping_bodies_than_are_taken_keep_nobody_from_pulling(
    slow_tenant: Tenant, pulled: str
) -> None:
    with RegistryClient(slow_tenant.server.url, slow_tenant.server.admin) as registry:
        opening = unfinished_body(slow_tenant, registry, 300)
    with Drippers(slow_tenant.server.host, opening, 300) as drippers:
        others_pull(slow_tenant, pulled)
        drippers.hold(100)


def test_hundreds_of_slow_downloads_keep_nobody_from_pulling(slow_tenant: Tenant, pulled: str) -> None:
    with RegistryClient(slow_tenant.server.url, slow_tenant.server.admin) as registry:
        opening = slow_download(slow_tenant, registry)
    with Drippers(slow_tenant.server.host, opening, 200, reads=True) as drippers:
        others_pull(slow_tenant, pulled)
        drippers.hold(180)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_stalled_upload_is_cut_off_and_can_go_on(slow_tenant: Tenant, framing: str) -> None:
    repository = f"{slow_tenant.project}/{unique('image')}"
    data = os.urandom(100_000)
    headers, first = {
        "length": (f"Content-Length: {len(data)}", data[:1000]),
        "chunked": ("Transfer-Encoding: chunked", b"3e8\r\n" + data[:1000] + b"\r\n"),
    }[framing]
    with RegistryClient(slow_tenant.server.url, slow_tenant.people["developer"]) as registry:
        location = urlsplit(registry.start_upload(repository))
        authorization = registry.headers("PATCH", location.path)["Authorization"]
        name, _, port = slow_tenant.server.host.partition(":")
        with socket.create_connection((name, int(port)), timeout=60) as connection:
            connection.sendall(
                f"PATCH {location.path}?{location.query} HTTP/1.1\r\nHost: {name}\r\n"
                f"Authorization: {authorization}\r\n{headers}\r\n\r\n".encode()
                + first
            )
            # Not one byte more: the server answers or not, and then closes. The time-out of the socket is the limit.
            answer = b"".join(iter(lambda: connection.recv(65536), b""))

        assert not answer.startswith(b"HTTP/1.1 2")
        status = registry.request("GET", f"{location.path}?{location.query}")
        assert status.status_code == 204
        assert status.headers["Range"] == "0-999"


def test_a_stalled_download_is_cut_off(slow_tenant: Tenant) -> None:
    with RegistryClient(slow_tenant.server.url, slow_tenant.server.admin) as registry:
        request = slow_download(slow_tenant, registry)(0)
    name, _, port = slow_tenant.server.host.partition(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect((name, int(port)))
        connection.sendall(request)
        _wait_until_closed_by_server(slow_tenant.server, connection.getsockname()[1])

        received = 0
        with suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += len(piece)

    assert 0 < received < _LARGE


def _wait_until_closed_by_server(server: HarborServer, client_port: int) -> None:
    def remote_ports() -> set[int]:
        return {
            connection.raddr.port
            for process in server.processes()
            for connection in process.net_connections("tcp4")
            if connection.raddr
        }

    eventually(remote_ports, lambda ports: client_port not in ports)


_FORM = "Content-Type: application/x-www-form-urlencoded\r\nAuthorization: Basic eA==\r\n"


@pytest.mark.parametrize("path", ["/service/token", "/c/userExists"])
def test_forms_that_drip_keep_nobody_from_pulling(slow_tenant: Tenant, pulled: str, path: str) -> None:
    """Nobody has to sign in to send one, and there are more here than the server has threads."""
    host = slow_tenant.server.host
    opening = f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{_FORM}Content-Length: 60000\r\n\r\n".encode()
    with Drippers(host, lambda _number: opening, 900):
        others_pull(slow_tenant, pulled)


@pytest.mark.parametrize("path", ["/service/token", "/c/userExists"])
def test_a_form_that_stalls_is_cut_off(slow_tenant: Tenant, path: str) -> None:
    host = slow_tenant.server.host
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), timeout=60) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{_FORM}Content-Length: 60000\r\n\r\nx".encode()
        )
        with suppress(ConnectionResetError):
            while connection.recv(4096):
                pass
