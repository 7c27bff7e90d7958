"""Which tasks may begin: limits, order, pauses, and that nobody is held up."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.common.database import database_time
from apps.jobs.models import Task, WorkerPool
from apps.jobs.queueing import tasks_runnable
from apps.jobs.registry import JobType, register_job
from apps.jobs.services import NewTask, queues_pause, queues_resume, task_finish, task_move
from apps.jobs.timing import resend_after
from apps.jobs.types import Status
from tests.jobs.conftest import KIND, begin, kind

pytestmark = pytest.mark.django_db


def _nothing(_context) -> None:
    """Never run here."""


@pytest.fixture(autouse=True)
def ten_hands():
    kind(_nothing)
    WorkerPool.objects.create(id="w", host="h", pid=1, concurrency=10)


def _names() -> list[str]:
    return [task.vendor_type for task in tasks_runnable()]


def _run(task: Task) -> None:
    assert task_move(task=task, status=Status.RUNNING, heartbeat_at=timezone.now())


def test_as_many_as_there_are_hands_the_oldest_first():
    execution = begin(count=12)
    first = list(Task.objects.filter(execution=execution).order_by("pk"))

    assert [task.pk for task in tasks_runnable()] == [task.pk for task in first[:9]], "one hand is kept"
    for task in first[:10]:
        _run(task)
    assert tasks_runnable() == []


def test_without_a_worker_nothing_begins():
    WorkerPool.objects.all().delete()
    begin()

    assert tasks_runnable() == []


def test_a_limit_of_a_queue():
    register_job(KIND, JobType(run=_nothing, concurrency=2))
    execution = begin(count=5)
    assert _names() == [KIND] * 2

    _run(Task.objects.filter(execution=execution).earliest("pk"))
    assert _names() == [KIND]


def test_a_queue_that_is_paused():
    begin()
    begin(name="OTHER")
    queues_pause(vendor_types=[KIND])
    queues_pause(vendor_types=[KIND])
    assert _names() == ["OTHER"]

    queues_resume(vendor_types=[KIND])
    assert sorted(_names()) == ["OTHER", KIND]


def test_what_is_due_later():
    execution = begin()
    Task.objects.filter(execution=execution).update(due_time=timezone.now() + timedelta(minutes=1))

    assert tasks_runnable() == []


def test_a_busy_queue_holds_nobody_up():
    begin(count=100)
    for task in tasks_runnable():
        _run(task)
    assert tasks_runnable() == [], "the last hand is for others"

    begin(name="OTHER", count=5)
    assert _names() == ["OTHER"]


def test_queues_take_turns():
    begin(count=100)
    begin(name="OTHER", count=100)

    names = _names()
    assert abs(names.count("OTHER") - names.count(KIND)) <= 1


def test_one_order_key_one_after_the_other():
    execution = begin(*[NewTask(order_key=key) for key in "aabba"], NewTask())
    a, a2, b, _b2, _a3, free = Task.objects.filter(execution=execution).order_by("pk")
    assert {task.pk for task in tasks_runnable()} == {a.pk, b.pk, free.pk}

    _run(a)
    assert {task.pk for task in tasks_runnable()} == {b.pk, free.pk}

    task_finish(task=a, status=Status.ERROR)
    assert {task.pk for task in tasks_runnable()} == {a2.pk, b.pk, free.pk}


def test_one_that_waits_for_its_next_attempt_keeps_its_turn():
    execution = begin(NewTask(order_key="a"), NewTask(order_key="a"))
    first = Task.objects.filter(execution=execution).earliest("pk")
    Task.objects.filter(pk=first.pk).update(due_time=timezone.now() + timedelta(minutes=1))

    assert tasks_runnable() == []


def test_a_later_task_that_was_committed_first_does_not_run_beside_the_earlier_one():
    """Two transactions take their ids in one order and commit in the other."""
    execution = begin(NewTask(order_key="a"), NewTask(order_key="a"))
    _early, late = Task.objects.filter(execution=execution).order_by("pk")
    _run(late)

    assert tasks_runnable() == []


def test_a_message_that_was_lost_is_sent_again():
    execution = begin()
    task = Task.objects.get(execution=execution)
    task_move(task=task, status=Status.SCHEDULED, sent_at=database_time())
    assert tasks_runnable() == []

    Task.objects.update(sent_at=database_time() - resend_after() - timedelta(seconds=1))
    assert [found.pk for found in tasks_runnable()] == [task.pk]
