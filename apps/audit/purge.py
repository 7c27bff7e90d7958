"""Old rows of the audit log are deleted, a batch at a time, while the registry works on."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from apps.accounts.security import SecurityContext, require_system
from apps.audit.models import AuditLog
from apps.audit.recording import audit_entry, audit_record
from apps.audit.types import EVENT_TYPES
from apps.common.database import delete_rows, planner_inform, write_atomic
from apps.common.errors import BadRequestError
from apps.common.origin import current_address, current_credential, current_method
from apps.jobs.context import JobContext, JobStoppedError
from apps.jobs.models import Execution
from apps.jobs.registry import JobType
from apps.jobs.schedules import plan_read, schedule_set
from apps.jobs.selectors import execution_get
from apps.jobs.services import NewTask, execution_start, execution_stop
from apps.jobs.system import SystemWork
from apps.jobs.types import ScheduleType, Trigger, VendorType

PURGE = VendorType.PURGE_AUDIT_LOG
PURGES = SystemWork(PURGE, "purge-audit")
PURGED_ROWS = "purged_rows"
"""The result of an execution: how many rows it has deleted, or would have."""

MOST_HOURS = 240_000
_OTHER = "other"
_OWN_WORDS = frozenset({"create_artifact", "delete_artifact", "pull_artifact"})

# Rows that one transaction looks at: as many as take a tenth of a second, in which nobody else writes on SQLite.
_FEWEST, _MOST = 250, 20_000
_BATCH_SECONDS = 0.1
# Between two of them others have their turn, the disk's as well.
_REST = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeParameters:
    """Rows older than ``retention_hours`` go, those of ``event_types``; Harbor's names of the fields in JSON."""

    retention_hours: int
    include_event_types: str
    dry_run: bool

    @property
    def event_types(self) -> tuple[str, ...]:
        """The names in Harbor's list that are asked for; ``other`` stands for all but those of artifacts."""
        asked = {name.strip().lower() for name in self.include_event_types.split(",")}
        return tuple(
            name for name in EVENT_TYPES if name in asked or (_OTHER in asked and name not in _OWN_WORDS)
        )

    def stored(self) -> dict[str, Any]:
        """As the API has them."""
        return {
            "audit_retention_hour": self.retention_hours,
            "include_event_types": self.include_event_types,
            "dry_run": self.dry_run,
        }


def purge_read(parameters: Mapping[str, Any]) -> PurgeParameters:
    """What the API's ``parameters`` ask for; raises :class:`BadRequestError`.

    Names of events that do not exist are ignored, as in Harbor, and so are its older ``create``, ``delete`` and
    ``pull``, which speak of a table that is not here.
    """
    hours = parameters.get("audit_retention_hour")
    if isinstance(hours, float) and hours.is_integer():
        hours = int(hours)
    if not isinstance(hours, int) or isinstance(hours, bool):
        raise BadRequestError("audit_retention_hour must be a number of hours")
    if not -1 <= hours <= MOST_HOURS:
        raise BadRequestError(f"audit_retention_hour must be at most {MOST_HOURS}, and not negative")
    names = parameters.get("include_event_types")
    if not isinstance(names, str):
        raise BadRequestError("include_event_types must be names of events with commas between them")
    dry_run = parameters.get("dry_run", False)
    if not isinstance(dry_run, bool):
        raise BadRequestError("dry_run must be true or false")
    return PurgeParameters(retention_hours=hours, include_event_types=names[:4096], dry_run=dry_run)


def purge_request(
    *, actor: SecurityContext, kind: str, cron: str, parameters: Mapping[str, Any], action: str
) -> Execution | None:
    """Purge now (``kind`` Manual), by a schedule, or by none any more (None); the execution if it is now.

    ``kind``, ``cron`` and ``parameters`` are as the API has them, ``action`` is the right that it takes. Raises :class:`BadRequestError`, :class:`ForbiddenError` or
    :class:`UnauthorizedError`.
    """
    require_system(actor, PURGES.resource, action)
    plan = plan_read(kind=kind, cron=cron)
    with write_atomic():
        if plan.type == ScheduleType.NONE:
            schedule_set(vendor_type=PURGE, plan=plan)
            _note(actor.name, "delete", "no schedule")
            return None
        asked = purge_read(parameters)
        if plan.type == ScheduleType.MANUAL:
            _note(actor.name, "create", _words(asked))
            return _start(asked, trigger=Trigger.MANUAL, operator=actor.name)
        schedule_set(vendor_type=PURGE, plan=plan, parameters=asked.stored(), operator=actor.name)
        _note(actor.name, "update", f"schedule {plan.cron}, {_words(asked)}")
    return None


def purge_stop(*, actor: SecurityContext, execution_id: int) -> None:
    """Stop a purge; raises :class:`NotFoundError`."""
    require_system(actor, PURGES.resource, "stop")
    execution = execution_get(vendor_type=PURGE, execution_id=execution_id)
    with write_atomic():
        if execution_stop(execution_id=execution.pk):
            _note(actor.name, "stop", f"number {execution.pk}")


def _start(asked: PurgeParameters, *, trigger: Trigger, operator: str) -> Execution:
    """Rows are as old as they are now: a purge that is run again, or had to wait, deletes no younger ones."""
    before = timezone.now() - timedelta(hours=max(asked.retention_hours, 0))
    return execution_start(
        vendor_type=PURGE,
        trigger=trigger,
        operator=operator,
        extra_attrs=asked.stored(),
        tasks=[NewTask(parameters=asked.stored() | {"before": before.isoformat()})],
    )


def _schedule_start(_vendor_id: int, parameters: Mapping[str, Any], operator: str) -> Execution:
    asked = purge_read(parameters)
    _note(operator, "create", f"by schedule, {_words(asked)}")
    return _start(asked, trigger=Trigger.SCHEDULE, operator=operator)


def _words(asked: PurgeParameters) -> str:
    trial = ", dry run" if asked.dry_run else ""
    return f"rows older than {asked.retention_hours} hours of {asked.include_event_types}{trial}"


def _note(operator: str, operation: str, words: str) -> None:
    """The log tells who had it purged; no event, as nobody else wants to know."""
    audit_record(
        [
            audit_entry(
                at=timezone.now(),
                operator=operator,
                operation=operation,
                resource_type="purge_audit",
                resource="audit log",
                description=f"{operation} purge of the audit log: {words}",
                address=current_address(),
                method=current_method(),
                credential=current_credential(),
            )
        ]
    )


def _run(context: JobContext) -> None:
    """Every row once in the order of ids: what a run that was cut off has passed, the next one does not count again."""
    asked = purge_read(context.parameters)
    context.log.write("Purge audit job start")
    if asked.retention_hours <= 0:
        context.log.write(f"quit purge job, retentionHour:{asked.retention_hours}")
        return
    prefix = "[DRYRUN]" if asked.dry_run else ""
    names = asked.event_types
    context.log.write(
        f"Purge operation parameter, retention_hour={asked.retention_hours}, "
        f"include_event_types: {','.join(names)}, dry_run: {str(asked.dry_run).lower()}"
    )
    # Before anything goes: whoever dies here has said what it was about.
    context.log.flush()
    try:
        count = _purge(context, names, dry_run=asked.dry_run) if names else 0
    except JobStoppedError:
        context.report_execution(**{PURGED_ROWS: int(context.state.get("count", 0))})
        raise
    context.report_execution(**{PURGED_ROWS: count})
    context.log.write(f"{prefix}Purged {count} rows of audit logs")
    if count and not asked.dry_run:
        with write_atomic():
            _note(context.operator, "delete", f"{count} rows were deleted")


def _purge(context: JobContext, names: tuple[str, ...], *, dry_run: bool) -> int:
    before = datetime.fromisoformat(context.parameters["before"])
    old = AuditLog.objects.filter(_of(names), op_time__lt=before)
    # What comes while this runs is younger.
    last = AuditLog.objects.order_by("-id").values_list("id", flat=True).first() or 0
    after = int(context.state.get("after", 0))
    count = int(context.state.get("count", 0))
    size, told = _FEWEST, count
    planner_inform(AuditLog)
    while after < last:
        context.check_stop()
        started = time.monotonic()
        until = _window(after, size, last)
        rows = old.filter(id__gt=after, id__lte=until)
        if dry_run:
            count += rows.count()
        else:
            with write_atomic():
                count += delete_rows(rows)
                # In the same transaction: no row is deleted that is not counted, and none by a run that is over.
                context.remember(after=until, count=count)
        after = until
        seconds = time.monotonic() - started
        size = _next_size(size, seconds)
        if count - told >= _MOST * 5:
            context.log.write(f"{count} rows so far")
            told = count
        context.wait(min(seconds, 1) * _REST)
    return count


def _of(names: tuple[str, ...]) -> Q:
    found = Q()
    for name in names:
        operation, _, resource_type = name.partition("_")
        found |= Q(operation=operation, resource_type=resource_type)
    return found


def _window(after: int, size: int, last: int) -> int:
    """The last of the next ``size`` ids: where rows were purged before, ids have gaps."""
    rows = AuditLog.objects.filter(id__gt=after, id__lte=last).order_by("id")
    return rows.values_list("id", flat=True)[size - 1 : size].first() or last


def _next_size(size: int, seconds: float) -> int:
    if seconds > _BATCH_SECONDS * 2:
        return max(size // 2, _FEWEST)
    if seconds < _BATCH_SECONDS / 2:
        return min(size * 2, _MOST)
    return size


PURGE_JOB = JobType(run=_run, concurrency=1, retries=1, keep=10, schedule_start=_schedule_start)
