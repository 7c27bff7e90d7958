"""Requests and responses of the data plane: as little as it takes.

Django's own request costs three times what a warm pull costs here (docs/adr has the figures), and its body stream
is empty for the chunked PATCH that docker sends.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

Headers = list[tuple[str, str]]
Environ = dict[str, Any]

REASONS = {
    200: "200 OK",
    201: "201 Created",
    202: "202 Accepted",
    204: "204 No Content",
    206: "206 Partial Content",
    304: "304 Not Modified",
    307: "307 Temporary Redirect",
}


class Request:
    """One request; ``environ`` is the server's. Bodies are read with :meth:`read` only."""

    def __init__(self, environ: Environ) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ["PATH_INFO"]
        self.person = ""
        """The caller's name, for the access log, once it is known."""
        self.repository = ""
        """The repository's name, for the access log, once it is known to be one."""
        self.operation = "v2_others"
        """What is asked for, as the metrics name it, once it is known."""
        self.received = 0
        """Bytes of the body read so far."""
        self._stream: Callable[[int], bytes] = environ["wsgi.input"].read

    def header(self, key: str) -> str | None:
        """A header by its WSGI key, such as ``HTTP_ACCEPT``; an empty one is as none."""
        return self.environ.get(key) or None

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """Parameters of the query string, percent-decoded; a parameter without a value is there as ""."""
        text = self.environ.get("QUERY_STRING") or ""
        return parse_qs(text, keep_blank_values=True) if text else {}

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else None

    @cached_property
    def content_length(self) -> int | None:
        """Bytes that the client announced; None if it did not (chunked transfer encoding)."""
        value = self.environ.get("CONTENT_LENGTH")
        return int(value) if value else None

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes of the body; b"" at its end."""
        piece = bytes(self._stream(size))
        self.received += len(piece)
        return piece

    def knows(self, digest: str) -> bool:
        """Whether the client has this content already, by ``If-None-Match`` (RFC 9110, 13.1.2)."""
        value = self.header("HTTP_IF_NONE_MATCH")
        if value is None:
            return False
        return any(part.strip().removeprefix("W/").strip('"') in (digest, "*") for part in value.split(","))

    @property
    def has_body(self) -> bool:
        """Whether the client announced a body, by length or as chunks."""
        return bool(self.content_length) or (
            self.content_length is None and "HTTP_TRANSFER_ENCODING" in self.environ
        )


class Response:
    """``body`` is bytes, or an iterator with ``close()``; its length is in the headers then."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Headers, body: bytes | Iterator[bytes] = b"") -> None:
        self.status = status
        self.headers = headers
        self.body = body
