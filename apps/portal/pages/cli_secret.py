"""The secret for docker of people who sign in with an OpenID provider."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.external_services import cli_secret_set
from apps.accounts.identities import cli_secret_reveal
from apps.accounts.selectors import principal_of, user_get
from apps.accounts.types import Source
from apps.common.forwarding import base_url
from apps.oidc.visits import begin_session
from apps.portal.commands import login_commands, registry_at
from apps.portal.forms import PasswordField, PortalForm
from apps.portal.pages.profile import PersonPage
from apps.portal.views import ALWAYS, FormMixin


class _SecretPage(PersonPage):
    def check(self, request: HttpRequest) -> None:
        """Others have a password for it."""
        super().check(request)
        if self.user.source != Source.OIDC:
            raise Http404

    def home_url(self) -> str:
        """See the base."""
        return reverse("portal:cli-secret")


class SecretPage(_SecretPage):
    """``/account/cli-secret``."""

    template = "portal/cli_secret.html"

    def get(self, _request: HttpRequest) -> HttpResponse:
        """The secret is on the page, behind a button: whoever looks over a shoulder does not see it."""
        registry = registry_at(base_url(self.request.META))
        return self.render(
            title=_("CLI secret"),
            username=self.actor.name,
            secret=cli_secret_reveal(actor=self.actor, user_id=self.person_id),
            clients=login_commands(registry, self.actor.name),
        )


class SecretForm(PortalForm):
    """A new secret."""

    secret = PasswordField(
        label=gettext_lazy("New secret"),
        new=True,
        required=False,
        help_text=gettext_lazy("Empty for a random one."),
    )


class SecretChangePage(FormMixin, _SecretPage):
    """``/account/cli-secret/new``."""

    form_class = SecretForm
    dangerous = ALWAYS

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("New CLI secret"),
            "lead": _("The old one is refused at once, and your sessions in other browsers end."),
            "submit": _("Change"),
        }

    def save(self, form: Any) -> HttpResponse:
        """Change it."""
        cli_secret_set(actor=self.actor, user_id=self.person_id, secret=form.cleaned_data["secret"])
        response = self.done(_("Your CLI secret is changed."), reverse("portal:cli-secret"))
        # This session ended with the others.
        principal = principal_of(user_get(actor=self.actor, user_id=self.person_id))
        if principal is not None:
            begin_session(self.request, response, principal)
        return response


urlpatterns = [
    path("account/cli-secret", SecretPage.as_view(), name="cli-secret"),
    path("account/cli-secret/new", SecretChangePage.as_view(), name="cli-secret-new"),
]
