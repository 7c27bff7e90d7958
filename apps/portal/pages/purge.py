"""Log rotation: purges of the audit log, what has run, how it goes, when it runs by itself."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.audit.purge import MOST_HOURS, PURGED_ROWS, PURGES, purge_read, purge_request, purge_stop
from apps.audit.types import EVENT_TYPES
from apps.portal.forms import PortalForm
from apps.portal.navigation import Text
from apps.portal.schedules import ScheduleForm
from apps.portal.works import (
    HistoryPage,
    RunPage,
    SchedulePage,
    Work,
    WorkExecutionPage,
    WorkStopPage,
    work_patterns,
)

_DAY = 24
_HOURS, _DAYS = "hours", "days"
_NAMES = {
    "create_artifact": gettext_lazy("Artifact pushed"),
    "delete_artifact": gettext_lazy("Artifact deleted"),
    "pull_artifact": gettext_lazy("Artifact pulled"),
    "create_project": gettext_lazy("Project created"),
    "delete_project": gettext_lazy("Project deleted"),
    "update_project": gettext_lazy("Project changed"),
    "delete_repository": gettext_lazy("Repository deleted"),
    "login_user": gettext_lazy("User signed in"),
    "logout_user": gettext_lazy("User signed out"),
    "create_user": gettext_lazy("User created"),
    "delete_user": gettext_lazy("User deleted"),
    "update_user": gettext_lazy("User changed"),
    "create_robot": gettext_lazy("Robot account created"),
    "delete_robot": gettext_lazy("Robot account deleted"),
    "update_configuration": gettext_lazy("Configuration changed"),
    "create_member": gettext_lazy("Member added"),
    "delete_member": gettext_lazy("Member removed"),
    "update_member": gettext_lazy("Member changed"),
}


def _options(parameters: Mapping[str, Any]) -> list[Text]:
    asked = purge_read(parameters)
    count = len(asked.event_types)
    words: list[Text] = [
        _age(asked.retention_hours),
        ngettext("%(count)d kind of event", "%(count)d kinds of events", count) % {"count": count},
    ]
    if asked.dry_run:
        words.append(_("dry run"))
    return words


def _age(hours: int) -> str:
    days, rest = divmod(hours, _DAY)
    if hours > 0 and not rest:
        return ngettext("older than %(count)d day", "older than %(count)d days", days) % {"count": days}
    return ngettext("older than %(count)d hour", "older than %(count)d hours", hours) % {"count": hours}


def _deleted(results: Mapping[str, Any]) -> str:
    if PURGED_ROWS not in results:
        return "-"
    count = int(results[PURGED_ROWS])
    return _("%(count)d would be") % {"count": count} if results.get("dry_run") else str(count)


_WORK = Work(
    key="purge",
    title=gettext_lazy("Log rotation"),
    reads=PURGES,
    request=purge_request,
    stop=purge_stop,
    api="/api/v2.0/system/purgeaudit",
    parameters=_options,
    results=[(gettext_lazy("Rows deleted"), _deleted)],
)


class PurgeForm(PortalForm):
    """Which rows of the log go."""

    retention = forms.IntegerField(
        label=gettext_lazy("Delete what is older than"), min_value=1, max_value=MOST_HOURS, initial=90
    )
    unit = forms.ChoiceField(
        label=gettext_lazy("Unit"),
        choices=[(_DAYS, gettext_lazy("Days")), (_HOURS, gettext_lazy("Hours"))],
        initial=_DAYS,
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=[(name, _NAMES[name]) for name in EVENT_TYPES],
        widget=forms.CheckboxSelectMultiple,
        initial=list(EVENT_TYPES),
        help_text=gettext_lazy("Rows about other events stay in the log."),
    )
    dry_run = forms.BooleanField(
        label=gettext_lazy("Dry run"),
        required=False,
        help_text=gettext_lazy("Deletes nothing, and counts what would go."),
    )

    @staticmethod
    def shown(parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The fields for such parameters."""
        asked = purge_read(parameters)
        in_days = asked.retention_hours % _DAY == 0
        return {
            "retention": asked.retention_hours // _DAY if in_days else asked.retention_hours,
            "unit": _DAYS if in_days else _HOURS,
            "events": list(asked.event_types),
            "dry_run": asked.dry_run,
        }

    def parameters(self) -> dict[str, Any]:
        """As the service takes them."""
        values = self.cleaned_data
        return {
            "audit_retention_hour": values["retention"] * (_DAY if values["unit"] == _DAYS else 1),
            "include_event_types": ",".join(values["events"]),
            "dry_run": values["dry_run"],
        }


class PurgeScheduleForm(PurgeForm, ScheduleForm):
    """When purges run by themselves, and what they delete."""


class _Purge:
    """Whose pages these are."""

    work = _WORK
    resource_type = "purge_audit"


class PurgesPage(_Purge, HistoryPage):
    """``/harbor/purge``."""

    template = "portal/purge.html"


class PurgeRunPage(_Purge, RunPage):
    """``/harbor/purge/run``."""

    form_class = PurgeForm

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Purge the audit log now"),
            "submit": _("Begin"),
            "lead": _(
                "Rows that are deleted are gone for ever. A dry run tells before how many that would be."
            ),
        }


class PurgeSchedulePage(_Purge, SchedulePage):
    """``/harbor/purge/schedule``."""

    form_class = PurgeScheduleForm

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("Schedule of log rotation")}


class PurgePage(_Purge, WorkExecutionPage):
    """``/harbor/purge/ID``."""


class PurgeStopPage(_Purge, WorkStopPage):
    """``/harbor/purge/ID/stop``."""

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Stop the purge number %(number)d?") % {"number": self.execution_id},
            "text": _("Rows that it has not deleted yet stay, until the next purge."),
            "undo": _("Rows that it has deleted so far do not come back."),
            "submit": _("Stop"),
        }


urlpatterns = work_patterns(
    _WORK,
    history=PurgesPage,
    run=PurgeRunPage,
    schedule=PurgeSchedulePage,
    execution=PurgePage,
    stop=PurgeStopPage,
)
