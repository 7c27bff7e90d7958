"""The watchdog over slow transfers cuts off who is slow, and nobody who comes after them."""

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings

from apps.distribution import transfers
from apps.distribution.messages import Request

_HERE = "127.0.0.1"
_ENVIRON = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "REMOTE_ADDR": _HERE, "wsgi.input": io.BytesIO()}


@contextmanager
def connected(listener: socket.socket) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection: the client's and the server's."""
    with socket.create_connection(listener.getsockname()) as client, listener.accept()[0] as accepted:
        client.settimeout(5)
        accepted.settimeout(5)
        yield client, accepted


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What the server listens on."""
    with socket.create_server((_HERE, 0)) as listening:
        bound = f"{_HERE}:{listening.getsockname()[1]}"
        monkeypatch.setattr(settings, "HARBOR", settings.HARBOR.model_copy(update={"bind": bound}))
        yield listening


def look_at(watchdog: transfers._Watchdog) -> None:
    """A look that finds a slow transfer of a client at this address."""
    with transfers.short_bodies.reserve(Request(_ENVIRON), "") as slow:
        slow.window = (time.monotonic() - 3600, 0)
        watchdog._look()


def test_a_new_connection_is_not_taken_for_the_old_one_of_its_number(listener: socket.socket) -> None:
    watchdog = transfers._Watchdog()
    with connected(listener) as (client, accepted):
        number = accepted.fileno()
        client.sendall(b"x" * 10_000)
        assert len(accepted.recv(10_000, socket.MSG_WAITALL)) == 10_000
        watchdog._look()
    with connected(listener) as (client, accepted):
        assert accepted.fileno() == number
        look_at(watchdog)
        client.sendall(b"y")
        assert accepted.recv(1) == b"y"


def test_what_the_server_connects_to_is_left_alone(listener: socket.socket) -> None:
    """A database at the address of a slow client, which may be a proxy on this machine."""
    watchdog = transfers._Watchdog()
    with socket.create_server((_HERE, 0)) as database, connected(database) as (ours, theirs):
        watchdog._look()
        look_at(watchdog)
        ours.sendall(b"y")
        assert theirs.recv(1) == b"y"


def test_a_connection_that_moves_nothing_is_cut(listener: socket.socket) -> None:
    watchdog = transfers._Watchdog()
    with connected(listener) as (client, _accepted):
        watchdog._look()
        look_at(watchdog)
        assert client.recv(1) == b""
