"""A person's own access tokens."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.access_tokens.constants import MAX_LABEL
from apps.access_tokens.models import AccessToken
from apps.access_tokens.selectors import token_get, token_list
from apps.access_tokens.services import token_create, token_delete, token_update
from apps.common.forwarding import base_url
from apps.portal.commands import login_commands, registry_at
from apps.portal.forms import LinesField, PortalForm
from apps.portal.lists import Table, table_page
from apps.portal.pages.profile import PersonPage
from apps.portal.views import ConfirmMixin, FormMixin

_TOKENS = Table(
    order=("-creation_time", "-id"),
    search=("label",),
    sorts={"label": "label", "created": "creation_time", "expires": "expires_at", "used": "last_used_at"},
)


class TokenForm(PortalForm):
    """What a token is for and what it may do."""

    label = forms.CharField(
        label=gettext_lazy("Label"),
        max_length=MAX_LABEL,
        help_text=gettext_lazy("What it is for, so that you know it again."),
    )
    read_only = forms.BooleanField(
        label=gettext_lazy("Only reading and pulling"),
        required=False,
    )
    projects = LinesField(
        label=gettext_lazy("Projects"),
        help_text=gettext_lazy("Names, one on each line. Empty for every project that you may see."),
    )
    sources = LinesField(
        label=gettext_lazy("Networks that it may be used from"),
        help_text=gettext_lazy(
            "Addresses or networks such as 192.0.2.0/24, one on each line. Empty for anywhere."
        ),
    )
    last_day = forms.DateField(
        label=gettext_lazy("Valid until the end of"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        help_text=gettext_lazy("The last day, in UTC. Empty for ever."),
    )

    def values(self, before: datetime | None = None) -> dict[str, Any]:
        """What the services take; ``before`` is the end that the token has, which stays while its day does."""
        data = dict(self.cleaned_data)
        day = data.pop("last_day")
        same = before is not None and day == last_day(before)
        return {**data, "expires_at": before if same else end_of(day)}


def end_of(day: date | None) -> datetime | None:
    """When a token ends that is valid on this day."""
    return None if day is None else datetime.combine(day + timedelta(days=1), time(), UTC)


def last_day(end: datetime | None) -> date | None:
    """The last day on which something is valid that ends so."""
    return None if end is None else (end.astimezone(UTC) - timedelta(microseconds=1)).date()


class TokensPage(PersonPage):
    """``/account/access-tokens``."""

    template = "portal/access_tokens.html"
    resource_type = "access-token"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The person's tokens, the newest first."""
        page = table_page(request, token_list(actor=self.actor, user_id=self.person_id), _TOKENS)
        return self.render(title=_("Access tokens"), page=page, now=timezone.now())


class _TokenFormPage(FormMixin, PersonPage):
    form_class = TokenForm
    resource_type = "access-token"

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return reverse("portal:access-tokens")


class TokenCreatePage(_TokenFormPage):
    """``/account/access-tokens/new``."""

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("New access token"),
            "lead": _("A program uses it with your name, in place of your password."),
            "submit": _("Create"),
        }

    def save(self, form: Any) -> HttpResponse:
        """Make it and show its secret, once."""
        made = token_create(actor=self.actor, user_id=self.person_id, **form.values())
        registry = registry_at(base_url(self.request.META))
        return self.render(
            "portal/secret.html",
            layout="portal/base.html",
            title=_("The secret of %(name)s") % {"name": made.token.label},
            username=self.actor.name,
            secret=made.secret,
            registry=registry,
            clients=login_commands(registry, self.actor.name),
            back_url=self.cancel_url(),
        )


class _OneToken(PersonPage):
    resource_type = "access-token"

    @cached_property
    def token(self) -> AccessToken:
        """The token that the path names."""
        return token_get(actor=self.actor, user_id=self.person_id, token_id=self.kwargs["token_id"])


class TokenEditPage(_TokenFormPage, _OneToken):
    """``/account/access-tokens/TOKEN``."""

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        token = self.token
        return {
            "label": token.label,
            "read_only": token.read_only,
            "projects": token.projects,
            "sources": token.sources,
            "last_day": last_day(token.expires_at),
        }

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Change the token %(name)s") % {"name": self.token.label},
            "lead": _("Its secret stays."),
        }

    def save(self, form: Any) -> HttpResponse:
        """Change it."""
        token = token_update(
            actor=self.actor,
            user_id=self.person_id,
            token_id=self.token.pk,
            **form.values(self.token.expires_at),
        )
        return self.done(_("The token %(name)s is changed.") % {"name": token.label}, self.cancel_url())


class TokenRevokePage(ConfirmMixin, _OneToken):
    """``/account/access-tokens/TOKEN/revoke``."""

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Revoke the token %(name)s?") % {"name": self.token.label},
            "text": _("Programs that use it are refused at once."),
            "undo": _("This cannot be undone. You can make a new token."),
            "submit": _("Revoke"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return reverse("portal:access-tokens")

    def act(self) -> HttpResponse:
        """Revoke it."""
        label = self.token.label
        token_delete(actor=self.actor, user_id=self.person_id, token_id=self.token.pk)
        return self.done(_("The token %(name)s is revoked.") % {"name": label}, self.cancel_url())


_ALL = "account/access-tokens"

urlpatterns = [
    path(_ALL, TokensPage.as_view(), name="access-tokens"),
    path(f"{_ALL}/new", TokenCreatePage.as_view(), name="access-token-new"),
    path(f"{_ALL}/<int:token_id>", TokenEditPage.as_view(), name="access-token-edit"),
    path(f"{_ALL}/<int:token_id>/revoke", TokenRevokePage.as_view(), name="access-token-revoke"),
]
