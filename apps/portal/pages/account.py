"""Signing in and out, and what a visitor chooses for themselves: language, light or dark, no banner."""

import re
from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language, gettext_lazy
from django.utils.translation import gettext as _

from apps.accounts.cookies import (
    SESSION_COOKIE,
    device_cookie_set,
    is_secure,
    request_device,
    session_cookie_set,
)
from apps.accounts.sessions import session_open
from apps.common.errors import BadRequestError
from apps.common.forwarding import client_address
from apps.config.selectors import system_settings
from apps.oidc.visits import end_session
from apps.portal.banner import BANNER_COOKIE, MARK_LENGTH
from apps.portal.forms import PasswordField, PortalForm
from apps.portal.provider_sign_in import provider_context
from apps.portal.views import FormMixin, PortalView

THEME_COOKIE = "harbor-theme"
_THEMES = frozenset({"light", "dark"})
_YEAR = 365 * 24 * 3600


def next_url(request: HttpRequest) -> str:
    """Where the visitor was going, as the page or form says; the projects if that is no page of ours."""
    url = str(request.POST.get("next") or request.GET.get("next") or "")
    if url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None):
        return url
    return reverse("portal:projects")


class SignInForm(PortalForm):
    """Name and password."""

    username = forms.CharField(
        label=gettext_lazy("User name or e-mail"),
        max_length=255,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = PasswordField(label=gettext_lazy("Password"))


class SignInPage(FormMixin, PortalView):
    """``/account/sign-in``."""

    needs_sign_in = False
    template = "portal/sign_in.html"
    form_class = SignInForm

    def check_write(self, _request: HttpRequest) -> None:
        """Signing in is for the read-only mode too: without it nobody could end that."""

    def get(self, request: HttpRequest, **words: Any) -> HttpResponse:
        """The form, for who is not signed in yet."""
        if self.principal is not None:
            return HttpResponseRedirect(next_url(request))
        return super().get(request, **words)

    def show(self, form: forms.Form, status: int = HTTPStatus.OK) -> HttpResponse:
        """See :class:`FormMixin`."""
        return self.render(
            status=status,
            form=form,
            title=_("Sign in"),
            submit=_("Sign in"),
            may_sign_up=system_settings().self_registration,
            **provider_context(self.request, next_url(self.request)),
        )

    def save(self, form: Any) -> HttpResponse:
        """A session, as a cookie."""
        username = form.cleaned_data["username"]
        key = session_open(
            username=username,
            password=form.cleaned_data["password"],
            address=client_address(self.request.META),
            replaces=self.request.COOKIES.get(SESSION_COOKIE, ""),
            agent=self.request.headers.get("User-Agent", ""),
            device=request_device(self.request, username),
        )
        if key is None:
            form.add_error(None, _("User name or password is wrong."))
            return self.show(form, HTTPStatus.UNAUTHORIZED)
        response = HttpResponseRedirect(next_url(self.request))
        session_cookie_set(self.request, response, key)
        device_cookie_set(self.request, response, username)
        rotate_token(self.request)
        return response


class SignOutPage(PortalView):
    """``POST /account/sign-out``."""

    http_method_names = ["post"]
    needs_sign_in = False

    def check_write(self, _request: HttpRequest) -> None:
        """Signing out is for the read-only mode too."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """End the session, and that at the OpenID provider where the setting says so."""
        sign_in = reverse("portal:sign-in")
        onward = end_session(request, back=sign_in)
        response = (
            self.render("portal/signed_out.html", title=_("Signed out"), onward=onward)
            if onward
            else HttpResponseRedirect(sign_in)
        )
        response.delete_cookie(SESSION_COOKIE, path="/", samesite="Lax")
        return response


class _ChoicePage(PortalView):
    """Keeps a choice of the visitor's in a cookie and goes back to where they were."""

    http_method_names = ["post"]
    needs_sign_in = False
    cookie = ""
    field = ""

    def check_write(self, _request: HttpRequest) -> None:
        """Nothing of the registry changes."""

    def is_choice(self, value: str) -> bool:
        """Whether there is such a choice."""
        raise NotImplementedError

    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep it."""
        value = str(request.POST.get(self.field, ""))
        if not self.is_choice(value):
            raise BadRequestError(f"there is no such {self.field}")
        # htmx takes the banner away where it is: what is being typed on the page stays.
        is_part = "HX-Request" in request.headers
        response = HttpResponse() if is_part else HttpResponseRedirect(next_url(request))
        response.set_cookie(
            self.cookie, value, max_age=_YEAR, secure=is_secure(request), httponly=True, samesite="Lax"
        )
        return response


class LanguagePage(_ChoicePage):
    """``POST /account/language``."""

    cookie = settings.LANGUAGE_COOKIE_NAME
    field = "language"

    def is_choice(self, value: str) -> bool:
        """See :class:`_ChoicePage`."""
        return value in dict(settings.LANGUAGES) and check_for_language(value)


class ThemePage(_ChoicePage):
    """``POST /account/theme``."""

    cookie = THEME_COOKIE
    field = "theme"

    def is_choice(self, value: str) -> bool:
        """See :class:`_ChoicePage`."""
        return value in _THEMES


class BannerClosePage(_ChoicePage):
    """``POST /account/banner``: its message is not shown again in this browser."""

    cookie = BANNER_COOKIE
    field = "banner"

    def is_choice(self, value: str) -> bool:
        """See :class:`_ChoicePage`."""
        return re.fullmatch(rf"[0-9a-f]{{{MARK_LENGTH}}}", value) is not None


urlpatterns = [
    path("account/sign-in", SignInPage.as_view(), name="sign-in"),
    path("account/sign-out", SignOutPage.as_view(), name="sign-out"),
    path("account/language", LanguagePage.as_view(), name="language"),
    path("account/theme", ThemePage.as_view(), name="theme"),
    path("account/banner", BannerClosePage.as_view(), name="banner-close"),
]
