"""A keep-alive HTTP/1.1 client that costs next to nothing, so that it is the server that is measured."""

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

_TIMEOUT = 120
_READ = 1 << 16
_DISCARD = 1 << 20
# What docker's chunked bodies look like: Go copies 32 KiB at a time and sends each as a chunk.
_CHUNK = 32 * 1024
_CHUNK_HEAD = b"%x\r\n" % _CHUNK
_MOST_BUFFERS = 1024  # That Linux takes in one call.
_BODILESS = (204, 304)


class HttpError(Exception):
    """The server closed the connection or answered what the benchmark does not expect."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def location(self) -> str:
        """Path and query of the Location header."""
        parts = urlsplit(self.headers["location"])
        return f"{parts.path}?{parts.query}" if parts.query else parts.path


class Connection:
    """One connection to ``host`` (HOST:PORT), opened again when the server has closed it after an answer."""

    def __init__(self, host: str) -> None:
        self._host = host
        name, _, port = host.rpartition(":")
        self._address = (name, int(port))
        self._socket: socket.socket | None = None
        self._rest = b""

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None, *, expect: int
    ) -> Answer:
        """Send a request with a short body and read the answer; raises :class:`HttpError` unless ``expect``."""
        self._send_head(method, path, headers, [] if body is None else [f"Content-Length: {len(body)}"], body)
        return self._answer(method, path, expect)

    def stream(
        self, method: str, path: str, headers: Mapping[str, str], pieces: Iterable[memoryview], *, expect: int
    ) -> Answer:
        """Send ``pieces`` with chunked transfer encoding."""
        self._send_head(method, path, headers, ["Transfer-Encoding: chunked"], None)
        assert self._socket is not None
        for piece in pieces:
            _send_chunks(self._socket, piece)
        self._socket.sendall(b"0\r\n\r\n")
        return self._answer(method, path, expect)

    def discard(self, path: str, headers: Mapping[str, str]) -> int:
        """GET, and let the kernel throw the body away uncopied; returns its bytes."""
        self._send_head("GET", path, headers, [], None)
        status, answered, rest = self._read_head()
        if status != 200:
            raise HttpError(f"GET {path}: {status}")
        length = int(answered["content-length"])
        received = len(rest)
        self._rest = b""
        buffer = bytearray(_DISCARD)
        assert self._socket is not None
        while received < length:
            count = self._socket.recv_into(buffer, min(_DISCARD, length - received), socket.MSG_TRUNC)
            if not count:
                raise HttpError(f"GET {path}: closed after {received} of {length} bytes")
            received += count
        self._end(answered)
        return length

    def close(self) -> None:
        """Close; the next request opens it again."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _send_head(
        self, method: str, path: str, headers: Mapping[str, str], more: list[str], body: bytes | None
    ) -> None:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=_TIMEOUT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}", *more]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode() + (body or b""))

    def _answer(self, method: str, path: str, expect: int) -> Answer:
        status, headers, body = self._read_head()
        length = 0 if method == "HEAD" or status in _BODILESS else int(headers.get("content-length", "0"))
        while len(body) < length:
            body += self._receive()
        body, self._rest = body[:length], body[length:]
        self._end(headers)
        if status != expect:
            raise HttpError(f"{method} {path}: {status} {body[:400]!r}, not {expect}")
        return Answer(status, headers, body)

    def _read_head(self) -> tuple[int, dict[str, str], bytes]:
        data = self._rest
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return int(first.split(" ", 2)[1]), headers, rest

    def _receive(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(_READ)
        if not data:
            raise HttpError("the server closed the connection")
        return data

    def _end(self, headers: Mapping[str, str]) -> None:
        if headers.get("connection", "").lower() == "close":
            self.close()


def _send_chunks(connection: socket.socket, piece: memoryview) -> None:
    """``piece`` as chunks of 32 KiB, in one system call where the kernel takes it all."""
    whole = len(piece) // _CHUNK
    buffers: list[bytes | memoryview] = []
    for index in range(whole):
        buffers += (_CHUNK_HEAD, piece[index * _CHUNK : (index + 1) * _CHUNK], b"\r\n")
    if rest := piece[whole * _CHUNK :]:
        buffers += (b"%x\r\n" % len(rest), rest, b"\r\n")
    while buffers:
        sent = connection.sendmsg(buffers[:_MOST_BUFFERS])
        done = 0
        while done < len(buffers) and sent >= len(buffers[done]):
            sent -= len(buffers[done])
            done += 1
        buffers = buffers[done:]
        if sent:
            buffers[0] = memoryview(buffers[0])[sent:]
