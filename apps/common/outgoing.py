"""Requests that this server makes to addresses which people have given: webhooks, and whatever comes after them.

A name is resolved once and connected to as resolved: what was checked is what is used, whatever a name server says
a moment later. Addresses of this host, of its link, and of the metadata service of a cloud are refused; the settings
``outgoing_allow`` and ``outgoing_refuse`` say otherwise. Redirects are answers like any other: nobody follows them.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from django.conf import settings
from urllib3 import (
    BaseHTTPResponse,
    HTTPConnectionPool,
    HTTPSConnectionPool,
    PoolManager,
    ProxyManager,
    Timeout,
)
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    ProxyError,
    ReadTimeoutError,
)
from urllib3.util import Url, make_headers, parse_url

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]

_CONNECT_SECONDS = 5.0
_LOOK_SECONDS = 0.5
_CHUNK = 16 * 1024
_PORTS = {"http": 80, "https": 443}
_REFUSED: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        (
            # This host, the link, everybody.
            *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32"),
            *("::/128", "::1/128", "fe80::/10", "ff00::/8"),
            # Metadata of clouds outside the link: Alibaba, Azure, Oracle; AWS and Google over IPv6.
            *("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
            *("fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128"),
        ),
    )
)
_LOW_32_BITS = tuple(map(ipaddress.IPv6Network, ("::/96", "64:ff9b::/96", "64:ff9b:1::/96")))


class OutgoingError(Exception):
    """There is no answer; the message says why, and has of the URL only host and port."""


class OutgoingRefusedError(OutgoingError):
    """The address is one that this server does not connect to."""


@dataclass(frozen=True, slots=True)
class OutgoingAnswer:
    """``body`` is as it was sent, cut off at the limit of the request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def outgoing_request(
    *,
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    seconds: float = 30.0,
    max_bytes: int = 1 << 20,
    verify: bool = True,
    authorities: str = "",
    is_stopped: Callable[[], bool] = lambda: False,
) -> OutgoingAnswer:
    """Send one request and give what comes back, whatever its status.

    ``seconds`` bounds all of it, the first ``max_bytes`` of a body are read. ``verify`` False takes any certificate,
    ``authorities`` (PEM) are trusted besides those of the system.
    It is given up within half a second when ``is_stopped`` says so. Raises :class:`OutgoingError`.
    """
    target = url_checked(url)
    place = _place(target)
    with _Watch(seconds, is_stopped) as watch:
        try:
            with _manager(
                target,
                _context(settings.HARBOR.outgoing_ca_file, authorities, verify=verify),
                seconds=seconds,
            ) as manager:
                response = manager.request(
                    method,
                    target.url,
                    body=body,
                    headers=headers,
                    redirect=False,
                    retries=False,
                    preload_content=False,
                )
                answer = OutgoingAnswer(response.status, dict(response.headers), _read(response, max_bytes))
                # What was cut off may look like an end.
                watch.check()
                return answer
        except (HTTPError, OSError, ValueError) as error:
            # Not as the cause: messages of urllib3 have the path, which may be a secret.
            raise OutgoingError(_reason(error, place, is_over=watch.is_over)) from None


def url_checked(url: str) -> Url:
    """The parts of a URL that can be asked; raises :class:`OutgoingError`."""
    try:
        parts = parse_url(url)
    except LocationParseError:
        raise OutgoingError("the URL cannot be read") from None
    if parts.scheme not in _PORTS or not parts.host:
        raise OutgoingError("the URL must begin with http:// or https:// and a host")
    if parts.auth:
        raise OutgoingError("the URL must not have a name or a password in it")
    return parts


def is_refused(address: Address) -> bool:
    """Whether this server does not connect to an address, or to an IPv4 address that it stands for."""
    configuration = settings.HARBOR
    allowed, refused = configuration.outgoing_allowed, (*_REFUSED, *configuration.outgoing_refused)
    return any(_is_in(face, refused) and not _is_in(face, allowed) for face in _faces(address))


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _faces(address: Address) -> Iterator[Address]:
    yield address
    if isinstance(address, ipaddress.IPv4Address):
        return
    for inner in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())):
        if inner is not None:
            yield inner
    if _is_in(address, _LOW_32_BITS) and int(address) > 1:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _place(url: Url) -> str:
    return f"{url.host}:{url.port or _PORTS[url.scheme or '']}"


def _reason(error: Exception, place: str, *, is_over: bool) -> str:
    # What happened is inside what urllib3 makes of it.
    causes = [error, error.__cause__, *(one for one in error.args if isinstance(one, Exception))]
    for cause in causes:
        if is_over or isinstance(cause, TimeoutError | ConnectTimeoutError | ReadTimeoutError):
            return f"{place} did not answer in time"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of {place} is not accepted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"no TLS with {place}: {cause.reason or 'the connection ended'}"
        if isinstance(cause, OSError) and cause.strerror:
            return f"no connection to {place}: {cause.strerror}"
    if isinstance(error, ProxyError):
        return f"no connection to {place} through the proxy"
    return f"no answer of {place} that can be read: {type(error).__name__}"


def _read(response: BaseHTTPResponse, most: int) -> bytes:
    body = bytearray()
    for chunk in response.stream(_CHUNK, decode_content=False):
        body += chunk
        if len(body) >= most:
            break
    return bytes(body[:most])


class _Watch:
    """Bounds the time of a request as a whole: a timeout of a socket begins anew with every byte that comes."""

    def __init__(self, seconds: float, is_stopped: Callable[[], bool]) -> None:
        self.is_over = False
        self._until = time.monotonic() + seconds
        self._is_stopped = is_stopped
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._done = threading.Event()

    @property
    def left(self) -> float:
        """Seconds, never quite none: a socket takes 0 for something else."""
        return max(self._until - time.monotonic(), 0.001)

    def check(self) -> None:
        if self.is_over:
            raise TimeoutError

    def hold(self, connected: socket.socket) -> None:
        """Cut this connection when the time is over. By a copy: TLS takes the socket itself away."""
        with self._lock:
            self._sockets.append(connected.dup())

    def __enter__(self) -> Self:
        threading.Thread(target=self._look, daemon=True, name="outgoing watch").start()
        self._token = _watch.set(self)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._done.set()
        _watch.reset(self._token)
        with self._lock:
            for one in self._sockets:
                one.close()
            self._sockets.clear()

    def _look(self) -> None:
        while not self._done.wait(min(self.left, _LOOK_SECONDS)):
            if time.monotonic() >= self._until or self._is_stopped():
                self._cut()
                return

    def _cut(self) -> None:
        with self._lock:
            self.is_over = True
            for one in self._sockets:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # The other side was faster.


_watch: ContextVar[_Watch] = ContextVar("outgoing_watch")


def _look_up(host: str, port: int, seconds: float) -> list[_Found]:
    """The addresses of a name, in a thread of its own: nothing else ends a name server that does not answer."""
    found: Future[list[_Found]] = Future()

    def look() -> None:
        try:
            found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.set_exception(error)

    threading.Thread(target=look, daemon=True, name="outgoing lookup").start()
    try:
        return found.result(seconds)
    except TimeoutError:
        raise OutgoingError(f"the name {host} was not resolved in {seconds:.0f} s") from None
    except (OSError, UnicodeError):
        raise OutgoingError(f"the name {host} cannot be resolved") from None


def _address(found: _Found) -> Address:
    return ipaddress.ip_address(str(found[4][0]).partition("%")[0])


def _open(host: str, port: int) -> socket.socket:
    """Connect to the first address of a name that may be connected to and takes it."""
    watch = _watch.get()
    found = _look_up(host, port, watch.left)
    allowed = [one for one in found if not is_refused(_address(one))]
    if not allowed:
        raise OutgoingRefusedError(
            f"requests to {', '.join(sorted({str(_address(one)) for one in found}))} are not allowed "
            "(settings outgoing_allow and outgoing_refuse)"
        )
    failure: OSError = TimeoutError()
    for family, kind, protocol, _, place in allowed:
        connected = socket.socket(family, kind, protocol)
        try:
            connected.settimeout(min(_CONNECT_SECONDS, watch.left))
            connected.connect(place)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            watch.hold(connected)
        except OSError as error:
            connected.close()
            failure = error
        else:
            return connected
    raise failure


# The host of a connection stays the name: for the Host header and for TLS.
class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _open(self._dns_host, self.port)


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _open(self._dns_host, self.port)


class _ProxyConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        _watch.get().hold(connected)
        return connected


class _ProxyTlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        _watch.get().hold(connected)
        return connected


class _Pool(HTTPConnectionPool):
    ConnectionCls = cast("Any", _Connection)


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = cast("Any", _TlsConnection)

    def _validate_conn(self, conn: Any) -> None:
        # Without the warning about certificates that are not checked: somebody has chosen it.
        if conn.is_closed:
            conn.connect()


class _ProxyPool(_Pool):
    ConnectionCls = cast("Any", _ProxyConnection)


class _ProxyTlsPool(_TlsPool):
    ConnectionCls = cast("Any", _ProxyTlsConnection)


def _manager(url: Url, context: ssl.SSLContext, *, seconds: float) -> PoolManager:
    configuration = settings.HARBOR
    options: dict[str, Any] = {
        "num_pools": 1,
        "timeout": Timeout(connect=min(_CONNECT_SECONDS, seconds), read=seconds),
        "ssl_context": context,
    }
    host = (url.host or "").strip("[]")
    if not configuration.outgoing_proxy or _is_direct(host, configuration.outgoing_no_proxy):
        manager = PoolManager(**options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager
    _check_before_proxy(host, url.port or _PORTS[url.scheme or ""])
    proxy = parse_url(configuration.outgoing_proxy)
    credentials = make_headers(proxy_basic_auth=proxy.auth) if proxy.auth else None
    manager = ProxyManager(configuration.outgoing_proxy, proxy_headers=credentials, **options)
    manager.pool_classes_by_scheme = {"http": _ProxyPool, "https": _ProxyTlsPool}
    return manager


def _is_direct(host: str, no_proxy: str) -> bool:
    """Whether a host is one of those, or below one of those names, that are asked without the proxy."""
    names = [one.strip().lstrip(".").lower() for one in no_proxy.split(",")]
    return any(name and (host.lower() == name or host.lower().endswith(f".{name}")) for name in names)


def _check_before_proxy(host: str, port: int) -> None:
    """Refuse what can be seen from here to be refused; other names are the proxy's to resolve, and to refuse."""
    try:
        found = _look_up(host, port, _watch.get().left)
    except OutgoingError:
        return
    if any(is_refused(_address(one)) for one in found):
        raise OutgoingRefusedError(f"requests to {host} are not allowed (setting outgoing_allow)")


@lru_cache(maxsize=16)
def _context(ca_file: Path | None, authorities: str, *, verify: bool) -> ssl.SSLContext:
    """Made once: to read all the certificates of a system takes longer than a request."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    if authorities:
        context.load_verify_locations(cadata=authorities)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
