"""Old executions are forgotten, the newest of each kind and vendor id kept."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.jobs.logs import LogWriter
from apps.jobs.models import Execution, Task, TaskLog
from apps.jobs.registry import JobType, register_job
from apps.jobs.services import execution_stop
from apps.jobs.sweeping import executions_sweep
from tests.jobs.conftest import KIND, begin

pytestmark = pytest.mark.django_db


def _old(count: int, *, vendor_id: int = 0, name: str = KIND) -> list[int]:
    """Finished executions with two tasks each, the oldest first."""
    pks = []
    for number in range(count):
        execution = begin(name=name, count=2)
        LogWriter(Task.objects.filter(execution=execution).earliest("pk").pk).flush()
        for task in Task.objects.filter(execution=execution):
            TaskLog.objects.create(task=task, text="x")
        execution_stop(execution_id=execution.pk)
        Execution.objects.filter(pk=execution.pk).update(
            vendor_id=vendor_id, start_time=timezone.now() - timedelta(hours=count - number)
        )
        pks.append(execution.pk)
    return pks


def test_the_newest_of_each_are_kept() -> None:
    register_job(KIND, JobType(run=lambda _context: None, keep=2))
    first, second, other = _old(5), _old(1, vendor_id=8), _old(3, name="OTHER")
    running = begin()
    Execution.objects.filter(pk=running.pk).update(start_time=timezone.now() - timedelta(days=9))

    assert executions_sweep() == 3
    assert executions_sweep() == 0

    kept = {*first[3:], *second, *other, running.pk}
    assert set(Execution.objects.values_list("pk", flat=True)) == kept
    assert set(Task.objects.values_list("execution_id", flat=True)) == kept
    assert set(TaskLog.objects.values_list("task__execution_id", flat=True)) == kept - {running.pk}
