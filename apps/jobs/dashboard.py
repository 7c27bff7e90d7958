"""What administrators see of jobs, and do about them: queues, worker pools, running tasks, schedules."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Q, QuerySet

from apps.accounts.security import SecurityContext, require_system
from apps.common.database import write_atomic
from apps.common.errors import BadRequestError, NotFoundError, UnauthorizedError
from apps.events.bus import publish
from apps.events.catalogue import JobsControlled
from apps.jobs.logs import log_text
from apps.jobs.models import Schedule, Task, WorkerPool
from apps.jobs.selectors import (
    QueueState,
    is_paused,
    pool_list,
    queue_states,
    running_of,
    schedule_list,
    task_find,
)
from apps.jobs.services import queues_pause, queues_resume, queues_stop, tasks_stop
from apps.jobs.types import Status, VendorType

ALL = "all"
_RESOURCE = "jobservice-monitor"
# Of the column; a longer number cannot be asked for.
_MOST_ID = 2**63 - 1


class QueueAction(StrEnum):
    """What can be done to a queue."""

    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """One worker of a pool; the task is missing while it is idle."""

    id: str
    pool_id: str
    job_name: str = ""
    job_id: str = ""
    start_at: datetime | None = None


_ACTIONS = {
    QueueAction.STOP: queues_stop,
    QueueAction.PAUSE: queues_pause,
    QueueAction.RESUME: queues_resume,
}


def dashboard_pools(*, actor: SecurityContext) -> list[WorkerPool]:
    """The worker pools that are alive."""
    require_system(actor, _RESOURCE, "list")
    return list(pool_list())


def dashboard_hands(*, actor: SecurityContext, pool_id: str) -> list[Hand]:
    """The workers of one pool, or of ``all``, idle ones included; raises :class:`NotFoundError`."""
    require_system(actor, _RESOURCE, "list")
    pools = [pool for pool in pool_list() if pool_id in {ALL, pool.pk}]
    if not pools and pool_id != ALL:
        raise NotFoundError(f"worker pool {pool_id} not found")
    running = running_of([pool.pk for pool in pools])
    return [hand for pool in pools for hand in _hands(pool, running[pool.pk])]


def _hands(pool: WorkerPool, tasks: list[Task]) -> list[Hand]:
    busy = [
        Hand(
            id=f"{pool.pk}-{number}",
            pool_id=pool.pk,
            job_name=task.vendor_type,
            job_id=str(task.pk),
            start_at=task.start_time,
        )
        for number, task in enumerate(tasks)
    ]
    idle = [Hand(id=f"{pool.pk}-{number}", pool_id=pool.pk) for number in range(len(busy), pool.concurrency)]
    return busy + idle


def dashboard_job_stop(*, actor: SecurityContext, job_id: str) -> None:
    """Stop one task, or ``all`` that run; one that is not there is none to stop."""
    require_system(actor, _RESOURCE, "stop")
    which = Q(status=Status.RUNNING) if job_id == ALL else Q(pk=_number(job_id))
    with write_atomic():
        if tasks_stop(which):
            publish(JobsControlled(operator=actor.name, operation=QueueAction.STOP, target=f"job {job_id}"))


def dashboard_job(*, actor: SecurityContext, job_id: str) -> Task:
    """A task with its execution; raises :class:`NotFoundError`."""
    require_system(actor, _RESOURCE, "list")
    task = task_find(_number(job_id))
    if task is None:
        raise NotFoundError(f"job {job_id[:64]} not found")
    return task


def dashboard_job_log(*, actor: SecurityContext, job_id: str) -> str:
    """The log of a task; as :func:`dashboard_job`."""
    return log_text(task_ids=[dashboard_job(actor=actor, job_id=job_id).pk])


def _number(job_id: str) -> int:
    """The id of a task; of none for what cannot be one."""
    number = int(job_id) if job_id.isascii() and job_id.isdecimal() and len(job_id) < 20 else 0
    return number if number <= _MOST_ID else 0


def dashboard_queues(*, actor: SecurityContext) -> list[QueueState]:
    """Every queue, in Harbor's order."""
    require_system(actor, _RESOURCE, "list")
    return queue_states()


def dashboard_queue_act(*, actor: SecurityContext, job_type: str, action: str) -> None:
    """Stop what waits in a queue, pause it or resume it; ``all`` for every queue.

    Raises :class:`BadRequestError` for another action, :class:`NotFoundError` for another queue.
    """
    require_system(actor, _RESOURCE, "stop")
    if action not in set(QueueAction):
        raise BadRequestError(f"the action {action[:32]!r} is none of {', '.join(QueueAction)}")
    if job_type != ALL and job_type not in set(VendorType):
        raise NotFoundError(f"there is no job queue {job_type[:64]}")
    with write_atomic():
        _ACTIONS[QueueAction(action)](vendor_types=list(VendorType) if job_type == ALL else [job_type])
        publish(JobsControlled(operator=actor.name, operation=action, target=f"queue {job_type}"))


def dashboard_schedules(*, actor: SecurityContext) -> QuerySet[Schedule]:
    """Every schedule."""
    require_system(actor, _RESOURCE, "list")
    return schedule_list()


def dashboard_schedules_paused(*, actor: SecurityContext, job_type: str) -> bool:
    """Whether schedules begin nothing now, for anybody signed in; only all of them can be paused."""
    if actor.principal is None:
        raise UnauthorizedError("sign in to do this")
    if job_type != ALL:
        raise BadRequestError("job_type can only be 'all'")
    return is_paused(VendorType.SCHEDULER)
