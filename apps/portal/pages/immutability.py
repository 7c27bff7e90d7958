"""Tag immutability of a project: the rules that keep tags where they are."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from apps.immutability.models import ImmutableRule
from apps.immutability.selectors import immutable_rule_get, immutable_rule_list
from apps.immutability.services import (
    immutable_rule_create,
    immutable_rule_delete,
    immutable_rule_update,
)
from apps.immutability.types import MAX_RULES
from apps.portal.rules import (
    ActionPage,
    SelectorsForm,
    SelectorValues,
    further_selectors,
    selectors_initial,
    selectors_shown,
)
from apps.portal.views import ConfirmMixin, FormMixin, ProjectPage


class _ImmutabilityBase(ProjectPage):
    resource = "immutable-tag"
    resource_type = "immutable-rule"
    tab = "immutability"

    def home_url(self) -> str:
        """The list of rules."""
        return reverse("portal:project-immutability", args=[self.project.pk])


class _RuleBase(_ImmutabilityBase):
    """A page of the rule ``rule_id`` of the path."""

    @cached_property
    def rule(self) -> ImmutableRule:
        """It; raises :class:`NotFoundError`."""
        return immutable_rule_get(actor=self.actor, project=self.project, rule_id=self.kwargs["rule_id"])

    def values(self) -> SelectorValues:
        """What it speaks of."""
        return SelectorValues(self.rule.tag_selectors, self.rule.scope_selectors)

    def update(self, values: SelectorValues, *, disabled: bool) -> None:
        """Replace it."""
        immutable_rule_update(
            actor=self.actor,
            project=self.project,
            rule_id=self.rule.pk,
            tag_selectors=values.tags,
            scope_selectors=values.scope,
            disabled=disabled,
            priority=self.rule.priority,
        )


class ImmutabilityPage(_ImmutabilityBase):
    """``…/tag-strategy/immutable-tag``."""

    action = "list"
    template = "portal/immutability.html"

    def get(self, _request: HttpRequest, **_words: Any) -> HttpResponse:
        """The rules."""
        lines = [
            {
                "rule": rule,
                "repositories": selectors_shown(rule.scope_selectors["repository"], is_repository=True),
                "tags": selectors_shown(rule.tag_selectors, is_repository=False),
            }
            for rule in immutable_rule_list(actor=self.actor, project=self.project)
        ]
        return self.render(
            title=_("Tag immutability"),
            lines=lines,
            most=MAX_RULES,
            may_create=self.may("immutable-tag", "create"),
            may_update=self.may("immutable-tag", "update"),
            may_delete=self.may("immutable-tag", "delete"),
        )


class RuleCreatePage(FormMixin, _ImmutabilityBase):
    """``…/tag-strategy/immutable-tag/new``."""

    action = "create"
    form_class = SelectorsForm

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("New immutability rule"),
            "lead": _("A tag that matches can be neither moved nor deleted while the rule is enabled."),
            "submit": _("Add"),
        }

    def save(self, form: Any) -> HttpResponse:
        """Add it."""
        values = form.selectors()
        immutable_rule_create(
            actor=self.actor, project=self.project, tag_selectors=values.tags, scope_selectors=values.scope
        )
        return self.done(_("The rule is added."), self.home_url())


class RuleEditPage(FormMixin, _RuleBase):
    """``…/tag-strategy/immutable-tag/RULE/edit``."""

    action = "update"
    form_class = SelectorsForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return selectors_initial(self.values())

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Edit the immutability rule"),
            "lead": further_selectors(self.values()),
        }

    def save(self, form: Any) -> HttpResponse:
        """Change it."""
        self.update(form.selectors(self.values()), disabled=self.rule.disabled)
        return self.done(_("The rule is changed."), self.home_url())


class RuleSwitchPage(ActionPage, _RuleBase):
    """``…/tag-strategy/immutable-tag/RULE/switch``: ``disabled`` is what it is to be."""

    action = "update"

    def act(self) -> HttpResponse:
        """Enable or disable it."""
        disabled = self.request.POST.get("disabled") == "true"
        self.update(self.values(), disabled=disabled)
        message = _("The rule is disabled.") if disabled else _("The rule is enabled.")
        return self.done(message, self.home_url())


class RuleDeletePage(ConfirmMixin, _RuleBase):
    """``…/tag-strategy/immutable-tag/RULE/delete``."""

    action = "delete"

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Delete the immutability rule?"),
            "text": _(
                "The tags that it kept can be moved and deleted again, unless another rule speaks of them."
            ),
            "undo": _("You can add the same rule again."),
            "submit": _("Delete"),
        }

    def act(self) -> HttpResponse:
        """Delete it."""
        immutable_rule_delete(actor=self.actor, project=self.project, rule_id=self.kwargs["rule_id"])
        return self.done(_("The rule is deleted."), self.home_url())


_ROOT = "harbor/projects/<int:project_id>/tag-strategy/immutable-tag"

urlpatterns = [
    path(_ROOT, ImmutabilityPage.as_view(), name="project-immutability"),
    path(f"{_ROOT}/new", RuleCreatePage.as_view(), name="project-immutability-new"),
    path(f"{_ROOT}/<int:rule_id>/edit", RuleEditPage.as_view(), name="project-immutability-edit"),
    path(f"{_ROOT}/<int:rule_id>/switch", RuleSwitchPage.as_view(), name="project-immutability-switch"),
    path(f"{_ROOT}/<int:rule_id>/delete", RuleDeletePage.as_view(), name="project-immutability-delete"),
]
