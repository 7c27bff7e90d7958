"""The worker's side: tasks claimed, run, watched."""

import logging
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q
from django.utils import timezone

from apps.common.database import connections_heal, database_time, release_connection, write_atomic
from apps.common.errors import UnavailableError
from apps.common.metrics import get_recorder
from apps.jobs.context import JobContext, JobFailedError, JobLostError, JobStoppedError
from apps.jobs.models import Lease, PausedQueue, Task, WorkerPool
from apps.jobs.queueing import tasks_runnable
from apps.jobs.registry import JobType, job_type
from apps.jobs.services import task_finish, task_move, task_postpone, task_retake
from apps.jobs.timing import STOP_SECONDS, beat_seconds
from apps.jobs.types import UNFINISHED, Status

logger = logging.getLogger(__name__)

_METRIC_WORDS: dict[str, str] = {Status.SUCCESS: "success", Status.ERROR: "fail", Status.STOPPED: "stop"}
_OUTAGE_PAUSE = timedelta(seconds=5)


class Worker:
    """A process as a pool of workers: what it runs, its heartbeat, and the stops that it looks for."""

    def __init__(self, *, concurrency: int) -> None:
        self.id = uuid.uuid4().hex
        self.concurrency = concurrency
        self._hands = concurrency
        self._running: dict[int, JobContext] = {}
        self._lock = threading.Lock()
        self._is_ending = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="job watch")

    def start(self) -> None:
        """Make this pool known, and watch what it runs from now on."""
        self._beat()
        self._thread.start()

    def end(self) -> None:
        """Begin nothing more, and have what runs put back for others as soon as its runner looks; does not wait."""
        self._is_ending = True
        for context in self._contexts().values():
            context.lose()

    def close(self) -> None:
        """Stop watching, and let the pool be forgotten; called when nothing runs any more."""
        self._ended.set()
        self._thread.join(timeout=5)
        with write_atomic():
            WorkerPool.objects.filter(pk=self.id).delete()

    def run(self, task_id: int) -> bool:
        """Claim a task and run it to its end, then whatever else may begin; False if it could not be claimed."""
        with self._hand() as is_free:
            task = self._claim(task_id, is_free=is_free)
            if task is None:
                return False
            while task is not None:
                self._run_one(task)
                # Not by a message: that takes a second, and there are tasks that take a hundredth of it.
                task = self._claim_next()
        return True

    @contextmanager
    def _hand(self) -> Iterator[bool]:
        """Whether one of the workers of this pool is free; it is busy meanwhile."""
        with self._lock:
            is_free = self._hands > 0 and not self._is_ending
            self._hands -= is_free
        try:
            yield is_free
        finally:
            with self._lock:
                self._hands += is_free

    def _claim_next(self) -> Task | None:
        if self._is_ending:
            return None
        found = tasks_runnable()
        # The others of this pool look at the same time, and see the same.
        random.shuffle(found)
        for task in found:
            if (claimed := self._claim(task.pk, is_free=True)) is not None:
                return claimed
        return None

    def _claim(self, task_id: int, *, is_free: bool) -> Task | None:
        """Take a task for this worker, unless there is no hand for it, or it is not its queue's or its own turn."""
        with write_atomic():
            task = (
                Task.objects.select_for_update(of=("self",), no_key=True)
                .select_related("execution")
                .filter(pk=task_id)
                .first()
            )
            if task is None or task.status not in {Status.PENDING, Status.SCHEDULED}:
                return None
            now = database_time()
            if task.status == Status.PENDING and task.due_time > now:
                return None
            if not is_free or self._runs_still(task) or not _is_turn(task):
                # Told too early, by a dispatcher that knew of less: it waits for the next one.
                task_move(task=task, status=Status.PENDING, sent_at=None)
                return None
            claimed = task_move(
                task=task,
                status=Status.RUNNING,
                worker=self.id,
                heartbeat_at=now,
                start_time=task.start_time or timezone.now(),
            )
        return task if claimed else None

    def _runs_still(self, task: Task) -> bool:
        """Whether a run of this task that does not count any more has not yet ended here."""
        context = self._contexts().get(task.pk)
        if context is not None:
            context.lose()
        return context is not None

    def _run_one(self, task: Task) -> None:
        context = JobContext(task)
        with self._lock:
            self._running[task.pk] = context
        if self._is_ending:
            context.lose()
        started = time.perf_counter()
        try:
            self._work(context, job_type(task.vendor_type))
        finally:
            with self._lock:
                self._running.pop(task.pk, None)
            word = _METRIC_WORDS.get(task.status)
            if word and (recorder := get_recorder()) is not None:
                recorder.task(task.vendor_type, word, time.perf_counter() - started)
            release_connection()

    def _work(self, context: JobContext, kind: JobType | None) -> None:
        task = context.task
        try:
            if kind is None:
                task_finish(task=task, status=Status.ERROR, message=f"nothing here does {task.vendor_type}")
                return
            kind.run(context)
            context.log.flush()
            task_finish(task=task, status=Status.SUCCESS)
        except JobLostError:
            context.log.flush()
            # Does nothing where it was given to another worker.
            task_postpone(task=task, due_time=timezone.now(), message="its worker was ended")
        except JobStoppedError:
            context.log.write("stopped", level="WARNING")
            context.log.flush()
            task_finish(task=task, status=Status.STOPPED)
        except (OperationalError, InterfaceError, UnavailableError) as error:
            # No fault of the task's. If this fails as well, the task is found by its heart, which has stopped.
            logger.exception("task %d of %s lost the database or Redis", task.pk, task.vendor_type)
            connections_heal()
            context.log.write(f"cut off: {error}", level="ERROR")
            context.log.flush()
            task_retake(task=task, message=f"cut off: {error}", pause=_OUTAGE_PAUSE)
        except JobFailedError as error:
            logger.warning("task %d of %s failed: %s", task.pk, task.vendor_type, error)
            self._failed(context, kind, error)
        except Exception as error:
            logger.exception("task %d of %s failed", task.pk, task.vendor_type)
            self._failed(context, kind, error)

    def _failed(self, context: JobContext, kind: JobType | None, error: Exception) -> None:
        task = context.task
        attempts = task.attempts + 1
        context.log.write(f"failed: {error}", level="ERROR")
        if kind is None or attempts > kind.retries:
            context.log.flush()
            task_finish(task=task, status=Status.ERROR, message=str(error))
            return
        pause = kind.pause(attempts)
        context.log.write(f"tried again in {pause.total_seconds():.0f} s, {attempts} of {kind.retries}")
        context.log.flush()
        task_postpone(task=task, due_time=timezone.now() + pause, message=str(error), attempts=attempts)

    def _watch(self) -> None:
        next_beat = time.monotonic() + beat_seconds()
        failures = 0
        while not self._ended.wait(STOP_SECONDS):
            try:
                self._look_for_stops()
                if time.monotonic() >= next_beat:
                    self._beat()
                    next_beat = time.monotonic() + beat_seconds()
                self._flush_logs()
                failures = 0
            except Exception:
                # The database is away: the heart goes on when it is back.
                failures += 1
                if failures == 1:
                    logger.exception("the watch over jobs failed; tried again every second")
                connections_heal()
            finally:
                release_connection()
        connection.close()

    def _contexts(self) -> dict[int, JobContext]:
        with self._lock:
            return dict(self._running)

    def _look_for_stops(self) -> None:
        running = self._contexts()
        if not running:
            return
        rows = Task.objects.filter(pk__in=list(running)).values_list("pk", "revision", "stop_requested")
        found = {pk: (revision, stop) for pk, revision, stop in rows}
        for pk, context in running.items():
            revision, stop = found.get(pk, (-1, False))
            # The revision of our claim; one that ends meanwhile has a later one, and looks no more.
            if revision != context.revision:
                context.lose()
            elif stop:
                context.stop()

    def _flush_logs(self) -> None:
        for context in self._contexts().values():
            context.log.flush()

    def _beat(self) -> None:
        with write_atomic():
            now = database_time()
            WorkerPool.objects.update_or_create(
                pk=self.id,
                defaults={"concurrency": self.concurrency, "heartbeat_at": now},
                create_defaults={
                    "host": socket.gethostname(),
                    "pid": os.getpid(),
                    "concurrency": self.concurrency,
                    "start_at": now,
                    "heartbeat_at": now,
                },
            )
            if running := list(self._contexts()):
                Task.objects.filter(pk__in=running, worker=self.id, status=Status.RUNNING).update(
                    heartbeat_at=now
                )


def _is_turn(task: Task) -> bool:
    """Whether this task may run beside those that run, in the transaction that claims it."""
    if PausedQueue.objects.filter(vendor_type=task.vendor_type).exists():
        return False
    kind = job_type(task.vendor_type)
    limit = kind.concurrency if kind is not None else 0
    if not limit and not task.order_key:
        return True
    # With the queue locked, so that two claims do not both see room.
    name = f"queue {task.vendor_type}"
    Lease.objects.get_or_create(
        name=name, defaults={"holder": "", "until": timezone.now() + timedelta(days=36500)}
    )
    list(Lease.objects.select_for_update(no_key=True).filter(name=name))
    tasks = Task.objects.filter(vendor_type=task.vendor_type)
    if limit and tasks.filter(status=Status.RUNNING).count() >= limit:
        return False
    if not task.order_key:
        return True
    before = Q(status=Status.RUNNING) | Q(status__in=UNFINISHED, pk__lt=task.pk)
    return not tasks.filter(before, order_key=task.order_key).exists()
