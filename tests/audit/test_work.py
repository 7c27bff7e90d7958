"""Who had work begun, planned and stopped is in the log: collections, purges, runs of policies, the dashboard."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import AuditLog
from apps.audit.purge import purge_request, purge_stop
from apps.common.errors import BadRequestError
from apps.gc.services import collection_request, collection_stop
from apps.jobs.dashboard import dashboard_job_stop, dashboard_queue_act
from apps.jobs.models import Execution, Schedule, Task
from apps.jobs.schedules import schedules_tick
from apps.projects.services import project_create
from apps.retention.services import policy_create, retention_execute, retention_execution_operate
from tests.retention.conftest import rule

pytestmark = pytest.mark.django_db

PULLS = {"audit_retention_hour": 24, "include_event_types": "pull_artifact"}


def _rows(resource_type: str) -> list[tuple[str, str]]:
    """Operations, and what is said about them."""
    found = AuditLog.objects.filter(resource_type=resource_type).order_by("id")
    assert {row.username for row in found} <= {"admin"}
    return [(row.operation, row.operation_description) for row in found]


def _tick() -> Execution:
    Schedule.objects.update(next_time=timezone.now() - timedelta(hours=1))
    assert schedules_tick() == 1
    return Execution.objects.latest("id")


def test_collections(admin) -> None:
    def ask(kind: str, **parameters: Any) -> Execution | None:
        return collection_request(actor=admin, kind=kind, cron="", parameters=parameters, action="create")

    begun = ask("Manual", workers=3, dry_run=True)
    assert begun is not None
    ask("Daily", delete_untagged=True)
    _tick()
    for _ in range(2):
        collection_stop(actor=admin, execution_id=begun.pk)
    ask("None")
    with pytest.raises(BadRequestError):
        ask("Manual", workers=11)

    told = "garbage collection:"
    assert _rows("garbage-collection") == [
        ("create", f"create {told} workers 3, dry_run"),
        ("update", f"update {told} schedule 0 0 0 * * *, workers 1, delete_untagged"),
        ("create", f"create {told} by schedule, workers 1, delete_untagged"),
        ("stop", f"stop {told} number {begun.pk}"),
        ("delete", f"delete {told} no schedule"),
    ]


def test_purges(admin) -> None:
    def ask(kind: str) -> Execution | None:
        return purge_request(actor=admin, kind=kind, cron="", parameters=PULLS, action="create")

    begun = ask("Manual")
    assert begun is not None
    ask("Hourly")
    _tick()
    for _ in range(2):
        purge_stop(actor=admin, execution_id=begun.pk)
    ask("None")

    told, what = "purge of the audit log:", "rows older than 24 hours of pull_artifact"
    assert _rows("purge_audit") == [
        ("create", f"create {told} {what}"),
        ("update", f"update {told} schedule 0 0 * * * *, {what}"),
        ("create", f"create {told} by schedule, {what}"),
        ("stop", f"stop {told} number {begun.pk}"),
        ("delete", f"delete {told} no schedule"),
    ]


def test_runs_of_a_retention_policy(admin) -> None:
    project = project_create(actor=admin, name="team")
    policy = policy_create(actor=admin, project_id=project.pk, rules=[rule()], cron="0 0 0 * * *")
    begun = retention_execute(actor=admin, policy_id=policy.pk, dry_run=True)
    run = _tick()
    # Nothing of a project without repositories is left to be stopped, so that a run gets a task here.
    Task.objects.create(execution=run, vendor_type=run.vendor_type)
    for execution in (run, run, begun):
        retention_execution_operate(
            actor=admin, policy_id=policy.pk, execution_id=execution.pk, action="stop"
        )

    told = f"retention policy {policy.pk} of project team"
    assert _rows("tag-retention") == [
        (operation, f"{operation} {told}") for operation in ("create", "dry-run", "run", "stop")
    ]
    assert set(
        AuditLog.objects.filter(resource_type="tag-retention").values_list("project_id", "resource")
    ) == {(project.pk, "team")}


def test_what_is_done_on_the_dashboard(admin) -> None:
    begun = collection_request(actor=admin, kind="Manual", cron="", parameters={}, action="create")
    assert begun is not None
    task = begun.tasks.get()
    for job_id in (str(task.pk), str(task.pk), "all", "none"):
        dashboard_job_stop(actor=admin, job_id=job_id)
    dashboard_queue_act(actor=admin, job_type="RETENTION", action="pause")
    dashboard_queue_act(actor=admin, job_type="all", action="resume")

    found = AuditLog.objects.filter(resource_type="jobservice-monitor").order_by("id")
    assert list(found.values_list("operation", "resource", "username")) == [
        ("stop", f"job {task.pk}", "admin"),
        ("pause", "queue RETENTION", "admin"),
        ("resume", "queue all", "admin"),
    ]
