"""Webhooks of a project: who is told which events, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.config.selectors import system_settings
from apps.portal.forms import PortalForm
from apps.portal.rules import ActionPage
from apps.portal.views import ConfirmMixin, FormMixin, ProjectPage
from apps.webhooks.models import WebhookPolicy
from apps.webhooks.selectors import (
    RESOURCE,
    LastTrigger,
    webhook_last_triggers,
    webhook_policy_get,
    webhook_policy_list,
)
from apps.webhooks.services import (
    webhook_policy_create,
    webhook_policy_delete,
    webhook_policy_test,
    webhook_policy_update,
)
from apps.webhooks.types import (
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_POLICIES,
    EventType,
    NotifyType,
    PayloadFormat,
    Target,
)

EVENTS = {
    EventType.PUSH_ARTIFACT: gettext_lazy("Artifact pushed"),
    EventType.PULL_ARTIFACT: gettext_lazy("Artifact pulled"),
    EventType.DELETE_ARTIFACT: gettext_lazy("Artifact deleted"),
    EventType.QUOTA_EXCEED: gettext_lazy("Quota exceeded"),
    EventType.QUOTA_WARNING: gettext_lazy("Quota nearly used up"),
    EventType.TAG_RETENTION: gettext_lazy("Tag retention finished"),
    EventType.SCANNING_COMPLETED: gettext_lazy("Scan finished (when this server can scan)"),
    EventType.SCANNING_FAILED: gettext_lazy("Scan failed (when this server can scan)"),
    EventType.SCANNING_STOPPED: gettext_lazy("Scan stopped (when this server can scan)"),
    EventType.REPLICATION: gettext_lazy("Replication finished (when this server can replicate)"),
}
"""The events in words, those that happen today first."""

NOTIFY_TYPES = {NotifyType.HTTP: gettext_lazy("HTTP"), NotifyType.SLACK: gettext_lazy("Slack")}


def event_name(event_type: str) -> str:
    """An event in words."""
    return str(EVENTS[EventType(event_type)]) if event_type in set(EventType) else event_type


class PolicyForm(PortalForm):
    """A policy with one target, as in Harbor's portal."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=MAX_NAME)
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=MAX_DESCRIPTION
    )
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=list(NOTIFY_TYPES.items()))
    payload_format = forms.ChoiceField(
        label=gettext_lazy("Format"),
        choices=[
            (PayloadFormat.DEFAULT, gettext_lazy("Default")),
            (PayloadFormat.CLOUD_EVENTS, gettext_lazy("CloudEvents")),
        ],
        help_text=gettext_lazy("Slack has a format of its own."),
    )
    address = forms.CharField(
        label=gettext_lazy("Address"),
        help_text=gettext_lazy("The URL that the events are sent to."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    auth_header = forms.CharField(
        label=gettext_lazy("Authorization header"),
        required=False,
        help_text=gettext_lazy("A secret, for example Bearer and a token. It is never shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    header_gone = forms.BooleanField(
        label=gettext_lazy("Send no authorization header any more"), required=False
    )
    verify = forms.BooleanField(
        label=gettext_lazy("Check the certificate of the address"), required=False, initial=True
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"), choices=list(EVENTS.items()), widget=forms.CheckboxSelectMultiple
    )
    enabled = forms.BooleanField(label=gettext_lazy("Enabled"), required=False, initial=True)

    def __init__(self, *args: Any, has_header: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        if has_header:
            self.fields["auth_header"].help_text = _("Empty to leave the header that is set as it is.")
        else:
            del self.fields["header_gone"]

    def values(self, before: Sequence[Target] = ()) -> dict[str, Any]:
        """What a valid form asks for, as the services take it.

        Of the targets ``before``, with their secrets, the first is changed and the others stay.
        """
        values = self.cleaned_data
        header = values["auth_header"]
        if not header and before and not values.get("header_gone"):
            header = before[0].auth_header
        target = Target(
            type=values["type"],
            address=values["address"],
            auth_header=header,
            skip_cert_verify=not values["verify"],
            payload_format="" if values["type"] == NotifyType.SLACK else values["payload_format"],
        )
        return {
            "name": values["name"],
            "description": values["description"],
            "targets": [asdict(one) for one in (target, *before[1:])],
            "event_types": values["events"],
            "enabled": values["enabled"],
        }


class WebhooksBase(ProjectPage):
    """Base of the pages of webhooks; ``policy_id`` is in the path of those of one policy."""

    resource = RESOURCE
    resource_type = RESOURCE
    tab = "webhooks"

    def url(self, name: str, *arguments: object) -> str:
        """The address of a page of a policy."""
        return reverse(f"portal:project-webhook-{name}", args=[self.project.pk, *arguments])

    def list_url(self) -> str:
        """The list of policies."""
        return reverse("portal:project-webhooks", args=[self.project.pk])

    def policy_url(self) -> str:
        """The page of the policy."""
        return reverse("portal:project-webhook", args=[self.project.pk, self.kwargs["policy_id"]])

    @cached_property
    def policy(self) -> WebhookPolicy:
        """The policy of the path; raises :class:`NotFoundError`."""
        return webhook_policy_get(actor=self.actor, project=self.project, policy_id=self.kwargs["policy_id"])

    def targets(self) -> list[Target]:
        """Its targets with their secrets, for who may change them."""
        return self.policy.targets_shown(with_secrets=True)

    def home_url(self) -> str:
        """The policy, or the list of them."""
        return self.policy_url() if "policy_id" in self.kwargs else self.list_url()


class WebhooksPage(WebhooksBase):
    """``…/webhook``."""

    action = "list"
    template = "portal/webhooks.html"

    def get(self, _request: HttpRequest, **_words: Any) -> HttpResponse:
        """The policies."""
        last = _last(webhook_last_triggers(actor=self.actor, project=self.project))
        lines = [
            {
                "policy": policy,
                "targets": policy.targets_shown(with_secrets=False),
                "events": [event_name(one) for one in policy.event_types],
                "last": last.get(policy.name),
            }
            for policy in webhook_policy_list(actor=self.actor, project=self.project)
        ]
        return self.render(
            title=_("Webhooks"),
            lines=lines,
            most=MAX_POLICIES,
            is_off=not system_settings().notification_enable,
            may_create=self.may(RESOURCE, "create"),
            may_update=self.may(RESOURCE, "update"),
            may_delete=self.may(RESOURCE, "delete"),
        )


def _last(triggers: Sequence[LastTrigger]) -> dict[str, datetime]:
    """When each policy was last told something, by its name."""
    found: dict[str, datetime] = {}
    for one in triggers:
        if one.last_trigger_time is not None:
            before = found.get(one.policy_name)
            found[one.policy_name] = max(before or one.last_trigger_time, one.last_trigger_time)
    return found


class PolicyCreatePage(FormMixin, WebhooksBase):
    """``…/webhook/new``."""

    action = "create"
    form_class = PolicyForm

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("New webhook"), "submit": _("Create")}

    def save(self, form: Any) -> HttpResponse:
        """Make it and go there."""
        policy = webhook_policy_create(actor=self.actor, project=self.project, **form.values())
        return self.done(
            _("The webhook %(name)s is there.") % {"name": policy.name},
            reverse("portal:project-webhook", args=[self.project.pk, policy.pk]),
        )


class PolicyEditPage(FormMixin, WebhooksBase):
    """``…/webhook/POLICY/edit``."""

    action = "update"
    form_class = PolicyForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        target = self.policy.targets_shown(with_secrets=False)[0]
        return {
            "name": self.policy.name,
            "description": self.policy.description,
            "type": target.type,
            "payload_format": target.payload_format or PayloadFormat.DEFAULT,
            "address": target.address,
            "verify": not target.skip_cert_verify,
            "events": list(self.policy.event_types),
            "enabled": self.policy.enabled,
        }

    def form_arguments(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"has_header": bool(self.policy.targets[0]["auth_header"])}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        more = len(self.policy.targets) > 1
        return {
            "title": _("Edit the webhook"),
            "lead": _("It has further targets, set over the API: they stay as they are.") if more else "",
        }

    def save(self, form: Any) -> HttpResponse:
        """Change it."""
        webhook_policy_update(
            actor=self.actor,
            project=self.project,
            policy_id=self.policy.pk,
            **form.values(self.targets()),
        )
        return self.done(_("The webhook is changed."), self.policy_url())


class PolicySwitchPage(ActionPage, WebhooksBase):
    """``…/webhook/POLICY/switch``: ``disabled`` is what it is to be."""

    action = "update"

    def act(self) -> HttpResponse:
        """Enable or disable it."""
        disabled = self.request.POST.get("disabled") == "true"
        policy = self.policy
        webhook_policy_update(
            actor=self.actor,
            project=self.project,
            policy_id=policy.pk,
            name=policy.name,
            description=policy.description,
            targets=[asdict(one) for one in self.targets()],
            event_types=policy.event_types,
            enabled=not disabled,
        )
        message = _("The webhook is disabled.") if disabled else _("The webhook is enabled.")
        return self.done(message, self.list_url())


class PolicyTestPage(ActionPage, WebhooksBase):
    """``POST …/webhook/POLICY/test``."""

    action = "update"

    def act(self) -> HttpResponse:
        """Send an event that did not happen."""
        begun = webhook_policy_test(actor=self.actor, project=self.project, policy_id=self.policy.pk)
        message = _("A test is being sent.")
        if len(begun) == 1:
            return self.done(message, self.url("delivery", self.policy.pk, begun[0].pk))
        return self.done(message, self.policy_url())


class PolicyDeletePage(ConfirmMixin, WebhooksBase):
    """``…/webhook/POLICY/delete``."""

    action = "delete"

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Delete the webhook?"),
            "text": _("The history of its deliveries goes too, and what still waits is not sent."),
            "undo": _("This cannot be undone. You can also disable it."),
            "submit": _("Delete"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return self.list_url()

    def act(self) -> HttpResponse:
        """Delete it."""
        webhook_policy_delete(actor=self.actor, project=self.project, policy_id=self.kwargs["policy_id"])
        return self.done(_("The webhook is deleted."), self.list_url())


ROOT = "harbor/projects/<int:project_id>/webhook"
_POLICY = f"{ROOT}/<int:policy_id>"

urlpatterns = [
    path(ROOT, WebhooksPage.as_view(), name="project-webhooks"),
    path(f"{ROOT}/new", PolicyCreatePage.as_view(), name="project-webhook-new"),
    path(f"{_POLICY}/edit", PolicyEditPage.as_view(), name="project-webhook-edit"),
    path(f"{_POLICY}/switch", PolicySwitchPage.as_view(), name="project-webhook-switch"),
    path(f"{_POLICY}/test", PolicyTestPage.as_view(), name="project-webhook-test"),
    path(f"{_POLICY}/delete", PolicyDeletePage.as_view(), name="project-webhook-delete"),
]
