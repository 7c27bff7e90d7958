"""Tasks told to Celery, and taken back from workers that died. One process at a time does this, under a lease."""

import logging
import threading
from collections.abc import Callable

from django.db import connection

from apps.common.database import connections_heal, database_time, release_connection, write_atomic
from apps.jobs.leases import Election
from apps.jobs.models import Task, WorkerPool
from apps.jobs.queueing import tasks_runnable
from apps.jobs.schedules import schedules_tick
from apps.jobs.services import task_move, task_retake
from apps.jobs.timing import lost_after
from apps.jobs.types import Status

logger = logging.getLogger(__name__)

_AT_ONCE = 100
_INTERVAL = 1.0
_LEASE = "jobs"
_LEASE_SECONDS = 15.0


class Dispatcher:
    """A thread that dispatches every second, as long as this process holds the lease.

    ``tell`` sends a task's id to Celery. What it does not reach now is told again later.
    """

    def __init__(self, *, holder: str, tell: Callable[[int], None]) -> None:
        self._election = Election(name=_LEASE, holder=holder, seconds=_LEASE_SECONDS)
        self._tell = tell
        self._failures = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True, name="job dispatch")

    def start(self) -> None:
        """Dispatch from now on."""
        self._thread.start()

    def end(self) -> None:
        """Dispatch no more, and let another process do it at once."""
        self._ended.set()
        self._thread.join(timeout=5)
        self._election.resign()

    def _loop(self) -> None:
        while not self._ended.wait(_INTERVAL):
            try:
                if self._election.is_elected():
                    schedules_tick()
                    dispatch(self._tell)
                self._failures = 0
            except Exception:
                # The database or the broker is away: the rows are still there when it is back.
                self._failures += 1
                if self._failures == 1:
                    logger.exception("jobs cannot be dispatched; tried again every second")
                connections_heal()
            finally:
                release_connection()
        connection.close()


def dispatch(tell: Callable[[int], None]) -> int:
    """Tell Celery, by ``tell(task id)``, of the tasks that may begin now; returns how many."""
    recover()
    told = 0
    for task in tasks_runnable():
        with write_atomic():
            sent = task_move(task=task, status=Status.SCHEDULED, sent_at=database_time())
        if sent:
            tell(task.pk)
            told += 1
    return told


def recover() -> int:
    """Put tasks back whose worker has not been heard of for too long; returns how many."""
    deadline = database_time() - lost_after()
    lost = list(Task.objects.filter(status=Status.RUNNING, heartbeat_at__lt=deadline)[:_AT_ONCE])
    for task in lost:
        logger.warning("task %d of %s lost its worker %s", task.pk, task.vendor_type, task.worker)
        task_retake(task=task, message="its worker died")
    dead = WorkerPool.objects.filter(heartbeat_at__lt=deadline)
    if dead.exists():
        with write_atomic():
            dead.delete()
    return len(lost)
