"""Syslog over TCP: lines of RFC 5424, each ended by a line feed, as Harbor's receivers expect them.

No message of syslog is ever acknowledged. So each batch has a connection of its own, which we close for writing and
then wait until the receiver has closed it too: a receiver that went away before it had read everything resets it.
"""

import fcntl
import os
import socket
import struct
import termios
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from apps.common.errors import BadRequestError

CONNECT_SECONDS = 3.0
SEND_SECONDS = 10.0
_CLOSE_SECONDS = 2.0
_TAG = "audit"
# Facility "log audit" (13), severity informational (6): RFC 5424, 6.2.1.
_PRIORITY = 13 * 8 + 6


class SyslogError(Exception):
    """The receiver did not take a batch, or we cannot know that it did."""


def endpoint_parse(endpoint: str) -> tuple[str, int]:
    """Host and port of ``host:port`` or ``[IPv6]:port``. Raises :class:`BadRequestError`."""
    host, separator, port = endpoint.strip().rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    bracketed = host != bare
    if (
        not separator
        or not bare
        or (":" in bare) != bracketed
        or any(character.isspace() or character in "/@\x00" for character in bare)
        or not (port.isascii() and port.isdecimal() and 0 < int(port) <= 65535)
    ):
        raise BadRequestError("the audit log forward endpoint must be HOST:PORT")
    return bare, int(port)


def forward_endpoint_check(endpoint: str) -> None:
    """Connect to a syslog receiver once. Raises :class:`BadRequestError` if it cannot be reached in three seconds.

    Any address may be named, also of the own host and network: receivers are there, and only who may change the
    settings of the installation can name one.
    """
    address = endpoint_parse(endpoint)
    try:
        socket.create_connection(address, timeout=CONNECT_SECONDS).close()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BadRequestError(f"the audit log forward endpoint cannot be reached: {reason}") from None


def syslog_line(message: bytes, *, at: datetime, name: str) -> bytes:
    """One message (without line feeds) of the time ``at``; ``name`` is its MSGID, such as ``create_artifact``."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    host = os.uname().nodename.encode("ascii", "replace").decode()[:255] or "-"
    msgid = name.encode("ascii", "replace").decode().replace(" ", "_")[:32] or "-"
    return f"<{_PRIORITY}>1 {moment} {host} {_TAG} {os.getpid()} {msgid} - ".encode() + message + b"\n"


def syslog_send(endpoint: str, lines: Iterable[bytes]) -> None:
    """Send lines over one connection and wait until the receiver has them. Raises :class:`SyslogError`."""
    try:
        with socket.create_connection(endpoint_parse(endpoint), timeout=CONNECT_SECONDS) as connection:
            connection.settimeout(SEND_SECONDS)
            connection.sendall(b"".join(lines))
            connection.shutdown(socket.SHUT_WR)
            _await_close(connection)
    except BadRequestError as error:
        raise SyslogError(error.message) from None
    except (OSError, UnicodeError) as error:
        raise SyslogError(str(error) or type(error).__name__) from error


def _await_close(connection: socket.socket) -> None:
    """Wait for the receiver's end of the connection; for one that keeps it open, until its kernel has all bytes."""
    connection.settimeout(_CLOSE_SECONDS)
    patience = time.monotonic() + _CLOSE_SECONDS
    try:
        while connection.recv(4096) and time.monotonic() < patience:
            pass
    except TimeoutError:
        unsent = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
        if struct.unpack("i", unsent)[0]:
            raise
