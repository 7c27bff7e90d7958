"""Executions and tasks as rows: begun, stopped, derived."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.common.database import write_atomic
from apps.jobs.models import Execution, Task
from apps.jobs.services import (
    NewTask,
    execution_results,
    execution_start,
    execution_stop,
    queues_stop,
    task_finish,
    task_move,
    task_postpone,
    task_retake,
)
from apps.jobs.types import Status, Trigger
from tests.jobs.conftest import KIND, begin, status, the_task

pytestmark = pytest.mark.django_db


def _running(**options) -> Task:
    task = the_task(begin())
    assert task_move(task=task, status=Status.RUNNING, worker="w", heartbeat_at=timezone.now(), **options)
    return task


def test_an_execution_without_tasks_is_done():
    execution = execution_start(vendor_type=KIND, trigger=Trigger.SCHEDULE, tasks=[])

    assert (execution.status, execution.end_time is None) == ("Success", False)


def test_what_is_rolled_back_was_never_begun():
    def fail() -> None:
        with write_atomic():
            begin()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert not Execution.objects.exists()
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (["Success", "Success"], "Success"),
        (["Success", "Stopped"], "Stopped"),
        (["Stopped", "Error"], "Error"),
        (["Error"], "Running"),
    ],
)
def test_the_status_of_an_execution_follows_from_its_tasks(ends, expected):
    execution = begin(count=2)
    for task, end in zip(Task.objects.filter(execution=execution).order_by("pk"), ends, strict=False):
        assert task_finish(task=task, status=Status(end), message=end)

    execution.refresh_from_db()
    assert execution.status == expected
    assert (execution.end_time is not None) == (expected != "Running")


def test_a_status_is_changed_only_by_who_saw_it_last():
    task = the_task(begin())
    other = Task.objects.get(pk=task.pk)

    assert task_move(task=task, status=Status.SCHEDULED)
    assert not task_move(task=other, status=Status.STOPPED)
    assert the_task(task.execution).status == "Scheduled"


def test_what_has_ended_stays_so():
    task = the_task(begin())
    task_finish(task=task, status=Status.ERROR)

    assert not task_finish(task=task, status=Status.SUCCESS)
    assert not task_postpone(task=task, due_time=timezone.now(), message="")
    execution_stop(execution_id=task.execution_id)
    assert the_task(task.execution).status == "Error"


def test_a_stop_ends_what_waits_and_asks_what_runs():
    execution = begin(count=3)
    waiting, told, running = Task.objects.filter(execution=execution).order_by("pk")
    task_move(task=told, status=Status.SCHEDULED)
    task_move(task=running, status=Status.RUNNING)

    execution_stop(execution_id=execution.pk)

    found = [Task.objects.get(pk=task.pk) for task in (waiting, told, running)]
    assert [(task.status, task.stop_requested) for task in found] == [
        ("Stopped", False),
        ("Stopped", False),
        ("Running", True),
    ]
    assert status(execution) == "Running"
    task_finish(task=found[2], status=Status.STOPPED)
    assert status(execution) == "Stopped"


def test_a_stop_of_all_that_waits_ends_the_execution():
    execution = begin(count=3)
    execution_stop(execution_id=execution.pk)

    execution.refresh_from_db()
    assert (execution.status, execution.end_time is None) == ("Stopped", False)


@pytest.mark.parametrize("put_back", ["postpone", "retake"])
def test_what_was_to_stop_is_not_put_back(put_back):
    task = _running()
    execution_stop(execution_id=task.execution_id)

    if put_back == "postpone":
        task_postpone(task=task, due_time=timezone.now(), message="failed")
    else:
        task_retake(task=task, message="its worker died")

    assert the_task(task.execution).status == "Stopped"
    assert status(task.execution) == "Stopped"


def test_what_is_put_back_waits():
    task = _running()
    later = timezone.now() + timedelta(minutes=5)

    assert task_postpone(task=task, due_time=later, message="busy", attempts=1)

    found = the_task(task.execution)
    assert (found.status, found.worker, found.heartbeat_at, found.attempts) == ("Pending", "", None, 1)
    assert (found.due_time, found.status_message) == (later, "busy")


def test_a_task_that_kills_its_workers_is_given_up():
    task = _running(losses=10)

    assert task_retake(task=task, message="its worker died")

    found = the_task(task.execution)
    assert (found.status, found.status_message) == ("Error", "its worker died, 11 times in a row")


def test_a_queue_is_emptied_of_what_waits():
    waiting, running, other = begin(), _running(), begin(name="OTHER")

    queues_stop(vendor_types=[KIND])

    assert (status(waiting), status(other)) == ("Stopped", "Running")
    assert (the_task(running.execution).status, the_task(running.execution).stop_requested) == (
        "Running",
        False,
    )


def test_results_are_added():
    execution = execution_start(
        vendor_type=KIND, trigger=Trigger.MANUAL, tasks=[NewTask()], extra_attrs={"dry_run": True}
    )
    execution_results(execution_id=execution.pk, freed=5)
    execution_results(execution_id=execution.pk, freed=7)

    assert Execution.objects.get(pk=execution.pk).extra_attrs == {"dry_run": True, "freed": 7}
