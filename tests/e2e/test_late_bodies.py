"""Clients that are answered before they have sent their body: the connection serves the next request too."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.support.world import World

_BODY = b'{"comment":"late"}'


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/c/login", b"403"),
        ("/portal/nothing", b"403"),
        ("/api/v2.0/users/1/password", b"405"),
        ("/service/token", b"405"),
        ("/v2/library/nothing/blobs/uploads/", b"401"),
    ],
)
def test_a_refusal_before_the_body_keeps_the_connection(world: World, path: str, status: bytes) -> None:
    address = urlsplit(world.server.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {len(_BODY)}\r\n\r\n".encode())
        # Apart from the head, as clients send it: the server has by now looked at the head alone.
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(10)
        connection.sendall(_BODY)
        assert connection.recv(65536).split(b" ")[1] == status
        connection.sendall(f"GET /api/version HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        rest = b""
        while b'"v2.0"' not in rest:
            piece = connection.recv(65536)
            assert piece, "the connection was closed after the refusal"
            rest += piece
