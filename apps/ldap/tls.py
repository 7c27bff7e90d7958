"""Certificates: which are trusted, and why one is not.

The library that speaks LDAP says of a handshake that fails no more than that it failed. So it is done once more here,
with Python's TLS, which says why.
"""

import atexit
import os
import socket
import ssl
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from apps.ldap.types import LdapSettings, Server

# RFC 4511, 4.14: the extended request 1.3.6.1.4.1.1466.20037, as the first message of a connection.
_START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
_LONGEST_ANSWER = 4096


def trusted_file(ca_file: Path | None) -> str:
    """One file with the authorities that are trusted, those of the system and ``ca_file``; "" for the library's own.

    The library takes one file and no more. Raises OSError.
    """
    system = ssl.get_default_verify_paths().cafile or ""
    return system if ca_file is None else _joined(system, ca_file, ca_file.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _joined(system: str, ca_file: Path, _changed: int) -> str:
    """A file of this process alone: nobody reads it half written."""
    parts = [Path(system).read_bytes()] if system and Path(system).is_file() else []
    handle, name = tempfile.mkstemp(prefix="harbor-ldap-", suffix=".pem")
    with os.fdopen(handle, "wb") as file:
        file.write(b"\n".join([*parts, ca_file.read_bytes()]))
    atexit.register(_remove, name)
    return name


def _remove(name: str) -> None:
    with suppress(OSError):
        os.unlink(name)


def problem_of(server: Server, configured: LdapSettings, *, seconds: float) -> str:
    """Why there is no TLS with a server, in words; a general sentence if a second handshake goes well."""
    context = ssl.create_default_context()
    if configured.ca_file is not None:
        context.load_verify_locations(configured.ca_file)
    if not configured.verify_cert:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((server.host, server.port), timeout=seconds) as connection:
            if server.scheme == "ldap":
                connection.sendall(_START_TLS)
                if not connection.recv(_LONGEST_ANSWER):
                    return f"{server.place} closed the connection instead of StartTLS"
            with context.wrap_socket(connection, server_hostname=server.host):
                return f"no TLS with {server.place}: the handshake failed"
    except ssl.SSLCertVerificationError as error:
        return f"the certificate of {server.place} is not accepted: {error.verify_message.rstrip('.')}"
    except ssl.SSLError as error:
        reason = (error.reason or "the connection ended").replace("_", " ").lower()
        return f"no TLS with {server.place}: {reason}"
    except (OSError, UnicodeError):
        return f"no TLS with {server.place}: the connection ended"
