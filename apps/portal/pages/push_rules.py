"""Push rules of a project: what may be pushed into it."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.portal.forms import LinesField, PortalForm
from apps.portal.views import ConfirmMixin, FormMixin, ProjectPage
from apps.push_rules.selectors import push_rules_get
from apps.push_rules.services import push_rules_delete, push_rules_set
from apps.push_rules.types import ALLOW_ALL, PushRulesValues


class PushRulesForm(PortalForm):
    """What may be pushed."""

    media_types = LinesField(
        label=gettext_lazy("Allowed media types"),
        help_text=gettext_lazy(
            "Types of artifacts, configurations and layers, one a line; * stands for anything up to the next /. "
            "Empty for every type."
        ),
    )
    required_annotations = LinesField(
        label=gettext_lazy("Annotations that must be there"),
        help_text=gettext_lazy("Keys that every manifest has to have, one a line."),
    )
    allow_foreign_urls = forms.BooleanField(
        label=gettext_lazy("Allow layers that are kept elsewhere"),
        required=False,
        help_text=gettext_lazy(
            "A manifest may say that a layer comes from another server, as old Windows images do."
        ),
    )
    allow_sparse_indexes = forms.BooleanField(
        label=gettext_lazy("Allow indexes that are not complete"),
        required=False,
        help_text=gettext_lazy("An index may name manifests that are not in the repository."),
    )


class _PushRulesBase(ProjectPage):
    resource = "metadata"
    resource_type = "push-rules"
    tab = "push-rules"

    def rules(self) -> PushRulesValues:
        """Those that hold now."""
        return push_rules_get(actor=self.actor, project=self.project)

    def home_url(self) -> str:
        """The rules."""
        return reverse("portal:project-push-rules", args=[self.project.pk])


class PushRulesPage(_PushRulesBase):
    """``…/push-rules``."""

    template = "portal/push_rules.html"

    def get(self, _request: HttpRequest, **_words: Any) -> HttpResponse:
        """What may be pushed."""
        rules = self.rules()
        return self.render(
            title=_("Push rules"),
            rules=rules,
            allows_all=rules == ALLOW_ALL,
            may_update=self.may("metadata", "update"),
        )


class PushRulesEditPage(FormMixin, _PushRulesBase):
    """``…/push-rules/edit``."""

    action = "update"
    form_class = PushRulesForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        rules = self.rules()
        return {
            "media_types": list(rules.media_types),
            "required_annotations": list(rules.required_annotations),
            "allow_foreign_urls": rules.allow_foreign_urls,
            "allow_sparse_indexes": rules.allow_sparse_indexes,
        }

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Edit the push rules"),
            "lead": _("They hold for what is pushed from now on, not for what is there already."),
        }

    def save(self, form: Any) -> HttpResponse:
        """Change them."""
        values = form.cleaned_data
        rules = PushRulesValues(
            media_types=tuple(values["media_types"]),
            required_annotations=tuple(values["required_annotations"]),
            allow_foreign_urls=values["allow_foreign_urls"],
            allow_sparse_indexes=values["allow_sparse_indexes"],
        )
        push_rules_set(actor=self.actor, project=self.project, values=rules)
        return self.done(_("The push rules are changed."), self.home_url())


class PushRulesClearPage(ConfirmMixin, _PushRulesBase):
    """``…/push-rules/clear``."""

    action = "update"

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Allow everything to be pushed?"),
            "text": _("The push rules of the project %(name)s are removed.") % {"name": self.project.name},
            "undo": _("You can write the same rules again."),
            "submit": _("Remove the rules"),
        }

    def act(self) -> HttpResponse:
        """Remove them."""
        push_rules_delete(actor=self.actor, project=self.project)
        return self.done(_("Everything may be pushed."), self.home_url())


_ROOT = "harbor/projects/<int:project_id>/push-rules"

urlpatterns = [
    path(_ROOT, PushRulesPage.as_view(), name="project-push-rules"),
    path(f"{_ROOT}/edit", PushRulesEditPage.as_view(), name="project-push-rules-edit"),
    path(f"{_ROOT}/clear", PushRulesClearPage.as_view(), name="project-push-rules-clear"),
]
