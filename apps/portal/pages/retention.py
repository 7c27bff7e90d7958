"""Tag retention of a project: the rules that say what is kept, and when they are applied."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.common.errors import NotFoundError
from apps.portal.rules import (
    ActionPage,
    SelectorsForm,
    SelectorValues,
    further_selectors,
    selectors_initial,
)
from apps.portal.schedules import ScheduleForm, schedule_initial
from apps.portal.views import ConfirmMixin, FormMixin, ProjectPage
from apps.retention.decision import Kind
from apps.retention.models import RetentionPolicy
from apps.retention.selectors import RESOURCE, ScheduledPolicy, policy_of_project
from apps.retention.services import policy_create, policy_delete, policy_schedule, rule_change
from apps.retention.types import ACTION, MAX_RULES, TEMPLATES, rule_key, untagged_matches

_TEMPLATES = {
    Kind.LATEST_PUSHED: gettext_lazy("the N most recently pushed artifacts"),
    Kind.LATEST_PULLED: gettext_lazy("the N most recently pulled artifacts"),
    Kind.DAYS_SINCE_PUSH: gettext_lazy("artifacts pushed within the last N days"),
    Kind.DAYS_SINCE_PULL: gettext_lazy("artifacts pulled within the last N days"),
    Kind.ALWAYS: gettext_lazy("all artifacts"),
}


def rule_shown(rule: Mapping[str, Any]) -> str:
    """What a stored rule keeps of what it speaks of, in words."""
    kind = Kind(rule["template"])
    number = int(rule["params"].get(kind, 0))
    words = {
        Kind.LATEST_PUSHED: ngettext(
            "retain the most recently pushed artifact",
            "retain the %(number)d most recently pushed artifacts",
            number,
        ),
        Kind.LATEST_PULLED: ngettext(
            "retain the most recently pulled artifact",
            "retain the %(number)d most recently pulled artifacts",
            number,
        ),
        Kind.DAYS_SINCE_PUSH: ngettext(
            "retain artifacts pushed within the last day",
            "retain artifacts pushed within the last %(number)d days",
            number,
        ),
        Kind.DAYS_SINCE_PULL: ngettext(
            "retain artifacts pulled within the last day",
            "retain artifacts pulled within the last %(number)d days",
            number,
        ),
        Kind.ALWAYS: _("retain all artifacts"),
    }
    return words[kind] % {"number": number}


class RuleForm(SelectorsForm):
    """A retention rule."""

    field_order = ("repository_decoration", "repository_pattern", "template", "number")

    template = forms.ChoiceField(label=gettext_lazy("Retain"), choices=list(_TEMPLATES.items()))
    number = forms.IntegerField(
        label=gettext_lazy("N"),
        required=False,
        min_value=1,
        help_text=gettext_lazy(
            "How many artifacts of each repository, or how many days; empty for 10 artifacts or 30 days."
        ),
    )
    untagged = forms.BooleanField(
        label=gettext_lazy("Artifacts without a tag count as matching"), required=False, initial=True
    )

    def rule(self, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a valid form asks for, instead of the rule ``before``."""
        values = self.cleaned_data
        kind = Kind(values["template"])
        selectors = self.selectors(
            None if before is None else selectors_of(before),
            extras=json.dumps({"untagged": values["untagged"]}, separators=(",", ":")),
        )
        needs_number = bool(TEMPLATES[kind].unit) and values["number"] is not None
        return {
            "id": 0 if before is None else before["id"],
            "priority": 0 if before is None else before["priority"],
            "disabled": before is not None and before["disabled"],
            "action": ACTION,
            "template": str(kind),
            "params": {str(kind): values["number"]} if needs_number else {},
            "tag_selectors": selectors.tags,
            "scope_selectors": selectors.scope,
        }


def selectors_of(rule: Mapping[str, Any]) -> SelectorValues:
    """What a stored rule speaks of."""
    return SelectorValues(rule["tag_selectors"], rule["scope_selectors"])


class RetentionBase(ProjectPage):
    """Base of the pages of a project's retention policy."""

    resource = RESOURCE
    resource_type = RESOURCE
    tab = "retention"

    def home_url(self) -> str:
        """The policy."""
        return reverse("portal:project-retention", args=[self.project.pk])

    @cached_property
    def scheduled(self) -> ScheduledPolicy | None:
        """The project's policy with its schedule, if it has one."""
        return policy_of_project(actor=self.actor, project=self.project)

    @property
    def policy(self) -> RetentionPolicy:
        """The project's policy; raises :class:`NotFoundError`."""
        if self.scheduled is None:
            raise NotFoundError("the project has no retention policy")
        return self.scheduled.policy


class _RuleBase(RetentionBase):
    """A page of the rule whose key is ``rule`` in the path."""

    action = "update"

    @cached_property
    def rule(self) -> Mapping[str, Any]:
        """It; raises :class:`NotFoundError`."""
        key = self.kwargs["rule"]
        found: Mapping[str, Any] | None = next(
            (rule for rule in self.policy.rules if rule_key(rule) == key), None
        )
        if found is None:
            raise NotFoundError("the retention rule is gone, or somebody has changed it meanwhile")
        return found

    def change(self, rule: Mapping[str, Any] | None) -> None:
        """Put another in its place, or none."""
        rule_change(actor=self.actor, policy_id=self.policy.pk, rule=rule, replaces=self.kwargs["rule"])


class RuleCreatePage(FormMixin, RetentionBase):
    """``…/tag-strategy/tag-retention/rules/new``; with the first rule the project gets its policy."""

    action = "create"
    form_class = RuleForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"number": TEMPLATES[Kind.LATEST_PUSHED].default}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("New retention rule"), "lead": _lead(), "submit": _("Add")}

    def save(self, form: Any) -> HttpResponse:
        """Add it."""
        rule = form.rule()
        if self.scheduled is None:
            policy_create(actor=self.actor, project_id=self.project.pk, rules=[rule])
        else:
            rule_change(actor=self.actor, policy_id=self.scheduled.policy.pk, rule=rule)
        return self.done(_("The rule is added."), self.home_url())


class RuleEditPage(FormMixin, _RuleBase):
    """``…/tag-strategy/tag-retention/rules/RULE/edit``."""

    form_class = RuleForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        rule = self.rule
        return {
            **selectors_initial(selectors_of(rule)),
            "template": rule["template"],
            "number": rule["params"].get(rule["template"]),
            "untagged": untagged_matches(rule["tag_selectors"][0]),
        }

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Edit the retention rule"),
            "lead": further_selectors(selectors_of(self.rule)) or _lead(),
        }

    def save(self, form: Any) -> HttpResponse:
        """Change it."""
        self.change(form.rule(self.rule))
        return self.done(_("The rule is changed."), self.home_url())


class RuleSwitchPage(ActionPage, _RuleBase):
    """``…/tag-strategy/tag-retention/rules/RULE/switch``: ``disabled`` is what it is to be."""

    def act(self) -> HttpResponse:
        """Enable or disable it."""
        disabled = self.request.POST.get("disabled") == "true"
        self.change({**self.rule, "disabled": disabled})
        message = _("The rule is disabled.") if disabled else _("The rule is enabled.")
        return self.done(message, self.home_url())


class RuleDeletePage(ConfirmMixin, _RuleBase):
    """``…/tag-strategy/tag-retention/rules/RULE/delete``."""

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Delete the retention rule?"),
            "text": _("What only this rule keeps is deleted when the policy runs next: %(rule)s.")
            % {"rule": rule_shown(self.rule)},
            "undo": _("You can add the same rule again before the next run."),
            "submit": _("Delete"),
        }

    def act(self) -> HttpResponse:
        """Delete it."""
        self.change(None)
        return self.done(_("The rule is deleted."), self.home_url())


class SchedulePage(FormMixin, RetentionBase):
    """``…/tag-strategy/tag-retention/schedule``."""

    action = "update"
    form_class = ScheduleForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return schedule_initial(None if self.scheduled is None else self.scheduled.schedule)

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("When the policy runs by itself"),
            "lead": _("Each run deletes what no rule keeps. What was deleted is in the trash for a while."),
        }

    def save(self, form: Any) -> HttpResponse:
        """Change it."""
        policy_schedule(actor=self.actor, policy_id=self.policy.pk, cron=form.plan.cron)
        return self.done(_("The schedule is changed."), self.home_url())


class PolicyDeletePage(ConfirmMixin, RetentionBase):
    """``…/tag-strategy/tag-retention/delete``."""

    action = "delete"

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Delete the retention policy?"),
            "text": _(
                "Its rules, its schedule and the history of its runs go; a run that is under way ends."
            ),
            "undo": _("This cannot be undone."),
            "submit": _("Delete"),
        }

    def act(self) -> HttpResponse:
        """Delete it."""
        policy_delete(actor=self.actor, policy_id=self.policy.pk)
        return self.done(_("The retention policy is deleted."), self.home_url())


def _lead() -> str:
    return _(
        "A run deletes, in the repositories that a rule speaks of, every artifact that no rule retains. "
        "A policy has at most %(most)d rules."
    ) % {"most": MAX_RULES}


ROOT = "harbor/projects/<int:project_id>/tag-strategy/tag-retention"
_RULE = f"{ROOT}/rules/<str:rule>"

urlpatterns = [
    path(f"{ROOT}/rules/new", RuleCreatePage.as_view(), name="project-retention-rule-new"),
    path(f"{_RULE}/edit", RuleEditPage.as_view(), name="project-retention-rule-edit"),
    path(f"{_RULE}/switch", RuleSwitchPage.as_view(), name="project-retention-rule-switch"),
    path(f"{_RULE}/delete", RuleDeletePage.as_view(), name="project-retention-rule-delete"),
    path(f"{ROOT}/schedule", SchedulePage.as_view(), name="project-retention-schedule"),
    path(f"{ROOT}/delete", PolicyDeletePage.as_view(), name="project-retention-delete"),
]
