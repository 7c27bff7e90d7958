"""Reads of tasks."""

import pytest
from django.utils import timezone

from apps.jobs.models import Task
from apps.jobs.selectors import task_list
from apps.jobs.services import task_move
from apps.jobs.types import Status
from tests.jobs.conftest import begin

pytestmark = pytest.mark.django_db


def _run(task: Task) -> None:
    assert task_move(task=task, status=Status.RUNNING, worker="w", start_time=timezone.now())


def test_the_newest_task_comes_first_whichever_has_begun() -> None:
    execution = begin(count=3)
    first, waiting, last = Task.objects.order_by("id")
    _run(last)
    _run(first)

    assert list(task_list(execution=execution)) == [last, waiting, first]


def test_who_turns_pages_meets_every_task_also_one_that_begins_meanwhile() -> None:
    execution = begin(count=4)
    first, second, third, _ = Task.objects.order_by("id")
    _run(third)

    seen = list(task_list(execution=execution)[:2])
    _run(second)
    _run(first)
    seen += task_list(execution=execution)[2:]

    assert {task.pk for task in seen} == set(Task.objects.values_list("pk", flat=True))
