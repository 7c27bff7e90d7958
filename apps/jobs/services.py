"""Work begun, stopped and finished. Rows come first: what is committed here is done, whatever dies meanwhile."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from apps.common.database import write_atomic
from apps.common.fields import json_storable
from apps.jobs.models import Execution, PausedQueue, Task
from apps.jobs.types import FINAL, UNFINISHED, Status, Trigger

_MOST_LOSSES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A task to make. Those with the same ``order_key`` run one after another, in the order they were made."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    extra_attrs: Mapping[str, Any] = field(default_factory=dict)
    order_key: str = ""


def execution_start(
    *,
    vendor_type: str,
    tasks: Iterable[NewTask],
    trigger: Trigger,
    vendor_id: int = 0,
    operator: str = "",
    extra_attrs: Mapping[str, Any] | None = None,
) -> Execution:
    """Begin an execution with these tasks; one without any is done at once. The caller has authorised it.

    Inside the transaction of the caller, if there is one: work is begun with what it is about, or not at all.
    """
    with write_atomic():
        execution = Execution.objects.create(
            vendor_type=vendor_type,
            vendor_id=vendor_id,
            trigger=trigger,
            operator=operator,
            extra_attrs=json_storable(dict(extra_attrs or {})),
            status=Status.RUNNING,
        )
        made = Task.objects.bulk_create(
            [
                Task(
                    execution=execution,
                    vendor_type=vendor_type,
                    parameters=json_storable(dict(task.parameters)),
                    extra_attrs=json_storable(dict(task.extra_attrs)),
                    order_key=task.order_key,
                )
                for task in tasks
            ],
            batch_size=1000,
        )
        if not made:
            execution_refresh(execution_id=execution.pk)
            execution.refresh_from_db()
    return execution


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExecution:
    """An execution to make, with its only task."""

    vendor_type: str
    vendor_id: int
    trigger: Trigger
    task: NewTask
    operator: str = ""
    extra_attrs: Mapping[str, Any] = field(default_factory=dict)


def executions_start(*, executions: Iterable[NewExecution]) -> list[Execution]:
    """As :func:`execution_start`, for many in a few statements; their tasks are in the same order."""
    new = list(executions)
    with write_atomic():
        made = Execution.objects.bulk_create(
            [
                Execution(
                    vendor_type=one.vendor_type,
                    vendor_id=one.vendor_id,
                    trigger=one.trigger,
                    operator=one.operator,
                    extra_attrs=json_storable(dict(one.extra_attrs)),
                    status=Status.RUNNING,
                )
                for one in new
            ],
            batch_size=1000,
        )
        Task.objects.bulk_create(
            [
                Task(
                    execution=execution,
                    vendor_type=one.vendor_type,
                    parameters=json_storable(dict(one.task.parameters)),
                    extra_attrs=json_storable(dict(one.task.extra_attrs)),
                    order_key=one.task.order_key,
                )
                for execution, one in zip(made, new, strict=True)
            ],
            batch_size=1000,
        )
    return made


def execution_refresh(*, execution_id: int) -> None:
    """Derive an execution's status from its tasks, inside the transaction that changed one of them.

    Any that is not finished: Running; else any failed: Error; else any stopped: Stopped; else Success.
    """
    execution = Execution.objects.select_for_update(no_key=True).get(pk=execution_id)
    tasks = Task.objects.filter(execution_id=execution_id)
    now = timezone.now()
    # An execution may have very many tasks, and ends once.
    if tasks.filter(status__in=UNFINISHED).exists():
        if execution.status == Status.RUNNING:
            return
        status = Status.RUNNING
    else:
        found = set(tasks.values_list("status", flat=True).distinct())
        status = next((one for one in (Status.ERROR, Status.STOPPED) if one in found), Status.SUCCESS)
    execution.status = status
    execution.update_time = now
    execution.end_time = now if status in FINAL else None
    execution.save(update_fields=["status", "update_time", "end_time"])


def execution_results(*, execution_id: int, **results: Any) -> None:
    """Add results to an execution's attributes."""
    with write_atomic():
        execution = Execution.objects.select_for_update(no_key=True).get(pk=execution_id)
        execution.extra_attrs = execution.extra_attrs | json_storable(results)
        execution.update_time = timezone.now()
        execution.save(update_fields=["extra_attrs", "update_time"])


def execution_stop(*, execution_id: int) -> bool:
    """Stop what of an execution is not finished: what waits at once, what runs when its runner looks.

    Says whether there was something to stop.
    """
    with write_atomic():
        return tasks_stop(Q(execution_id=execution_id))


def executions_forget(*, vendor_type: str, vendor_id: int) -> None:
    """Delete what there is of one vendor id, that is gone; a runner that works for it ends when it looks.

    Tasks first, as those lock them who then lock the execution.
    """
    with write_atomic():
        tasks = Task.objects.filter(execution__vendor_type=vendor_type, execution__vendor_id=vendor_id)
        list(tasks.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
        Execution.objects.filter(vendor_type=vendor_type, vendor_id=vendor_id).delete()


def tasks_stop(which: Q) -> bool:
    """Stop unfinished tasks, inside the caller's transaction; says whether there were some."""
    unfinished = (
        Task.objects.select_for_update(no_key=True).filter(which, status__in=UNFINISHED).order_by("pk")
    )
    executions = set()
    is_any = False
    now = timezone.now()
    for task in unfinished:
        is_any = True
        if task.status == Status.RUNNING:
            Task.objects.filter(pk=task.pk).update(stop_requested=True, update_time=now)
        elif task_move(task=task, status=Status.STOPPED, end_time=now):
            executions.add(task.execution_id)
    for execution_id in sorted(executions):
        execution_refresh(execution_id=execution_id)
    return is_any


def task_move(*, task: Task, status: Status, **changes: Any) -> bool:
    """Change a task's status if nobody did since ``task`` was read; says whether it was. Final ones stay."""
    if task.status in FINAL:
        return False
    changes |= {"status": status, "revision": task.revision + 1, "update_time": timezone.now()}
    moved = Task.objects.filter(pk=task.pk, revision=task.revision).update(**changes)
    if moved:
        for name, value in changes.items():
            setattr(task, name, value)
    return bool(moved)


def task_finish(*, task: Task, status: Status, message: str = "") -> bool:
    """End a running task, and its execution if it was the last one; says whether it was still ours to end."""
    with write_atomic():
        ended = task_move(
            task=task,
            status=status,
            status_message=message[:4000],
            end_time=timezone.now(),
            heartbeat_at=None,
        )
        if ended:
            execution_refresh(execution_id=task.execution_id)
    return ended


def task_postpone(*, task: Task, due_time: datetime, message: str, **changes: Any) -> bool:
    """Put a running task back to wait until ``due_time``, or end it if it was to stop; says whether it was still ours."""
    with write_atomic():
        if Task.objects.select_for_update(no_key=True).filter(pk=task.pk, stop_requested=True).exists():
            return task_finish(task=task, status=Status.STOPPED, message=message)
        return task_move(
            task=task,
            status=Status.PENDING,
            status_message=message[:4000],
            due_time=due_time,
            sent_at=None,
            worker="",
            heartbeat_at=None,
            **changes,
        )


def task_retake(*, task: Task, message: str, pause: timedelta = timedelta(0)) -> bool:
    """Take a task back from a run that was cut off, so that it is run again soon; says whether it was still running so.

    One over which too many workers died ends: it may be what kills them.
    """
    losses = task.losses + 1
    if losses > _MOST_LOSSES and not task.stop_requested:
        return task_finish(task=task, status=Status.ERROR, message=f"{message}, {losses} times in a row")
    return task_postpone(task=task, due_time=timezone.now() + pause, message=message, losses=losses)


def queues_pause(*, vendor_types: Iterable[str]) -> None:
    """Begin no task of these queues any more; what runs goes on. The caller has authorised it, as everywhere here."""
    with write_atomic():
        PausedQueue.objects.bulk_create(
            [PausedQueue(vendor_type=name) for name in vendor_types], ignore_conflicts=True
        )


def queues_resume(*, vendor_types: Iterable[str]) -> None:
    """Begin tasks of these queues again."""
    with write_atomic():
        PausedQueue.objects.filter(vendor_type__in=list(vendor_types)).delete()


def queues_stop(*, vendor_types: Iterable[str]) -> None:
    """Stop what waits in these queues; what runs goes on."""
    with write_atomic():
        tasks_stop(Q(vendor_type__in=list(vendor_types), status__in=[Status.PENDING, Status.SCHEDULED]))
