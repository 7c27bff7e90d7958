"""Signing in and out with a browser: ``/c/login``, ``/c/log_out``, ``/c/userExists``. Not in Harbor's contract."""

from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.cookies import SESSION_COOKIE, session_cookie_set
from apps.accounts.selectors import user_exists
from apps.accounts.sessions import session_close, session_open
from apps.api.parsers import BoundedFormParser
from apps.api.views import HarborView
from apps.common.errors import UnauthorizedError
from apps.common.forwarding import client_address


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
        key = session_open(
            username=self.form_text("principal"),
            password=self.form_text("password"),
            address=client_address(request.META),
            replaces=request.COOKIES.get(SESSION_COOKIE, ""),
        )
        if key is None:
            raise UnauthorizedError("wrong user name or password")
        response = Response()
        session_cookie_set(self.http_request, response, key)
        rotate_token(self.http_request)
        return response


class LogoutView(HarborView):
    """``GET /c/log_out``."""

    authentication_classes = []

    def get(self, request: Request) -> Response:
        """End the session, if there is one."""
        session_close(request.COOKIES.get(SESSION_COOKIE, ""))
        response = Response()
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
]
