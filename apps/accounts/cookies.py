"""The cookies of a session, and of a browser that somebody has signed in with."""

from django.http import HttpRequest, HttpResponse

from apps.accounts.devices import device_cookie, device_of
from apps.accounts.throttle import KNOWN
from apps.common.forwarding import base_url

SESSION_COOKIE = "sid"
DEVICE_COOKIE = "harbor-device"


def session_cookie_set(request: HttpRequest, response: HttpResponse, key: str) -> None:
    """Give the browser its session, until it closes: how long a session lasts, the server decides.

    ``Lax``, not ``Strict``: the way back from a login at another site (OpenID Connect) is a navigation that begins
    there, and has to bring the session that it began with. Requests that change something need a CSRF token.
    """
    response.set_cookie(
        SESSION_COOKIE, key, path="/", secure=is_secure(request), httponly=True, samesite="Lax"
    )


def request_device(request: HttpRequest, username: str) -> str:
    """Which browser this is, if it is one that ``username`` has signed in with; else ""."""
    return device_of(request.COOKIES.get(DEVICE_COOKIE, ""), username)


def device_cookie_set(request: HttpRequest, response: HttpResponse, username: str) -> None:
    """Know this browser again, thirty days from now on. For whoever has signed in by a name and a password."""
    response.set_cookie(
        DEVICE_COOKIE,
        device_cookie(username, request_device(request, username)),
        max_age=KNOWN,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="Strict",
    )


def is_secure(request: HttpRequest) -> bool:
    """Whether the client reached us by https, as far as trusted proxies say so."""
    return base_url(request.META).startswith("https://")
