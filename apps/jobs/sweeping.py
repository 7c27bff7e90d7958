"""Old executions are forgotten, with their tasks and logs."""

from django.db.models import Count

from apps.common.database import delete_rows, write_atomic
from apps.jobs.models import Execution, Task, TaskLog
from apps.jobs.registry import job_type
from apps.jobs.types import FINAL

_KEEP = 50
_BATCH = 500


def executions_sweep() -> int:
    """Delete finished executions beyond what their kind keeps of each vendor id, the oldest; returns how many."""
    groups = (
        Execution.objects.filter(status__in=FINAL)
        .values_list("vendor_type", "vendor_id")
        .annotate(count=Count("id"))
        .order_by("vendor_type", "vendor_id")
    )
    deleted = 0
    for vendor_type, vendor_id, count in list(groups):
        kind = job_type(vendor_type)
        surplus = count - (kind.keep if kind is not None else _KEEP)
        if surplus > 0:
            deleted += _sweep_one(vendor_type, vendor_id, surplus)
    return deleted


def _sweep_one(vendor_type: str, vendor_id: int, surplus: int) -> int:
    rows = Execution.objects.filter(vendor_type=vendor_type, vendor_id=vendor_id, status__in=FINAL)
    oldest = list(rows.order_by("start_time", "id").values_list("pk", flat=True)[:surplus])
    for first in range(0, len(oldest), _BATCH):
        batch = oldest[first : first + _BATCH]
        # Tasks first and some at a time: one execution may have had very many.
        while tasks := list(
            Task.objects.filter(execution_id__in=batch).values_list("pk", flat=True)[:_BATCH]
        ):
            with write_atomic():
                delete_rows(TaskLog.objects.filter(task_id__in=tasks))
                delete_rows(Task.objects.filter(pk__in=tasks))
        with write_atomic():
            delete_rows(Execution.objects.filter(pk__in=batch))
    return len(oldest)
