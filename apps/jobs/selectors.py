"""Reads of executions, tasks, queues and pools."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from apps.common.errors import NotFoundError
from apps.jobs.logs import MOST_LOG, log_text
from apps.jobs.models import Execution, PausedQueue, Schedule, Task, WorkerPool
from apps.jobs.timing import lost_after
from apps.jobs.types import Status, VendorType


@dataclass(frozen=True, slots=True)
class QueueState:
    """``count`` tasks wait, the oldest of them for ``latency`` seconds."""

    job_type: str
    count: int
    latency: int
    paused: bool


def execution_list(*, vendor_type: str, vendor_id: int | None = None) -> QuerySet[Execution]:
    """Executions of a kind, and of one vendor id, for a caller that has authorised the reader; newest first."""
    rows = Execution.objects.filter(vendor_type=vendor_type)
    if vendor_id is not None:
        rows = rows.filter(vendor_id=vendor_id)
    return rows.order_by("-start_time", "-id")


def execution_get(*, vendor_type: str, execution_id: int, vendor_id: int | None = None) -> Execution:
    """One execution; raises :class:`NotFoundError`."""
    row = execution_list(vendor_type=vendor_type, vendor_id=vendor_id).filter(pk=execution_id).first()
    if row is None:
        raise NotFoundError(f"execution {execution_id} of {vendor_type} not found")
    return row


def task_list(*, execution: Execution) -> QuerySet[Task]:
    """Tasks of an execution, the newest first."""
    # Not by their start, which they get while somebody reads, and which databases put before or behind them.
    return Task.objects.filter(execution=execution).order_by("-id")


def task_get(*, execution: Execution, task_id: int) -> Task:
    """One task; raises :class:`NotFoundError`."""
    row = Task.objects.filter(execution=execution, pk=task_id).first()
    if row is None:
        raise NotFoundError(f"task {task_id} of execution {execution.pk} not found")
    return row


def task_find(task_id: int) -> Task | None:
    """A task with its execution, if it is there."""
    return Task.objects.select_related("execution").filter(pk=task_id).first()


def recent_tasks(*, vendor_type: str = "") -> QuerySet[Task]:
    """The tasks of a kind, or all, with their executions, the newest first."""
    rows = Task.objects.select_related("execution").order_by("-pk")
    return rows.filter(vendor_type=vendor_type) if vendor_type else rows


def execution_log(*, execution: Execution, most: int = MOST_LOG) -> str:
    """What the tasks of an execution have written so far, one after the other; the last ``most`` characters."""
    ids = list(Task.objects.filter(execution=execution).values_list("pk", flat=True))
    return log_text(task_ids=ids, most=most)


def schedule_find(*, vendor_type: str, vendor_id: int = 0) -> Schedule | None:
    """The schedule of a vendor id, if it has one."""
    return Schedule.objects.filter(vendor_type=vendor_type, vendor_id=vendor_id).first()


def schedule_list() -> QuerySet[Schedule]:
    """Every schedule."""
    return Schedule.objects.order_by("id")


def is_paused(vendor_type: str) -> bool:
    """Whether a queue begins nothing now."""
    return PausedQueue.objects.filter(vendor_type=vendor_type).exists()


def queue_states() -> list[QueueState]:
    """Every queue in Harbor's order, also those that nothing waits in."""
    now = timezone.now()
    waiting: dict[str, tuple[int, datetime]] = {
        name: (count, oldest)
        for name, count, oldest in Task.objects.filter(status__in=[Status.PENDING, Status.SCHEDULED])
        .values_list("vendor_type")
        .annotate(Count("id"), Min("creation_time"))
        .order_by()
    }
    paused = set(PausedQueue.objects.values_list("vendor_type", flat=True))
    return [
        QueueState(
            name,
            waiting[name][0] if name in waiting else 0,
            int((now - waiting[name][1]).total_seconds()) if name in waiting else 0,
            name in paused,
        )
        for name in VendorType
    ]


def running_counts() -> list[tuple[str, str, int]]:
    """How many tasks run, by kind and pool."""
    rows = Task.objects.filter(status=Status.RUNNING).values_list("vendor_type", "worker")
    return list(rows.annotate(Count("id")).order_by("vendor_type", "worker"))


def pool_list() -> QuerySet[WorkerPool]:
    """Worker processes that are alive, the oldest first."""
    return WorkerPool.objects.filter(heartbeat_at__gte=Now() - lost_after()).order_by("start_at", "id")


def running_of(pool_ids: list[str]) -> dict[str, list[Task]]:
    """Tasks that run, by pool."""
    found: dict[str, list[Task]] = {pool_id: [] for pool_id in pool_ids}
    for task in Task.objects.filter(worker__in=pool_ids, status=Status.RUNNING).order_by("id"):
        found[task.worker].append(task)
    return found
