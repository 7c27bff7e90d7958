"""The purge of the audit log: exactly what is asked for, in batches, and once when a worker dies over it."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from apps.audit import purge
from apps.audit.models import AuditLog
from apps.audit.purge import PURGE, PURGED_ROWS, PURGES, purge_read, purge_request, purge_stop
from apps.common.errors import BadRequestError, ForbiddenError, NotFoundError
from apps.jobs.context import JobContext, JobLostError, JobStoppedError
from apps.jobs.logs import log_text
from apps.jobs.models import Execution, Schedule, Task
from apps.jobs.registry import job_type
from apps.jobs.schedules import schedules_tick
from apps.jobs.services import task_move
from apps.jobs.types import Status
from tests.support.people import acting, person

pytestmark = pytest.mark.django_db

PULLS = {"audit_retention_hour": 24, "include_event_types": "pull_artifact"}


def _rows(count: int, *, hours: float = 48, operation: str = "pull", resource_type: str = "artifact") -> None:
    AuditLog.objects.bulk_create(
        AuditLog(
            op_time=timezone.now() - timedelta(hours=hours),
            operation=operation,
            resource_type=resource_type,
            resource="p/app:v1",
            username="alice",
        )
        for _ in range(count)
    )


def _kinds(rows: QuerySet[AuditLog] | None = None) -> list[str]:
    found = rows if rows is not None else AuditLog.objects.exclude(resource_type="purge_audit")
    return sorted(f"{row.operation}_{row.resource_type}" for row in found)


def _begin(admin, **parameters) -> Task:
    execution = purge_request(
        actor=admin, kind="Manual", cron="", parameters=PULLS | parameters, action="create"
    )
    task = Task.objects.select_related("execution").get(execution=execution)
    task_move(task=task, status=Status.RUNNING, worker="w", heartbeat_at=timezone.now())
    return task


def _run(task: Task) -> list[str]:
    """What a worker does with it; returns what it logs, without times and levels."""
    kind = job_type(PURGE)
    assert kind is not None
    context = JobContext(task)
    try:
        kind.run(context)
    finally:
        context.log.flush()
    return _log(task)


def _purged(task: Task) -> int:
    """The result that is shown."""
    return int(Execution.objects.get(pk=task.execution_id).extra_attrs[PURGED_ROWS])


def _log(task: Task) -> list[str]:
    return [line.partition("] ")[2] for line in log_text(task_ids=[task.pk]).splitlines()]


def test_old_rows_of_the_named_events_go(admin) -> None:
    _rows(700)
    _rows(3, hours=23)
    _rows(2, operation="delete")

    lines = _run(_begin(admin))

    assert lines[0] == "Purge audit job start"
    assert lines[-1] == "Purged 700 rows of audit logs"
    assert _kinds() == ["delete_artifact"] * 2 + ["pull_artifact"] * 3
    told = AuditLog.objects.filter(resource_type="purge_audit").order_by("id")
    assert [(row.username, row.operation) for row in told] == [("admin", "create"), ("admin", "delete")]
    assert "700 rows" in told[1].operation_description


def test_a_dry_run_counts(admin) -> None:
    _rows(700)
    task = _begin(admin, dry_run=True)
    assert _run(task)[-1] == "[DRYRUN]Purged 700 rows of audit logs"
    assert _purged(task) == 700
    assert AuditLog.objects.filter(operation="pull").count() == 700


@pytest.mark.parametrize(
    ("names", "left"),
    [
        ("", ["create_artifact", "create_tag", "create_user", "login_user"]),
        ("create,delete,pull", ["create_artifact", "create_tag", "create_user", "login_user"]),
        ("no_such_event,create_artifact", ["create_tag", "create_user", "login_user"]),
        (" Create_User , LOGIN_user", ["create_artifact", "create_tag"]),
        ("other", ["create_artifact", "create_tag"]),
        ("other,create_artifact", ["create_tag"]),
        ("create_tag", ["create_artifact", "create_tag", "create_user", "login_user"]),
    ],
)
def test_which_events(admin, names: str, left: list[str]) -> None:
    for name in ("create_artifact", "create_user", "login_user", "create_tag"):
        operation, _, resource_type = name.partition("_")
        _rows(1, operation=operation, resource_type=resource_type)

    _run(_begin(admin, include_event_types=names))
    assert _kinds() == left


@pytest.mark.parametrize("hours", [0, -1])
def test_no_hours_purge_nothing(admin, hours: int) -> None:
    _rows(2)
    assert _run(_begin(admin, audit_retention_hour=hours))[-1] == f"quit purge job, retentionHour:{hours}"
    assert AuditLog.objects.filter(operation="pull").count() == 2


def test_gaps_of_an_earlier_purge(admin) -> None:
    for _ in range(3):
        _rows(400)
    pks = list(AuditLog.objects.order_by("id").values_list("id", flat=True))
    AuditLog.objects.filter(id__gt=pks[10], id__lt=pks[-10]).delete()

    assert _run(_begin(admin))[-1] == "Purged 21 rows of audit logs"


def test_rows_grow_no_older_while_a_purge_waits(admin) -> None:
    _rows(1, hours=24 - 0.001)
    task = _begin(admin)
    AuditLog.objects.filter(operation="pull").update(op_time=timezone.now() - timedelta(hours=24))

    assert _run(task)[-1] == "Purged 0 rows of audit logs"


def _cut_off(monkeypatch: pytest.MonkeyPatch, *, batches: int, error: Exception) -> None:
    """Let a run end after so many batches."""
    seen = iter(range(batches))
    original = JobContext.check_stop

    def check(context: JobContext) -> None:
        if next(seen, None) is None:
            monkeypatch.setattr(JobContext, "check_stop", original)
            raise error
        original(context)

    monkeypatch.setattr(JobContext, "check_stop", check)


def test_a_run_that_is_cut_off_is_gone_on_with(admin, monkeypatch) -> None:
    monkeypatch.setattr(purge, "_FEWEST", 100)
    monkeypatch.setattr(purge, "_MOST", 100)
    _rows(1000)
    task = _begin(admin)
    _cut_off(monkeypatch, batches=6, error=JobLostError())
    with pytest.raises(JobLostError):
        _run(task)
    left = AuditLog.objects.filter(operation="pull").count()
    assert 0 < left < 1000

    again = Task.objects.select_related("execution").get(pk=task.pk)
    assert again.state["count"] == 1000 - left
    lines = _run(again)
    assert lines.count("Purge audit job start") == 2
    assert lines[-1] == "Purged 1000 rows of audit logs", "each row counts once"
    assert not AuditLog.objects.filter(operation="pull").exists()


def test_a_run_that_is_over_deletes_nothing_more(admin) -> None:
    _rows(10)
    task = _begin(admin)
    Task.objects.filter(pk=task.pk).update(revision=99)

    with pytest.raises(JobLostError):
        _run(task)
    assert AuditLog.objects.filter(operation="pull").count() == 10


def test_a_purge_is_stopped(admin, monkeypatch) -> None:
    monkeypatch.setattr(purge, "_FEWEST", 100)
    monkeypatch.setattr(purge, "_MOST", 100)
    _rows(1000)
    task = _begin(admin)
    _cut_off(monkeypatch, batches=3, error=JobStoppedError())
    with pytest.raises(JobStoppedError):
        _run(task)
    left = AuditLog.objects.filter(operation="pull").count()
    assert 0 < left < 1000
    assert _purged(task) == 1000 - left


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"audit_retention_hour": 24},
        {"include_event_types": "other"},
        PULLS | {"audit_retention_hour": "24"},
        PULLS | {"audit_retention_hour": 1.5},
        PULLS | {"audit_retention_hour": True},
        PULLS | {"audit_retention_hour": 240_001},
        PULLS | {"audit_retention_hour": -2},
        PULLS | {"include_event_types": ["other"]},
        PULLS | {"dry_run": "yes"},
    ],
)
def test_parameters_that_are_none(admin, parameters) -> None:
    with pytest.raises(BadRequestError):
        purge_read(parameters)
    for kind in ("Manual", "Daily"):
        with pytest.raises(BadRequestError):
            purge_request(actor=admin, kind=kind, cron="", parameters=parameters, action="create")
    assert not Execution.objects.exists()
    assert not Schedule.objects.exists()
    assert not AuditLog.objects.exists()


def test_parameters_of_generated_clients() -> None:
    assert purge_read(PULLS | {"audit_retention_hour": 240_000.0}).retention_hours == 240_000


def test_a_schedule_begins_purges(admin) -> None:
    parameters = PULLS | {"dry_run": True}
    begun = purge_request(actor=admin, kind="Hourly", cron="", parameters=parameters, action="update")
    assert begun is None
    schedule = PURGES.schedule(actor=admin)
    assert schedule is not None
    assert (schedule.cron, schedule.parameters) == ("0 0 * * * *", parameters)

    Schedule.objects.update(next_time=timezone.now() - timedelta(hours=5))
    assert schedules_tick() == 1
    execution = Execution.objects.get()
    assert (execution.trigger, execution.operator, execution.extra_attrs) == ("SCHEDULE", "admin", parameters)

    purge_request(actor=admin, kind="None", cron="", parameters={}, action="update")
    assert PURGES.schedule(actor=admin) is None


def test_who_may_not(alice) -> None:
    actor = acting(alice)
    calls: Iterable = (
        lambda: purge_request(actor=actor, kind="Manual", cron="", parameters=PULLS, action="create"),
        lambda: purge_stop(actor=actor, execution_id=1),
        lambda: PURGES.schedule(actor=actor),
        lambda: PURGES.executions(actor=actor),
        lambda: PURGES.log(actor=actor, execution_id=1),
    )
    for call in calls:
        with pytest.raises(ForbiddenError):
            call()


def test_what_is_not_there(admin) -> None:
    with pytest.raises(NotFoundError):
        purge_stop(actor=admin, execution_id=12345)


def test_an_auditor_reads(admin) -> None:
    _begin(admin)
    auditor = person("auditor")
    auditor.auditor_flag = True
    auditor.save()

    assert PURGES.executions(actor=acting(auditor)).count() == 1
