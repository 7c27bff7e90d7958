"""Signing in and out with a browser: ``/c/login``, ``/c/log_out``, ``/c/userExists``. Not in Harbor's contract."""

from http import HTTPStatus

from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.urls import path, reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.cookies import (
    SESSION_COOKIE,
    device_cookie_set,
    request_device,
    session_cookie_set,
)
from apps.accounts.selectors import user_exists
from apps.accounts.sessions import session_open
from apps.api import oidc
from apps.api.oidc import login_elsewhere
from apps.api.parsers import BoundedFormParser
from apps.api.views import HarborView
from apps.common.errors import UnauthorizedError
from apps.common.forwarding import client_address
from apps.oidc.selectors import is_of_provider
from apps.oidc.visits import end_session


class FormView(HarborView):
    """Takes a form, not JSON."""

    parser_classes = [BoundedFormParser]

    def form_text(self, name: str) -> str:
        """A field of the form, "" if it is not there."""
        fields = self.request.data
        return str(fields.get(name, "")) if isinstance(fields, dict) else ""

    @property
    def http_request(self) -> HttpRequest:
        """Django's request below that of DRF."""
        return self.request._request  # noqa: SLF001 (there is no public way)


class LoginView(FormView):
    """``POST /c/login``: form ``principal``, ``password``."""

    authentication_classes = []

    def post(self, request: Request) -> Response:
        """A session, as a cookie."""
        username = self.form_text("principal")
        if is_of_provider(username):
            return login_elsewhere(self.http_request)
        key = session_open(
            username=username,
            password=self.form_text("password"),
            address=client_address(request.META),
            replaces=request.COOKIES.get(SESSION_COOKIE, ""),
            agent=request.headers.get("User-Agent", ""),
            device=request_device(self.http_request, username),
        )
        if key is None:
            raise UnauthorizedError("wrong user name or password")
        response = Response()
        session_cookie_set(self.http_request, response, key)
        device_cookie_set(self.http_request, response, username)
        rotate_token(self.http_request)
        return response


class LogoutView(HarborView):
    """``GET /c/log_out``."""

    authentication_classes = []

    def get(self, request: Request) -> Response:
        """End the session, if there is one, and that at the OpenID provider where the setting says so."""
        place = end_session(request._request, back=reverse("portal:sign-in"))  # noqa: SLF001
        response = Response(status=HTTPStatus.FOUND, headers={"Location": place}) if place else Response()
        response.delete_cookie(SESSION_COOKIE, path="/", samesite="Lax")
        return response


class UserExistsView(FormView):
    """``POST /c/userExists``: form ``target`` (username or email), ``value``; for the page of self-registration."""

    def post(self, _request: Request) -> Response:
        """Whether a name or an address is taken."""
        return Response(
            user_exists(actor=self.actor, target=self.form_text("target"), value=self.form_text("value"))
        )


urlpatterns = [
    path("login", LoginView.as_view()),
    path("log_out", LogoutView.as_view()),
    path("userExists", UserExistsView.as_view()),
    *oidc.urlpatterns,
]
