"""The networks that an account may be used from."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from apps.accounts.security import Principal
from apps.common.errors import BadRequestError

MAX_SOURCES = 64
_LONGEST = 64

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def sources_clean(sources: Iterable[object]) -> list[str]:
    """Networks as they are kept: each once, without the bits of a host, a single address as ``/32`` or ``/128``.

    Raises :class:`BadRequestError` for what is no IPv4 or IPv6 network, and for more than 64.
    """
    found = list(dict.fromkeys(map(_network_text, sources)))
    if len(found) > MAX_SOURCES:
        raise BadRequestError(f"an account can have at most {MAX_SOURCES} source networks")
    return found


def _network_text(source: object) -> str:
    if not isinstance(source, str):
        raise BadRequestError("a source must be text: an address or a network such as 192.0.2.0/24")
    try:
        return str(ipaddress.ip_network(source.strip(), strict=False))
    except ValueError:
        raise BadRequestError(
            f"{source[:_LONGEST]!r} is no IPv4 or IPv6 address or network such as 192.0.2.0/24"
        ) from None


def may_come_from(principal: Principal, address: str) -> bool:
    """Whether this account may be used from ``address``, the client's; nothing to do for most accounts."""
    return not principal.sources or _is_inside(principal.sources, address)


@lru_cache(maxsize=4096)
def _is_inside(sources: tuple[str, ...], address: str) -> bool:
    """An address that cannot be read is inside nothing."""
    try:
        parsed: _Address = ipaddress.ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        # A server that listens on both sees an IPv4 client so.
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in map(_network, sources))


def _network(text: str) -> _Network:
    return ipaddress.ip_network(text, strict=False)
