"""The cookie of a session."""

from django.http import HttpRequest, HttpResponse

from apps.common.forwarding import base_url

SESSION_COOKIE = "sid"


def session_cookie_set(request: HttpRequest, response: HttpResponse, key: str) -> None:
    """Give the browser its session, until it closes: how long a session lasts, the server decides.

    ``Lax``, not ``Strict``: the way back from a login at another site (OpenID Connect) is a navigation that begins
    there, and has to bring the session that it began with. Requests that change something need a CSRF token.
    """
    response.set_cookie(
        SESSION_COOKIE, key, path="/", secure=is_secure(request), httponly=True, samesite="Lax"
    )


def is_secure(request: HttpRequest) -> bool:
    """Whether the client reached us by https, as far as trusted proxies say so."""
    return base_url(request.META).startswith("https://")
