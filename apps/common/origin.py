"""Where the change under way comes from, for events and the audit log: no service takes a request."""

import contextvars
from collections.abc import MutableMapping
from typing import Any

from django.conf import settings

from apps.common.forwarding import base_url, client_address

ANONYMOUS = "anonymous"
_CREDENTIAL = "harbor.credential"

_environ: contextvars.ContextVar[MutableMapping[str, Any] | None] = contextvars.ContextVar(
    "environ", default=None
)


def take_request(environ: MutableMapping[str, Any] | None) -> None:
    """The request (its WSGI environment) that this thread works on from now on; None for none."""
    _environ.set(environ)


def current_address() -> str:
    """The client's address; "" outside a request, as in a background task."""
    environ = _environ.get()
    return "" if environ is None else client_address(environ)


def current_host() -> str:
    """Host, and port if it needs one, by which clients reach us: that of the request, or as the settings say."""
    environ = _environ.get()
    url = settings.HARBOR.external_url if environ is None else base_url(environ)
    return str(url.partition("://")[2] or settings.HARBOR.bind)


def current_method() -> str:
    """The request's method, such as ``GET``; "" outside a request."""
    environ = _environ.get()
    return "" if environ is None else str(environ.get("REQUEST_METHOD", ""))


def take_credential(kind: str) -> None:
    """By what kind of credential the caller of this request is known: password, robot, token or session."""
    environ = _environ.get()
    if environ is not None:
        environ[_CREDENTIAL] = kind


def current_credential() -> str:
    """What :func:`take_credential` was told, else ``anonymous``; "" outside a request."""
    environ = _environ.get()
    return "" if environ is None else str(environ.get(_CREDENTIAL, ANONYMOUS))
