"""Schedules: what runs by itself, and when."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from croniter import croniter
from django.utils import timezone

from apps.common.database import write_atomic
from apps.common.errors import BadRequestError
from apps.jobs.models import PausedQueue, Schedule
from apps.jobs.registry import job_type
from apps.jobs.types import ScheduleType, VendorType

logger = logging.getLogger(__name__)

_FIELDS = 6
_LONGEST = 255
_PAUSE = timedelta(minutes=1)
# What the library would also take, and choose by itself: hashes, random numbers, last days.
_FOREIGN = re.compile(r"[#@]|(?<![A-Z])[HLRW](?![A-Z])", re.IGNORECASE)
PREDEFINED = {
    ScheduleType.HOURLY: "0 0 * * * *",
    ScheduleType.DAILY: "0 0 0 * * *",
    ScheduleType.WEEKLY: "0 0 0 * * 0",
}
"""The cron strings of the types that have one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule that is asked for; ``cron`` as the API has it."""

    type: ScheduleType
    cron: str


def plan_read(*, kind: str, cron: str) -> Plan:
    """What the API's ``{type, cron}`` asks for; raises :class:`BadRequestError`.

    Hourly, Daily and Weekly may come without their cron; Manual and None have none.
    """
    try:
        schedule_type = ScheduleType(kind)
    except ValueError:
        raise BadRequestError(
            f"there is no schedule type {kind[:32]!r}: it is one of {', '.join(ScheduleType)}"
        ) from None
    if schedule_type in {ScheduleType.MANUAL, ScheduleType.NONE}:
        return Plan(schedule_type, "")
    cron = cron or PREDEFINED.get(schedule_type, "")
    cron_check(cron)
    return Plan(schedule_type, cron)


def cron_check(cron: str) -> None:
    """Raise :class:`BadRequestError` unless this has six fields (second minute hour day month weekday), the first
    of them 0, and comes to pass at some time.
    """
    fields = cron.split()
    if len(fields) != _FIELDS or len(cron) > _LONGEST:
        raise BadRequestError(
            f"the cron string must have six fields (second minute hour day month weekday): {cron[:64]!r}"
        )
    if _FOREIGN.search(cron):
        raise BadRequestError(f"the cron string {cron[:64]!r} is not valid")
    if fields[0] != "0":
        raise BadRequestError(f"the first field of the cron string, the seconds, must be 0: {cron[:64]!r}")
    try:
        cron_next(cron, timezone.now())
    except (ValueError, KeyError) as error:
        raise BadRequestError(f"the cron string {cron[:64]!r} is not valid: {error}") from None


def cron_next(cron: str, after: datetime) -> datetime:
    """The first time after ``after``, in UTC; ValueError for a string that is none or never comes to pass."""
    # `?` of the day fields means the same as `*` where only one of them is given.
    moment: datetime = croniter(
        cron.replace("?", "*"), after.astimezone(UTC), second_at_beginning=True
    ).get_next(datetime)
    return moment


def schedule_set(
    *,
    vendor_type: str,
    plan: Plan,
    vendor_id: int = 0,
    parameters: Mapping[str, Any] | None = None,
    operator: str = "",
) -> Schedule | None:
    """Replace the schedule of this vendor id; a plan of type None (or Manual) takes it away."""
    with write_atomic():
        rows = Schedule.objects.filter(vendor_type=vendor_type, vendor_id=vendor_id)
        if not plan.cron:
            rows.delete()
            return None
        now = timezone.now()
        values = {
            "cron_type": plan.type,
            "cron": plan.cron,
            "parameters": dict(parameters or {}),
            "operator": operator,
            "next_time": cron_next(plan.cron, now),
            "update_time": now,
        }
        schedule, _ = Schedule.objects.update_or_create(
            vendor_type=vendor_type,
            vendor_id=vendor_id,
            defaults=values,
            create_defaults=values | {"creation_time": now},
        )
    return schedule


def schedules_tick() -> int:
    """Begin what is due, each once however many ticks were missed; returns how many.

    The next time is moved in the transaction that begins the work: two of these at once begin nothing twice.
    """
    if PausedQueue.objects.filter(vendor_type=VendorType.SCHEDULER).exists():
        return 0
    begun = 0
    for pk in list(Schedule.objects.filter(next_time__lte=timezone.now()).values_list("pk", flat=True)):
        try:
            begun += _tick_one(pk)
        except Exception:
            logger.exception("schedule %d could not be begun; tried again in a minute", pk)
            with write_atomic():
                Schedule.objects.filter(pk=pk).update(next_time=timezone.now() + _PAUSE)
    return begun


def _tick_one(pk: int) -> int:
    with write_atomic():
        now = timezone.now()
        schedule = Schedule.objects.select_for_update().filter(pk=pk, next_time__lte=now).first()
        if schedule is None:
            return 0
        kind = job_type(schedule.vendor_type)
        Schedule.objects.filter(pk=pk).update(next_time=cron_next(schedule.cron, now))
        if kind is None or kind.schedule_start is None:
            logger.warning("nothing here begins schedules of %s", schedule.vendor_type)
            return 0
        kind.schedule_start(schedule.vendor_id, schedule.parameters, schedule.operator)
    return 1
