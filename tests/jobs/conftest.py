"""Kinds of work for tests, and a pool of workers whose tasks run in real threads."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from apps.jobs import registry
from apps.jobs.context import JobContext
from apps.jobs.dispatching import dispatch
from apps.jobs.models import Execution, Task, WorkerPool
from apps.jobs.registry import JobType, register_job
from apps.jobs.running import Worker
from apps.jobs.services import NewTask, execution_start
from apps.jobs.timing import lost_after
from apps.jobs.types import Trigger
from tests.support.waiting import eventually

KIND = "TEST_WORK"


@pytest.fixture(autouse=True)
def _own_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_types", dict(registry.job_types()))


def kind(run: Callable[[JobContext], None], *, name: str = KIND, **options: Any) -> str:
    """Register what the test's tasks do."""
    register_job(name, JobType(run=run, **options))
    return name


def begin(*tasks: NewTask, name: str = KIND, count: int = 1) -> Execution:
    return execution_start(
        vendor_type=name, trigger=Trigger.MANUAL, tasks=tasks or [NewTask() for _ in range(count)]
    )


def the_task(execution: Execution) -> Task:
    return Task.objects.get(execution=execution)


def status(execution: Execution) -> str:
    return Execution.objects.get(pk=execution.pk).status


def grow_old(*workers: Worker) -> None:
    """As if these workers' hearts had stopped long ago."""
    long_ago = lost_after() * 2
    names = [worker.id for worker in workers]
    WorkerPool.objects.filter(pk__in=names).update(heartbeat_at=F("heartbeat_at") - long_ago)
    Task.objects.filter(worker__in=names).update(heartbeat_at=F("heartbeat_at") - long_ago)


class Site:
    """Worker processes as threads of this one. What Celery would carry goes from hand to hand, to the worker ``to``."""

    def __init__(self) -> None:
        self.workers: list[Worker] = []
        self.threads: list[threading.Thread] = []
        self.errors: list[BaseException] = []

    def worker(self, *, concurrency: int = 4, watch: bool = True) -> Worker:
        worker = Worker(concurrency=concurrency)
        if watch:
            worker.start()
        else:
            worker._beat()
        self.workers.append(worker)
        return worker

    def dispatch(self, to: Worker) -> int:
        return dispatch(lambda task_id: self.send(to, task_id))

    def send(self, to: Worker, task_id: int) -> threading.Thread:
        """Run a task in a thread, as Celery does when it has the message."""

        def run() -> None:
            try:
                to.run(task_id)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test's own thread reports it
                self.errors.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        self.threads.append(thread)
        thread.start()
        return thread

    def work(self, to: Worker, execution: Execution, expected: str = "Success") -> None:
        """Dispatch until the execution has this status."""

        def look() -> str:
            self.dispatch(to)
            return status(execution)

        eventually(look, lambda found: found == expected, seconds=30)

    def close(self) -> None:
        for worker in self.workers:
            worker.end()
        for thread in self.threads:
            thread.join(timeout=30)
        for worker in self.workers:
            with suppress(RuntimeError):  # One without a watch was never started.
                worker.close()
        assert not [thread for thread in self.threads if thread.is_alive()]
        assert self.errors == []


@pytest.fixture
def site(transactional_db: None) -> Iterator[Site]:
    found = Site()
    yield found
    found.close()


class Gate:
    """A runner that waits until the test opens it, and tells who has come."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._lock = threading.Lock()
        self.inside: list[int] = []
        self.most = 0
        self.done: list[int] = []

    def open(self) -> None:
        self._open.set()

    def __call__(self, context: JobContext) -> None:
        pk = context.task.pk
        with self._lock:
            self.inside.append(pk)
            self.most = max(self.most, len(self.inside))
        try:
            while not self._open.wait(0.02):
                context.check_stop()
            context.check_stop()
            self.done.append(pk)
        finally:
            with self._lock:
                self.inside.remove(pk)


@pytest.fixture
def gate() -> Iterator[Gate]:
    found = Gate()
    yield found
    found.open()
