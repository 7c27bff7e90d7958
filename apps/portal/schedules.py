"""When something runs by itself: the part of a form that asks for it, and how a page tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from apps.common.errors import BadRequestError
from apps.jobs.models import Schedule
from apps.jobs.schedules import PREDEFINED, Plan, plan_read
from apps.jobs.types import ScheduleType
from apps.portal.errors import problem_text
from apps.portal.forms import PortalForm

KINDS: Mapping[str, Promise] = {
    ScheduleType.NONE: gettext_lazy("Not by itself"),
    ScheduleType.HOURLY: gettext_lazy("Every hour"),
    ScheduleType.DAILY: gettext_lazy("Every day at midnight (UTC)"),
    ScheduleType.WEEKLY: gettext_lazy("Every week, Sunday at midnight (UTC)"),
    ScheduleType.CUSTOM: gettext_lazy("At times of your own"),
}
"""The types of schedules in words."""


@dataclass(frozen=True, slots=True)
class ScheduleShown:
    """What ``portal/parts/schedule.html`` tells; ``kind`` in words."""

    kind: str | Promise
    cron: str
    next_time: datetime


def schedule_shown(schedule: Schedule | None) -> ScheduleShown | None:
    """A schedule in words; None for none."""
    if schedule is None:
        return None
    return ScheduleShown(KINDS[_kind(schedule)], schedule.cron, schedule.next_time)


def schedule_initial(schedule: Schedule | None) -> dict[str, str]:
    """What the fields of :class:`ScheduleForm` show at first."""
    if schedule is None:
        return {"kind": ScheduleType.NONE, "cron": ""}
    kind = _kind(schedule)
    return {"kind": kind, "cron": schedule.cron if kind == ScheduleType.CUSTOM else ""}


class ScheduleForm(PortalForm):
    """Asks when something runs by itself. A form with more fields is a subclass, whose own come after these.

    With a valid form, :meth:`plan` says what was asked for.
    """

    kind = forms.ChoiceField(label=gettext_lazy("Runs by itself"), choices=list(KINDS.items()))
    cron = forms.CharField(
        label=gettext_lazy("Times of your own"),
        required=False,
        max_length=255,
        help_text=gettext_lazy(
            "Six fields: second (always 0), minute, hour, day of month, month, day of week, in UTC. "
            "For example 0 30 2 * * 1-5: at 02:30 from Monday to Friday."
        ),
        widget=forms.TextInput(
            attrs={"placeholder": "0 30 2 * * 1-5", "autocomplete": "off", "spellcheck": "false"}
        ),
    )

    def clean(self) -> dict[str, Any]:
        """What is asked for must be a schedule."""
        values = super().clean() or {}
        if "kind" in values and "cron" in values:
            # The field counts for its own type only: it may hold what was typed before another was chosen.
            cron = values["cron"] if values["kind"] == ScheduleType.CUSTOM else ""
            try:
                values["plan"] = plan_read(kind=values["kind"], cron=cron)
            except BadRequestError as error:
                self.add_error("cron", problem_text(error))
        return values

    @property
    def plan(self) -> Plan:
        """The schedule of a valid form; its ``cron`` is "" for none."""
        plan: Plan = self.cleaned_data["plan"]
        return plan


def _kind(schedule: Schedule) -> ScheduleType:
    """By its times: not every feature stores how they were chosen."""
    return next((kind for kind, cron in PREDEFINED.items() if cron == schedule.cron), ScheduleType.CUSTOM)
