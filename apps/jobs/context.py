"""What a runner is given: its parameters, its log, its memory, and the word to stop."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from apps.common.database import write_atomic
from apps.common.errors import UnavailableError
from apps.common.fields import json_storable
from apps.jobs.logs import LogWriter
from apps.jobs.models import Task
from apps.jobs.services import execution_results

_ResultT = TypeVar("_ResultT")
_PAUSE_SECONDS = 1.0


class JobStoppedError(Exception):
    """Somebody asked for this task to stop; raised by :meth:`JobContext.check_stop` and let through by runners."""


class JobFailedError(Exception):
    """The task has failed by no fault of ours; the message says why to people, and is all that there is to know."""


class JobLostError(Exception):
    """What this run does counts no more; let through by runners.

    The worker was taken for dead and the task given to another one, or the worker is about to end.
    """


class JobContext:
    """One run of one task."""

    def __init__(self, task: Task) -> None:
        self.task = task
        # That of the claim: a later one in the row means that this run does not count any more.
        self.revision = task.revision
        self.parameters: dict[str, Any] = task.parameters
        self.log = LogWriter(task.pk)
        self._stopped = threading.Event()
        self._lost = threading.Event()

    @property
    def operator(self) -> str:
        """Who began the execution."""
        return self.task.execution.operator

    @property
    def state(self) -> dict[str, Any]:
        """What this task has remembered, in this run or in one that was cut off."""
        state: dict[str, Any] = self.task.state
        return state

    def remember(self, **state: Any) -> None:
        """Keep something for the case that this worker dies: the next run finds it in :attr:`state`.

        A task that gets on is no danger to its workers, so those that died over it are no longer counted. Raises
        :class:`JobLostError` if it is another worker's by now.
        """
        with write_atomic():
            self.task.state = self.task.state | json_storable(state)
            own = Task.objects.filter(pk=self.task.pk, revision=self.task.revision)
            if not own.update(state=self.task.state, losses=0):
                raise JobLostError
            self.task.losses = 0

    def report(self, **attributes: Any) -> None:
        """Show something of this task in its attributes."""
        with write_atomic():
            self.task.extra_attrs = self.task.extra_attrs | json_storable(attributes)
            Task.objects.filter(pk=self.task.pk).update(extra_attrs=self.task.extra_attrs)

    def report_execution(self, **results: Any) -> None:
        """Show something of the execution in its attributes."""
        execution_results(execution_id=self.task.execution_id, **results)

    @property
    def is_stopped(self) -> bool:
        """Whether :meth:`check_stop` would raise."""
        return self._stopped.is_set()

    def check_stop(self) -> None:
        """To be called at least every second or two by a runner.

        Raises :class:`JobStoppedError` or :class:`JobLostError`.
        """
        if self._lost.is_set():
            raise JobLostError
        if self._stopped.is_set():
            raise JobStoppedError

    def wait(self, seconds: float) -> None:
        """Sleep so many seconds, less if the task is stopped; raises as :meth:`check_stop` does."""
        self._stopped.wait(seconds)
        self.check_stop()

    def insist(self, work: Callable[[], _ResultT]) -> _ResultT:
        """What ``work`` returns, asked again each second while Redis is away, without which nothing can be changed.

        For runners that take a :class:`DomainError` for an answer. Raises what :meth:`check_stop` does.
        """
        is_told = False
        while True:
            try:
                return work()
            except UnavailableError as error:
                if not is_told:
                    self.log.write(f"waits: {error}", level="WARNING")
                is_told = True
                self.wait(_PAUSE_SECONDS)

    def stop(self) -> None:
        """Told by the worker: somebody asked for a stop."""
        self._stopped.set()

    def lose(self) -> None:
        """Told by the worker: the task is another one's, or has to become so."""
        self._lost.set()
        self._stopped.set()
