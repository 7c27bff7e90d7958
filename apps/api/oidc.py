"""Signing in with an OpenID provider: ``/c/oidc/…`` and ``POST /system/oidc/ping``.

Leaving for the provider and coming back from it are mozilla-django-oidc's views, with the settings of now, a session
for the way alone, and our sessions in place of Django's; see ADR 0023.
"""

import hmac
import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.http import urlencode
from django.views.generic import View
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.cookies import SESSION_COOKIE
from apps.accounts.directories import SourceUnreachableError
from apps.accounts.external_services import ExternalConflictError
from apps.api.shapes import Input, flag, text
from apps.api.views import HarborView
from apps.common.errors import BadRequestError
from apps.common.forwarding import base_url, client_address
from apps.config.selectors import system_settings
from apps.oidc.backend import CALLBACK_NAME, RESERVED, callback_url, library_setting
from apps.oidc.flow import arrival_get, arrival_put, flow_end, flow_keep, flow_of
from apps.oidc.selectors import client_now, is_oidc_enabled
from apps.oidc.services import let_in, oidc_ping, onboard
from apps.oidc.types import Arrival, OidcRefusedError
from apps.oidc.visits import NEXT, begin_session, end_session, own_page, page_after

logger = logging.getLogger(__name__)

_ANEW = "anew"
# What a provider may have taken for the way back since somebody proved who they are.
_ANEW_SECONDS = 300.0


class _Nobody:
    """What the library takes for ``request.user``: nobody is signed in by Django's means."""

    is_authenticated = False


class _FlowMixin:
    """What both of the library's views need: our settings, and the session of the way."""

    get_settings: Callable[..., Any] = staticmethod(library_setting)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse it where nobody signs in so; tell what went wrong on the page to sign in."""
        request.session, request.user = flow_of(request), _Nobody()  # type: ignore[assignment]
        if not is_oidc_enabled():
            response: HttpResponse = problem_response("off")
        else:
            try:
                response = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
            except SourceUnreachableError as error:
                logger.warning("the OpenID provider cannot be used: %s", error)
                response = problem_response("unreachable")
            except (OidcRefusedError, SuspiciousOperation) as error:
                logger.warning("somebody could not sign in by OpenID Connect: %s", error)
                response = problem_response("refused")
        response["Cache-Control"] = "no-store"
        # The address has the code in it.
        response["Referrer-Policy"] = "no-referrer"
        return response


class OidcLoginView(_FlowMixin, OIDCAuthenticationRequestView):  # type: ignore[misc] # it has no types
    """``GET /c/oidc/login``: on to the provider; ``redirect_url`` is the page of ours to come back to."""

    def __init__(self, **options: Any) -> None:
        # Not the library's, which would ask the provider before anything can be answered.
        View.__init__(self, **options)

    def get(self, request: HttpRequest) -> HttpResponse:
        """See the library."""
        self.OIDC_OP_AUTH_ENDPOINT = library_setting("OIDC_OP_AUTHORIZATION_ENDPOINT")
        self.OIDC_RP_CLIENT_ID = library_setting("OIDC_RP_CLIENT_ID")
        if not self.OIDC_OP_AUTH_ENDPOINT:
            raise SourceUnreachableError("its discovery document names no authorization_endpoint")
        response: HttpResponse = super().get(request)
        request.session[NEXT] = _page(request.GET.get("redirect_url") or request.GET.get("next") or "")
        request.session[_ANEW] = "confirm" in request.GET
        flow_keep(request, response, request.session)  # type: ignore[arg-type]
        return response

    def get_extra_params(self, request: HttpRequest) -> Mapping[str, str]:
        """See the library. The address to come back to as well: by what the client reached us, behind a proxy too."""
        further = system_settings().oidc_extra_redirect_parms
        extra = {name: value for name, value in further.items() if name not in RESERVED}
        if "confirm" in request.GET:
            # The session asks for the password again, which only the provider has.
            extra |= {"prompt": "login", "max_age": "0"}
        return extra | {"redirect_uri": callback_url(request)}


class OidcCallbackView(_FlowMixin, OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """``GET /c/oidc/callback``: back from the provider, with a code or with what went wrong."""

    user: Arrival

    def get(self, request: HttpRequest) -> HttpResponse:
        """See the library, which takes each state once, and only from the browser that it was made for."""
        named = request.GET.get("iss", "")
        if named and not hmac.compare_digest(named.encode(), client_now().issuer.encode()):
            raise OidcRefusedError("the answer is of another provider (iss)")
        return super().get(request)  # type: ignore[no-any-return]

    def login_failure(self) -> HttpResponse:
        """See the library."""
        error = self.request.GET.get("error", "")
        logger.warning("somebody came back from the OpenID provider without a code: %.64r", error)
        return problem_response("denied" if error == "access_denied" else "refused")

    def login_success(self) -> HttpResponse:
        """See the library."""
        request = self.request
        # The library has read the session anew meanwhile.
        flow = request.session
        proved = self.user.proved_at
        if flow.get(_ANEW) and proved is not None and time.time() - proved > _ANEW_SECONDS:
            raise OidcRefusedError("the provider did not ask them anew who they are (auth_time)")
        try:
            principal = let_in(arrival=self.user, address=client_address(request.META))
        except ExternalConflictError as error:
            logger.warning("%s of the OpenID provider was not let in: %s", self.user.person.username, error)
            return problem_response("conflict")
        if principal is None:
            arrival_put(flow, self.user)
            query = urlencode({"username": self.user.person.username[:255]})
            response = HttpResponseRedirect(f"{reverse('portal:oidc-onboard')}?{query}")
            flow_keep(request, response, flow)
            return response
        response = HttpResponseRedirect(page_after(flow))
        begin_session(request, response, principal)
        flow_end(response, flow)
        return response


class OnboardInput(Input):
    username = text(255)


class OidcOnboardView(HarborView):
    """``POST /c/oidc/onboard``: the name for the account of somebody whom the provider has confirmed."""

    authentication_classes = []

    def post(self, request: Request) -> Response:
        """Make the account and begin a session."""
        http = request._request  # noqa: SLF001 (there is no public way)
        flow = flow_of(http)
        arrival = arrival_get(flow)
        if arrival is None or not is_oidc_enabled():
            raise BadRequestError(
                "nobody has just come from the OpenID provider in this browser: sign in again"
            )
        values = self.read(OnboardInput, name="username")
        principal = onboard(arrival=arrival, username=values["username"])
        response = Response({"redirect_url": page_after(flow)})
        begin_session(http, response, principal)
        flow_end(response, flow)
        return response


class OidcLogoutView(View):
    """``GET /c/oidc/logout``: out here, and at the provider if the setting says so."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> HttpResponse:
        """End the session and go on to the page to sign in, by way of the provider."""
        sign_in = reverse("portal:sign-in")
        response = HttpResponseRedirect(end_session(request, back=sign_in) or sign_in)
        response.delete_cookie(SESSION_COOKIE, path="/", samesite="Lax")
        response["Cache-Control"] = "no-store"
        return response


class PingInput(Input):
    url = text()
    verify_cert = flag(default=True)


class OidcPingView(HarborView):
    """``POST /system/oidc/ping``."""

    takes = {"post": PingInput}

    def post(self, _request: Request) -> Response:
        """Whether people could sign in with the provider at ``url``."""
        self.require_signed_in()
        values = self.read(PingInput, name="endpoint")
        oidc_ping(actor=self.actor, url=values["url"], verify_tls=values["verify_cert"])
        return Response()


def _page(url: str) -> str:
    return own_page(url, reverse("portal:projects"))


def problem_response(problem: str) -> HttpResponse:
    """To the page to sign in, which says what ``problem`` is (:mod:`apps.portal.sign_in_problems`)."""
    return HttpResponseRedirect(f"{reverse('portal:sign-in')}?{urlencode({'oidc': problem})}")


def login_elsewhere(request: HttpRequest) -> Response:
    """What Harbor answers to a password of somebody who signs in at the provider."""
    place = f"{base_url(request.META)}{reverse('oidc-login')}"
    return Response({"redirect_location": place}, status=HTTPStatus.FORBIDDEN)


urlpatterns = [
    path("oidc/login", OidcLoginView.as_view(), name="oidc-login"),
    path("oidc/callback", OidcCallbackView.as_view(), name=CALLBACK_NAME),
    path("oidc/onboard", OidcOnboardView.as_view()),
    path("oidc/logout", OidcLogoutView.as_view(), name="oidc-logout"),
]
