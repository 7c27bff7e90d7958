"""The first visit of somebody whom the OpenID provider has confirmed: the name of their account."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.config.selectors import system_settings
from apps.oidc.flow import FlowSession, arrival_get, flow_end, flow_of
from apps.oidc.selectors import is_oidc_enabled
from apps.oidc.services import onboard
from apps.oidc.types import Arrival
from apps.oidc.visits import begin_session, page_after
from apps.portal.forms import PortalForm
from apps.portal.views import FormMixin, PortalView


class OnboardForm(PortalForm):
    """The name."""

    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=255,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
        help_text=gettext_lazy("It cannot be changed later."),
    )


class OnboardPage(FormMixin, PortalView):
    """``/oidc-onboard``."""

    needs_sign_in = False
    template = "portal/oidc_onboard.html"
    form_class = OnboardForm
    resource_type = "user"

    @cached_property
    def flow(self) -> FlowSession:
        """The way that this browser has come."""
        return flow_of(self.request)

    @cached_property
    def arrival(self) -> Arrival | None:
        """Who has come in this browser; None for nobody, or if it was too long ago."""
        return arrival_get(self.flow) if is_oidc_enabled() else None

    def check_write(self, _request: HttpRequest) -> None:
        """Signing in is for the read-only mode too."""

    def get(self, request: HttpRequest, **words: Any) -> HttpResponse:
        """The form, for who has come from the provider."""
        if self.arrival is None:
            return HttpResponseRedirect(reverse("portal:sign-in"))
        return super().get(request, **words)

    def post(self, request: HttpRequest, **words: Any) -> HttpResponse:
        """Make the account, for who has come from the provider."""
        if self.arrival is None:
            return HttpResponseRedirect(f"{reverse('portal:sign-in')}?oidc=refused")
        return super().post(request, **words)

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"username": "" if self.arrival is None else self.arrival.person.username}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        provider = system_settings().oidc_name or _("OpenID Connect")
        return {
            "title": _("Choose a user name"),
            "lead": _("%(provider)s has let you in. What shall you be called here?") % {"provider": provider},
            "submit": _("Go on"),
        }

    def save(self, form: Any) -> HttpResponse:
        """Make the account and begin a session."""
        arrival = self.arrival
        if arrival is None:
            return HttpResponseRedirect(reverse("portal:sign-in"))
        principal = onboard(arrival=arrival, username=form.cleaned_data["username"])
        response = HttpResponseRedirect(page_after(self.flow))
        begin_session(self.request, response, principal)
        flow_end(response, self.flow)
        return response


urlpatterns = [path("oidc-onboard", OnboardPage.as_view(), name="oidc-onboard")]
