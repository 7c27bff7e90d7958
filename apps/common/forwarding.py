"""Whose request this is and by which URL it came, as far as proxies in between may say so."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(environ: Mapping[str, Any]) -> str:
    """The address of the client: the last one that no trusted proxy vouches for."""
    peer = str(environ.get("REMOTE_ADDR", ""))
    if not _is_trusted(peer):
        return peer
    for hop in reversed(str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")):
        if (address := _parse(hop.strip())) is None:
            break
        peer = str(address)
        if not _is_trusted(peer):
            break
    return peer


def base_url(environ: Mapping[str, Any]) -> str:
    """Scheme and host by which the client reached us, without a slash at the end.

    ``external_url`` if it is set; ``X-Forwarded-Proto`` and ``-Host`` count only from trusted proxies.
    """
    if settings.HARBOR.external_url:
        return str(settings.HARBOR.external_url)
    scheme = str(environ.get("wsgi.url_scheme", "http"))
    host = str(environ.get("HTTP_HOST", "")) or f"{environ.get('SERVER_NAME')}:{environ.get('SERVER_PORT')}"
    if _is_trusted(str(environ.get("REMOTE_ADDR", ""))):
        scheme = str(environ.get("HTTP_X_FORWARDED_PROTO", "")).split(",")[0].strip() or scheme
        host = str(environ.get("HTTP_X_FORWARDED_HOST", "")).split(",")[0].strip() or host
    return f"{scheme}://{host}"


def _parse(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def _is_trusted(text: str) -> bool:
    networks = settings.HARBOR.proxy_networks
    if not networks or (address := _parse(text)) is None:
        return False
    return any(address in network for network in networks)
