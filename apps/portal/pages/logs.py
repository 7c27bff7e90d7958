"""The audit log: of what one may see, and of one project."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.audit.models import AuditLog
from apps.audit.selectors import audit_list
from apps.audit.types import OPERATIONS, RESOURCE_TYPES
from apps.portal.forms import PortalForm
from apps.portal.lists import Table, table_page
from apps.portal.log_words import OPERATION_WORDS, RESOURCE_WORDS
from apps.portal.navigation import Text
from apps.portal.views import PortalView, ProjectPage

# Sorted by nothing else: to sort ten million rows for one page would take seconds.
_LOG = Table(order=("-op_time", "-id"), search=("resource",))
_RESULTS = {"done": True, "refused": False}
_LOOKUPS = {
    "operation": "operation",
    "resource_type": "resource_type",
    "username": "username",
    "since": "op_time__gte",
    "until": "op_time__lte",
}


def _choices(names: Sequence[str], words: Mapping[str, Text]) -> list[tuple[str, Text]]:
    return [("", gettext_lazy("all")), *((name, words.get(name, name)) for name in names)]


def _moment(label: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


class LogFilterForm(PortalForm):
    """What the log is narrowed to."""

    search = forms.CharField(label=gettext_lazy("Resource contains"), max_length=255, required=False)
    operation = forms.ChoiceField(
        label=gettext_lazy("Operation"), required=False, choices=_choices(OPERATIONS, OPERATION_WORDS)
    )
    resource_type = forms.ChoiceField(
        label=gettext_lazy("Kind of resource"),
        required=False,
        choices=_choices(RESOURCE_TYPES, RESOURCE_WORDS),
    )
    username = forms.CharField(label=gettext_lazy("User name"), max_length=255, required=False)
    result = forms.ChoiceField(
        label=gettext_lazy("Result"),
        required=False,
        choices=[
            ("", gettext_lazy("all")),
            ("done", gettext_lazy("done")),
            ("refused", gettext_lazy("refused or failed")),
        ],
    )
    since = _moment(gettext_lazy("From (UTC)"))
    until = _moment(gettext_lazy("Until (UTC)"))

    def conditions(self) -> Mapping[str, Any]:
        """Lookups and their values; of what cannot be read nothing is asked."""
        self.full_clean()
        values = self.cleaned_data
        found = {lookup: values[name] for name, lookup in _LOOKUPS.items() if values.get(name)}
        if values.get("result") in _RESULTS:
            found["operation_result"] = _RESULTS[values["result"]]
        return {
            lookup: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
            for lookup, value in found.items()
        }


class _LogMixin:
    """The list and its filters, in either layout. Comes before the page's class among the bases."""

    request: HttpRequest
    render: Any

    def rows(self) -> QuerySet[AuditLog]:
        """The rows that may be seen."""
        raise NotImplementedError

    def get(self, request: HttpRequest, **_words: Any) -> HttpResponse:
        """A page of the log, newest first."""
        form = LogFilterForm(request.GET)
        conditions = form.conditions()
        page = table_page(request, self.rows().filter(**conditions), _LOG)
        response: HttpResponse = self.render(
            title=_("Logs"),
            page=page,
            filters=form,
            is_filtered=bool(conditions or page.search),
        )
        return response


class LogsPage(_LogMixin, PortalView):
    """``/harbor/logs``: the whole log, or that of the projects whose log is open to the reader."""

    template = "portal/logs.html"
    resource_type = "audit-log"

    def rows(self) -> QuerySet[AuditLog]:
        """See :class:`_LogMixin`."""
        return audit_list(actor=self.actor)


class ProjectLogsPage(_LogMixin, ProjectPage):
    """``/harbor/projects/ID/logs``."""

    template = "portal/project_logs.html"
    resource_type = "audit-log"
    resource = "log"
    action = "list"
    tab = "logs"

    def rows(self) -> QuerySet[AuditLog]:
        """See :class:`_LogMixin`."""
        return audit_list(actor=self.actor, project=self.project.ref)


urlpatterns = [
    path("harbor/logs", LogsPage.as_view(), name="logs"),
    path("harbor/projects/<int:project_id>/logs", ProjectLogsPage.as_view(), name="project-logs"),
]
