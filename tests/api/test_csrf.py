"""The CSRF check where the client comes by https through a proxy; its life over HTTP is in test_sessions.py."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from apps.accounts.cookies import session_cookie_set
from apps.api.csrf import TOKEN_HEADER, CsrfMiddleware, needs_token
from apps.common.configuration import Configuration

OURS = "https://registry.example"


@pytest.fixture
def _behind_tls(settings):
    settings.HARBOR = Configuration(external_url=OURS, data_dir=settings.HARBOR.data_dir)


def answer(request: HttpRequest) -> HttpResponse:
    """A view that signs in."""
    response = HttpResponse()
    session_cookie_set(request, response, "a" * 32)
    return response


def post(origin: str) -> HttpResponse:
    """``POST /c/login`` as a browser sends it that has been here before."""
    middleware = CsrfMiddleware(answer)
    first = middleware(RequestFactory().get("/c/log_out"))
    request = RequestFactory().post("/c/login")
    request.COOKIES = {"_harbor_csrf": first.cookies["_harbor_csrf"].value}
    request.META |= {"HTTP_ORIGIN": origin, "HTTP_X_HARBOR_CSRF_TOKEN": first[TOKEN_HEADER]}
    return middleware(request)


@pytest.mark.usefixtures("_behind_tls")
def test_the_origin_is_the_url_that_clients_see() -> None:
    assert post(OURS).status_code == 200
    for other in ("https://evil.example", "http://registry.example", "null"):
        refused = post(other)
        assert refused.status_code == 403
        assert refused[TOKEN_HEADER]


@pytest.mark.usefixtures("_behind_tls")
def test_cookies_are_for_https_alone() -> None:
    response = CsrfMiddleware(answer)(RequestFactory().get("/c/log_out"))
    assert response.cookies["_harbor_csrf"]["secure"]
    assert response.cookies["_harbor_csrf"]["samesite"] == "Strict"
    assert response.cookies["sid"]["secure"]


def test_the_cookie_comes_once() -> None:
    middleware = CsrfMiddleware(lambda _request: HttpResponse())
    first = middleware(RequestFactory().get("/c/log_out"))
    request = RequestFactory().get("/c/log_out")
    request.COOKIES = {"_harbor_csrf": first.cookies["_harbor_csrf"].value}
    second = middleware(request)
    assert not second.cookies
    assert second[TOKEN_HEADER] != first[TOKEN_HEADER], "masked anew each time"


@pytest.mark.parametrize(
    ("path", "cookies", "meta", "needed"),
    [
        ("/api/v2.0/projects", {}, {}, False),
        ("/api/v2.0/projects", {"sid": "x"}, {}, True),
        ("/api/v2.0/projects", {"sid": "x"}, {"HTTP_AUTHORIZATION": "Basic eA=="}, False),
        ("/c/userExists", {}, {}, True),
        ("/c/login", {}, {"HTTP_AUTHORIZATION": "Basic eA=="}, True),
    ],
)
def test_who_needs_a_token(path: str, cookies: dict, meta: dict, needed: bool) -> None:
    request = RequestFactory().post(path)
    request.COOKIES = cookies
    request.META |= meta
    assert needs_token(request) is needed
