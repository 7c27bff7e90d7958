"""Bodies in motion: how many at a time, and the end of those that do not move.

Each body holds a thread of the server while it moves. So a process lets a bounded number in and answers 429 to
more, which leaves threads for pulls and for everything that is short; and a watchdog cuts the connections of
clients that send or take less than the least rate. The server does not tell which socket a request came by, so
the kernel is asked which of this process's connections with that peer are the slow ones.
"""

import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

from django.conf import settings

from apps.common.errors import TooManyRequestsError
from apps.distribution.errors import ProtocolError
from apps.distribution.messages import Environ, Request

logger = logging.getLogger(__name__)

# struct tcp_info of linux/tcp.h: bytes_acked and bytes_received, behind 8 bytes, 24 32-bit words and two 64-bit ones.
_TCP_INFO_SIZE = 136
_MOVED = struct.Struct("<QQ")
_MOVED_OFFSET = 120

# Bytes of a short body that are read though nobody wants them, at most, and at a time.
_DRAINED = 8 * 1024 * 1024
_PIECE = 64 * 1024


class Transfer:
    """One body that moves; ``moved`` counts its bytes."""

    __slots__ = ("_slots", "address", "beginning", "moved", "person", "window")

    def __init__(self, slots: "Slots", address: str, person: str) -> None:
        self._slots = slots
        self.address = address
        self.person = person
        self.moved = 0
        self.beginning = time.monotonic()
        self.window = (self.beginning, 0)
        """When the rate was last looked at, and ``moved`` then."""

    def reader(self, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
        """``read``, counted. In smaller pieces than asked for, so that a slow client is seen to move."""

        def counted(size: int) -> bytes:
            piece = read(min(size, 1 << 18))
            self.moved += len(piece)
            return piece

        return counted

    def stream(self, pieces: Iterator[bytes]) -> "Stream":
        """``pieces``, counted; the slot is given back when the server closes the stream."""
        return Stream(self._slots, self, pieces)


class Stream:
    """An iterator of a response's body that gives its slot back when it is closed."""

    def __init__(self, slots: "Slots", transfer: Transfer, pieces: Iterator[bytes]) -> None:
        self._slots = slots
        self._transfer = transfer
        self._pieces = pieces
        self._closed = False
        slots.keep(transfer)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        self._transfer.moved += len(piece)
        return piece

    def close(self) -> None:
        """Called by the server at the end, whether it came or was cut off."""
        if not self._closed:
            self._closed = True
            if hasattr(self._pieces, "close"):
                self._pieces.close()
            self._slots.release(self._transfer)


class Slots:
    """A bounded number of transfers of one kind."""

    def __init__(self, kind: str, number: Callable[[], int]) -> None:
        self._kind = kind
        self._number = number
        self._active: set[Transfer] = set()
        self._kept: set[Transfer] = set()
        self._lock = threading.Lock()

    @contextmanager
    def reserve(self, request: Request, person: str) -> Iterator[Transfer]:
        """A slot while the context lasts, or longer if its stream is kept; raises TOOMANYREQUESTS."""
        transfer = Transfer(self, request.environ.get("REMOTE_ADDR") or "", person)
        with self._lock:
            if len(self._active) >= self._number():
                raise ProtocolError(
                    "TOOMANYREQUESTS",
                    f"too many {self._kind}s at the same time; try again",
                    headers=[("Retry-After", "5")],
                )
            self._active.add(transfer)
        _watchdog.start()
        try:
            yield transfer
        finally:
            if transfer not in self._kept:
                self.release(transfer)

    def keep(self, transfer: Transfer) -> None:
        """The transfer outlives its context."""
        self._kept.add(transfer)

    def release(self, transfer: Transfer) -> None:
        """Give the slot back."""
        with self._lock:
            self._active.discard(transfer)
            self._kept.discard(transfer)

    def active(self) -> list[Transfer]:
        """The transfers under way."""
        with self._lock:
            return list(self._active)


class _Watchdog:
    """One thread a process that looks at the transfers a few times in a stall time-out."""

    def __init__(self) -> None:
        self._process = -1
        self._lock = threading.Lock()
        self._connections: dict[tuple[int, object], tuple[int, int]] = {}

    def start(self) -> None:
        """Begin, once a process."""
        if self._process == os.getpid():
            return
        with self._lock:
            if self._process != os.getpid():
                self._process = os.getpid()
                threading.Thread(target=self._run, name="transfer-watchdog", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(settings.HARBOR.stall_timeout)
            try:
                self._look()
            except Exception:
                logger.exception("the transfer watchdog failed once")

    def _look(self) -> None:
        """Over the time since the last look: which transfers, and so which connections, moved too little."""
        now = time.monotonic()
        slow: dict[str, Transfer] = {}
        for transfer in uploads.active() + downloads.active() + short_bodies.active():
            since, moved = transfer.window
            transfer.window = (now, transfer.moved)
            elapsed = now - since
            if elapsed < settings.HARBOR.stall_timeout * 0.9:
                continue
            if transfer.moved - moved < max(1, settings.HARBOR.min_transfer_rate * elapsed):
                slow[transfer.address] = transfer
        before, self._connections = self._connections, {}
        least = max(1, settings.HARBOR.min_transfer_rate * settings.HARBOR.stall_timeout)
        for connection in _connections():
            with connection:
                key = connection.key
                self._connections[key] = connection.moved
                # What we connect to (PostgreSQL, Redis) may have the same address as a client.
                if (
                    connection.port != settings.HARBOR.port
                    or connection.peer not in slow
                    or key not in before
                ):
                    continue
                if sum(connection.moved) - sum(before[key]) < least:
                    transfer = slow[connection.peer]
                    logger.warning(
                        "cut off a transfer of %s from %s: %d bytes in all",
                        transfer.person,
                        transfer.address,
                        transfer.moved,
                    )
                    connection.cut()


class _Connection:
    """A TCP connection of this process, by a descriptor of its own."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=os.dup(descriptor))
        try:
            own, name = self._socket.getsockname(), self._socket.getpeername()
            # With the names: a descriptor's number is soon that of another connection, which has moved nothing yet.
            self.key: tuple[int, object] = (descriptor, (own, name))
            self.port: int = own[1] if isinstance(own, tuple) else 0
            self.peer: str = name[0] if isinstance(name, tuple) else ""
            info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
            self.moved: tuple[int, int] = _MOVED.unpack_from(info, _MOVED_OFFSET)
        except (OSError, struct.error):
            self._socket.close()
            raise

    def cut(self) -> None:
        """End it both ways: whoever waits for it wakes up."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def _connections() -> Iterator[_Connection]:
    for entry in os.listdir("/proc/self/fd"):
        with suppress(OSError, struct.error, ValueError):
            if os.readlink(f"/proc/self/fd/{entry}").startswith("socket:"):
                yield _Connection(int(entry))


class ShortBody:
    """``wsgi.input`` of a request that is no upload: watched like one, so that nobody holds a thread by a dripping form."""

    def __init__(self, environ: Environ) -> None:
        self._request = Request(environ)
        self._stream = environ["wsgi.input"]

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes; raises :class:`TooManyRequestsError` while half of the threads wait for bodies."""
        return self._take(self._stream.read, size)

    def readline(self, size: int = -1) -> bytes:
        """A line, as :meth:`read`."""
        return self._take(self._stream.readline, size)

    def drain(self) -> None:
        """Read what an answer left unread, within reason: see ``_drain`` of the data plane's entry."""
        if self._request.header("HTTP_EXPECT"):
            return
        left = _DRAINED
        with suppress(TooManyRequestsError, OSError):
            while left > 0 and (piece := self.read(min(left, _PIECE))):
                left -= len(piece)

    def _take(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            with short_bodies.reserve(self._request, "") as transfer:
                piece = read(size)
                transfer.moved += len(piece)
                return piece
        except ProtocolError as error:
            raise TooManyRequestsError(error.message) from None


uploads = Slots("upload", lambda: settings.HARBOR.upload_slots)
downloads = Slots("download", lambda: settings.HARBOR.download_slots)
# Manifests, forms and what the REST API takes: a thread each as long as a client takes to send them.
short_bodies = Slots("request", lambda: settings.HARBOR.threads // 2)
_watchdog = _Watchdog()
