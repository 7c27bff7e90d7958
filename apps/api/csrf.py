"""Protection of cookie sessions against requests that other sites make a browser send.

Django's tokens and checks, but another rule of who needs them, and another header: :class:`CsrfMiddleware`.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware, get_token

from apps.accounts.cookies import SESSION_COOKIE, is_secure
from apps.api.errors import error_response, is_program
from apps.common.forwarding import base_url

TOKEN_HEADER = "X-Harbor-CSRF-Token"  # noqa: S105 (a header's name)
LOGIN_PATH = "/c/login"


def needs_token(request: HttpRequest) -> bool:
    """Whether a browser could send this request with somebody's rights without them knowing.

    Credentials in ``Authorization`` no other site can make it send, and the API does nothing for a request without
    any; a login, though, could be one to the account of an attacker. Pages know nothing but sessions.
    """
    if request.path_info == LOGIN_PATH or not is_program(request):
        return True
    if "HTTP_AUTHORIZATION" in request.META:
        return False
    return not request.path_info.startswith("/api/") or SESSION_COOKIE in request.COOKIES


class CsrfMiddleware(CsrfViewMiddleware):
    """Asks for the token where :func:`needs_token`, and answers with one there.

    All views at once: Django's own would let DRF's pass, which are exempt from it.
    """

    get_response: Callable[[HttpRequest], HttpResponseBase]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """See Django."""
        if not needs_token(request):
            return self.get_response(request)
        self.process_request(request)
        response = self.process_view(request, self.get_response, (), {}) or self.get_response(request)
        response[TOKEN_HEADER] = get_token(request)
        # Not with every answer again: the cookie lives as long as the browser.
        is_new = request.META["CSRF_COOKIE"] != request.COOKIES.get(settings.CSRF_COOKIE_NAME)
        request.META["CSRF_COOKIE_NEEDS_UPDATE"] = is_new
        return self.process_response(request, response)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The cookie is for https alone where the client came by it, which no setting can know."""
        answered = super().process_response(request, response)
        if is_secure(request) and settings.CSRF_COOKIE_NAME in answered.cookies:
            answered.cookies[settings.CSRF_COOKIE_NAME]["secure"] = True
        return answered

    def _check_token(self, request: HttpRequest) -> None:
        """By the header alone, as Django does for all methods but POST, unless it is the form of a page.

        Django would look into any form first: read it into memory, and write the files of a multipart one to the disk,
        for anybody and before anything is checked. The forms of pages are bounded in size, and hold no files.
        """
        if not is_program(request) and request.content_type == "application/x-www-form-urlencoded":
            super()._check_token(request)  # type: ignore[misc] # the stubs do not know it
            return
        method, request.method = request.method, "PUT"
        try:
            super()._check_token(request)  # type: ignore[misc] # the stubs do not know it
        finally:
            request.method = method

    def _origin_verified(self, request: HttpRequest) -> bool:
        """Behind a proxy the origin is the URL that the client sees, not ours."""
        if request.META["HTTP_ORIGIN"] == base_url(request.META):
            return True
        return bool(super()._origin_verified(request))  # type: ignore[misc] # the stubs do not know it

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        if not is_program(request):
            return super()._reject(request, reason)  # type: ignore[misc, no-any-return] # the stubs do not know it
        return error_response(HTTPStatus.FORBIDDEN, "FORBIDDEN", "CSRF token invalid")
