"""Connections to the servers of a directory: opened in bounded time, kept warm, dropped when they or the settings die.

There are two kinds, which are never mixed: those that search, bound as the searching identity, and those on which
people's passwords are tried. The second kind is bound as one person after another, and never asked anything.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import ldap

from apps.ldap.tls import problem_of, trusted_file
from apps.ldap.types import LdapError, LdapSettings, Server, Step, servers_of

T = TypeVar("T")

_IDLE_SECONDS = 60.0
_MOST_IDLE = 8
_LONG_SECONDS = 0.5
_DOWN_SECONDS = 5.0
"""A server that took longer than the first to say that it takes no connection is left alone for the second."""

DEAD: tuple[type[Exception], ...] = (ldap.SERVER_DOWN, ldap.CONNECT_ERROR, ldap.UNAVAILABLE, ldap.TIMEOUT)
"""What ends a connection. A time-out does too: the late answer would be taken for that to the next question."""


def reason_of(error: Exception) -> str:
    """What the library or the server says, without the matched parts of what was asked."""
    details = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    words = [str(details.get("desc", "")), str(details.get("info", ""))]
    return (
        ": ".join(word for word in words if word and "unknown error code" not in word) or type(error).__name__
    )


def open_connection(server: Server, configured: LdapSettings) -> Any:
    """A new connection that is bound as the searching identity; raises :class:`LdapError`."""

    def bind(connection: Any) -> None:
        if configured.search_dn and not configured.search_password:
            # A server takes a name without a password for nobody, and says yes.
            raise LdapError(Step.BIND, "the searching identity (ldap_search_dn) needs a password")
        connection.simple_bind_s(configured.search_dn, configured.search_password)

    return _Opening(server, configured, bind).run()


def open_unbound(server: Server, configured: LdapSettings) -> Any:
    """A new connection that is nobody's yet; raises :class:`LdapError`."""
    return _Opening(server, configured, lambda _connection: None).run()


class _Opening:
    """One attempt, in a thread of its own: nothing else ends a name server that is silent, or a list of addresses
    that are. When the time is over the thread is left to itself, and closes what it still gets.
    """

    def __init__(self, server: Server, configured: LdapSettings, bind: Callable[[Any], None]) -> None:
        self._server = server
        self._configured = configured
        self._bind = bind
        self._step = Step.NAME
        self._lock = threading.Lock()
        self._is_over = False
        self._done = threading.Event()
        self._connection: Any = None
        self._error: Exception | None = None

    def run(self) -> Any:
        """The connection; raises :class:`LdapError`."""
        threading.Thread(target=self._work, daemon=True, name="ldap opening").start()
        self._done.wait(self._configured.seconds)
        with self._lock:
            self._is_over = True
            connection, error = self._connection, self._error
        if connection is not None:
            return connection
        if isinstance(error, LdapError):
            raise error
        if error is not None:
            raise LdapError(self._step, f"{self._server.place}: {error}") from error
        raise LdapError(self._step, self._too_late())

    def _too_late(self) -> str:
        what = {
            Step.NAME: f"the name {self._server.host} was not resolved",
            Step.CONNECT: f"no connection to {self._server.place}",
            Step.TLS: f"no TLS with {self._server.place}",
        }
        said = what.get(self._step, f"{self._server.place} did not answer")
        return f"{said} in {self._configured.seconds} s (ldap_timeout)"

    def _work(self) -> None:
        connection: Any = None
        try:
            self._reach()
            connection = self._secured()
            self._step = Step.BIND
            self._bind(connection)
        except Exception as error:  # noqa: BLE001 - the other thread tells it
            self._error = self._named(error)
            _close(connection)
            connection = None
        with self._lock:
            if self._is_over:
                _close(connection)
            else:
                self._connection = connection
        self._done.set()

    def _reach(self) -> None:
        """Resolve and connect once for nothing: the library does not say which of all this failed."""
        try:
            addresses = socket.getaddrinfo(self._server.host, self._server.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise LdapError(Step.NAME, f"the name {self._server.host} cannot be resolved") from None
        self._step = Step.CONNECT
        failure: OSError | None = None
        for family, kind, protocol, _, place in addresses:
            try:
                with socket.socket(family, kind, protocol) as probe:
                    probe.settimeout(self._configured.seconds)
                    probe.connect(place)
                    return
            except OSError as error:
                failure = error
        why = failure.strerror if failure is not None and failure.strerror else "no answer"
        raise LdapError(Step.CONNECT, f"no connection to {self._server.place}: {why}")

    def _secured(self) -> Any:
        configured = self._configured
        is_secure = self._server.scheme == "ldaps" or configured.start_tls
        self._step = Step.TLS if is_secure else Step.BIND
        connection = ldap.initialize(self._server.uri)
        try:
            self._set_options(connection, is_secure=is_secure)
            if self._server.scheme == "ldap" and configured.start_tls:
                connection.start_tls_s()
            elif is_secure:
                # The handshake belongs to the first question, and this one may be asked by anybody.
                connection.search_ext_s("", ldap.SCOPE_BASE, attrlist=["1.1"], timeout=configured.seconds)
        except ldap.LDAPError as error:
            if isinstance(error, DEAD):
                _close(connection)
                why = problem_of(self._server, configured, seconds=configured.seconds)
                raise LdapError(Step.TLS, why) from None
            if self._server.scheme == "ldap":
                _close(connection)
                why = f"{self._server.place} refuses StartTLS: {reason_of(error)}"
                raise LdapError(Step.TLS, why) from None
            # It refuses to answer strangers, over TLS: that is all that was asked.
        return connection

    def _set_options(self, connection: Any, *, is_secure: bool) -> None:
        connection.protocol_version = ldap.VERSION3
        connection.timeout = self._configured.seconds
        connection.network_timeout = self._configured.seconds
        # What a server refers to was named by nobody here, and would be given the password.
        connection.set_option(ldap.OPT_REFERRALS, 0)
        connection.set_option(ldap.OPT_RESTART, 1)
        if not is_secure:
            return
        verify = ldap.OPT_X_TLS_DEMAND if self._configured.verify_cert else ldap.OPT_X_TLS_NEVER
        connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, verify)
        if self._configured.verify_cert and (trusted := trusted_file(self._configured.ca_file)):
            connection.set_option(ldap.OPT_X_TLS_CACERTFILE, trusted)
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)

    def _named(self, error: Exception) -> Exception:
        """The failure as its step and a sentence."""
        place = self._server.place
        step = self._step
        match error:
            case LdapError():
                return error
            case ldap.TIMEOUT():
                said = self._too_late()
            case ldap.INVALID_CREDENTIALS():
                said = f"{place} refuses the name or the password of the searching identity (ldap_search_dn)"
            case ldap.LDAPError() if isinstance(error, DEAD) and step is Step.BIND:
                said = f"{place} ended the connection: {reason_of(error)}"
            case ldap.LDAPError():
                said = f"{place}: {reason_of(error)}"
            case OSError() if step is Step.TLS:
                said = f"the file of authorities (outgoing_ca_file) cannot be read: {error}"
            case ValueError():
                said = f"{place}: the name or the password cannot be sent"
            case _:
                return error
        return LdapError(step, said)


def _close(connection: Any) -> None:
    if connection is not None:
        with suppress(Exception):
            connection.unbind_s()


@dataclass
class _Idle:
    connection: Any
    since: float


@dataclass
class _ServerState:
    server: Server
    idle: dict[bool, list[_Idle]] = field(default_factory=lambda: {True: [], False: []})
    down_since: float = -_DOWN_SECONDS
    why: LdapError | None = None

    def is_down(self, now: float) -> bool:
        return now < self.down_since + _DOWN_SECONDS


class Pool:
    """The connections of one set of settings, in one process."""

    def __init__(self, configured: LdapSettings) -> None:
        self.configured = configured
        self.process = os.getpid()
        self._states = [_ServerState(server) for server in servers_of(configured.url)]
        self._lock = threading.Lock()
        self._is_closed = False

    def on_server(self, call: Callable[["Pool", Server], T]) -> T:
        """``call`` with the first server that answers, in the order of the setting; raises :class:`LdapError`.

        Nobody waits again for one that kept somebody waiting some seconds ago: an outage of the directory must not
        hold up every thread of this server.
        """
        failures: list[LdapError] = []
        for state in self._states:
            if state.why is not None and state.is_down(time.monotonic()):
                failures.append(state.why)
                continue
            try:
                return call(self, state.server)
            except LdapError as error:
                if error.step not in _OF_THE_SERVER:
                    raise
                failures.append(error)
        raise LdapError(failures[-1].step, "; ".join(dict.fromkeys(error.message for error in failures)))

    @contextmanager
    def connection(self, server: Server, *, searching: bool = True) -> Iterator[Any]:
        """A connection to ``server`` for the block: one that searches, or one to try passwords on.

        It goes back when the block ends well. Raises :class:`LdapError`.
        """
        taken = self._take(server, searching=searching)
        connection = taken or self._open(server, searching=searching)
        try:
            yield connection
        except DEAD as error:
            _close(connection)
            self._drop_idle(server)
            if taken is not None and not isinstance(error, ldap.TIMEOUT):
                raise _StaleError from error
            raise LdapError(Step.CONNECT, f"{server.place} does not answer: {reason_of(error)}") from error
        except ldap.LDAPError:
            self._give(server, connection, searching=searching)
            raise
        except BaseException:
            _close(connection)
            raise
        self._give(server, connection, searching=searching)

    def use(self, server: Server, call: Callable[[Any], T], *, searching: bool = True) -> T:
        """What ``call`` makes of a connection. One that died while it lay there is replaced by a new one, once."""
        for _ in range(2):
            try:
                with self.connection(server, searching=searching) as connection:
                    return call(connection)
            except _StaleError:
                continue
        raise LdapError(Step.CONNECT, f"{server.place} ends every connection")

    def close(self) -> None:
        """Close what lies idle; what is in use is closed when it comes back."""
        with self._lock:
            self._is_closed = True
            held = [one.connection for state in self._states for some in state.idle.values() for one in some]
            for state in self._states:
                state.idle = {True: [], False: []}
        if self.process == os.getpid():
            for connection in held:
                _close(connection)

    def _state(self, server: Server) -> _ServerState:
        return next(state for state in self._states if state.server == server)

    def _open(self, server: Server, *, searching: bool) -> Any:
        started = time.monotonic()
        try:
            return (open_connection if searching else open_unbound)(server, self.configured)
        except LdapError as error:
            if time.monotonic() - started > _LONG_SECONDS:
                self._mark_down(self._state(server), error)
            raise

    def _take(self, server: Server, *, searching: bool) -> Any:
        now, old = time.monotonic(), []
        taken = None
        with self._lock:
            idle = self._state(server).idle[searching]
            while idle and taken is None:
                one = idle.pop()
                if now - one.since > _IDLE_SECONDS:
                    old.append(one.connection)
                else:
                    taken = one.connection
        for connection in old:
            _close(connection)
        return taken

    def _give(self, server: Server, connection: Any, *, searching: bool) -> None:
        with self._lock:
            idle = self._state(server).idle[searching]
            if not self._is_closed and len(idle) < _MOST_IDLE:
                idle.append(_Idle(connection, time.monotonic()))
                return
        _close(connection)

    def _drop_idle(self, server: Server) -> None:
        """What lay beside a connection that died is dead too, most likely."""
        with self._lock:
            state = self._state(server)
            held = [one.connection for some in state.idle.values() for one in some]
            state.idle = {True: [], False: []}
        for connection in held:
            _close(connection)

    def _mark_down(self, state: _ServerState, error: LdapError) -> None:
        with self._lock:
            state.down_since, state.why = time.monotonic(), error


class _StaleError(Exception):
    """A connection had died while nobody used it."""


_OF_THE_SERVER = frozenset({Step.NAME, Step.CONNECT, Step.TLS, Step.BIND})
"""Where the next server may do better."""


class Pools:
    """The pool of the settings as they are now: others make another one, and the old one is closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: Pool | None = None

    def of(self, configured: LdapSettings) -> Pool:
        """The pool of these settings; raises :class:`LdapError` for a URL that is none."""
        with self._lock:
            current = self._pool
            if current is not None and current.configured == configured and current.process == os.getpid():
                return current
            self._pool = Pool(configured)
            made = self._pool
        if current is not None:
            current.close()
        return made
