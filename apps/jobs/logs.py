"""Logs of tasks: written while they run, read while they are written."""

import threading
from collections.abc import Iterator
from contextlib import suppress

from django.db import IntegrityError, connection
from django.utils import timezone

from apps.common.database import write_atomic
from apps.jobs.models import TaskLog

_LINES = 200
_CHUNK = 500
MOST_LOG = 10_000_000
"""Characters of a log that are read at once."""


class LogWriter:
    """Collects lines of one task; :meth:`flush` stores them, which the worker does every second. Threads may share it.

    To write a line never waits for the database where the caller has a transaction: another thread may be storing,
    and wait for just that transaction.
    """

    def __init__(self, task_id: int) -> None:
        self._task_id = task_id
        self._lines: list[str] = []
        self._lines_lock = threading.Lock()
        self._store_lock = threading.Lock()

    def write(self, text: str, *, level: str = "INFO") -> None:
        """One line, with its time in UTC and its level before it."""
        stamp = timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        with self._lines_lock:
            self._lines.append(f"{stamp} [{level}] {text}".replace("\x00", "\ufffd"))
            full = len(self._lines) >= _LINES
        if full and not connection.in_atomic_block and self._store_lock.acquire(blocking=False):
            try:
                self._store()
            finally:
                self._store_lock.release()

    def flush(self) -> None:
        """Store what was collected; not to be called inside a transaction."""
        with self._store_lock:
            self._store()

    def _store(self) -> None:
        """Lines are forgotten here when they are stored, so that none is lost while the database is away."""
        with self._lines_lock:
            lines = self._lines[:]
        if not lines:
            return
        # A task that was deleted while it ran (with what it was a run of) has no log any more.
        with suppress(IntegrityError), write_atomic():
            TaskLog.objects.create(task_id=self._task_id, text="\n".join(lines) + "\n")
        with self._lines_lock:
            del self._lines[: len(lines)]


def log_text(*, task_ids: list[int], most: int = MOST_LOG) -> str:
    """What these tasks have written, at most ``most`` characters of its end."""
    pieces: list[str] = []
    room = most
    for task_id in sorted(task_ids, reverse=True):
        rows = TaskLog.objects.filter(task_id=task_id).order_by("-pk").values_list("text", flat=True)
        for text in rows.iterator(chunk_size=_CHUNK):
            pieces.append(text[-room:])
            room -= len(text)
            if room <= 0:
                return "(the beginning is left out)\n" + "".join(reversed(pieces))
    return "".join(reversed(pieces))


def log_read(*, task_ids: list[int], after: int = 0) -> Iterator[tuple[int, str]]:
    """What these tasks have written after the row ``after``: (id of the row, text), in pieces; tasks in their order."""
    for task_id in sorted(task_ids):
        last = after
        while rows := list(
            TaskLog.objects.filter(task_id=task_id, pk__gt=last)
            .order_by("pk")
            .values_list("pk", "text")[:_CHUNK]
        ):
            yield from rows
            last = rows[-1][0]
