"""Spools: what happens often costs one appended line, and the database hears of it later, in bulk.

Lines go to ``<folder>/<host>-<process>-<period><suffix>``, pulls to ``.jsonl``. What was written survives ``kill -9``. A file is drained
when its period is over; how far is remembered in the transaction that counts its lines, so that a crash does not
count one twice.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from django.conf import settings
from django.utils import timezone

from apps.common.database import write_atomic
from apps.events.bus import publish
from apps.events.catalogue import ArtifactsPulled, Pull
from apps.events.models import SpoolFile

PERIOD_SECONDS = 5
_LATE_SECONDS = 2
_PULLS = ".jsonl"
# Bytes of lines, about two thousand pulls.
_PIECE = 512 * 1024
_REMEMBER = timedelta(days=7)


class Spool:
    """Appends lines for one process; threads share it. ``suffix`` tells what kind of lines they are."""

    def __init__(self, folder: Path, suffix: str = _PULLS) -> None:
        self._folder = folder
        self._suffix = suffix
        self._lock = threading.Lock()
        self._period = -1
        self._process = -1
        self._descriptor = -1

    def append(self, line: bytes) -> None:
        """Write one line (with its newline) that survives the death of this process."""
        now = int(time.time())
        if now // PERIOD_SECONDS != self._period or self._process != os.getpid():
            self._rotate(now // PERIOD_SECONDS)
        os.write(self._descriptor, line)

    def _rotate(self, period: int) -> None:
        with self._lock:
            if period == self._period and self._process == os.getpid():
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            name = f"{os.uname().nodename}-{os.getpid()}-{period}{self._suffix}"
            descriptor = os.open(
                self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640
            )
            if self._descriptor >= 0 and self._process == os.getpid():
                # In place: a thread in the middle of append keeps a descriptor that works.
                os.dup2(descriptor, self._descriptor, inheritable=False)
                os.close(descriptor)
            else:
                self._descriptor = descriptor
            self._process, self._period = os.getpid(), period


def pull_line(pull: tuple[int, int, str, int, str, str, str], at: float, address: str = "") -> bytes:
    """One pull (the fields of :class:`Pull` up to its operator) at ``at`` seconds since 1970 as a line."""
    return orjson.dumps((*pull, at, address), option=orjson.OPT_APPEND_NEWLINE)


def spool_drain(*, everything: bool = False) -> int:
    """Bring the pulls of finished spool files into the database; returns their number.

    ``everything`` also takes files whose period is not over: only when no server runs.
    """
    return spool_take(_PULLS, _take_pulls, everything=everything)


def spool_take(suffix: str, take: Callable[[Sequence[bytes]], int], *, everything: bool = False) -> int:
    """Give the lines of finished spool files to ``take``, each once; returns the sum of what it returns.

    ``take`` runs inside the transaction that remembers how far the file was read, for a piece of it at a time.
    """
    folder = settings.HARBOR.spool_folder
    if not folder.is_dir():
        return 0
    newest = int(time.time() - _LATE_SECONDS) // PERIOD_SECONDS
    count = 0
    for path in sorted(folder.glob(f"*{suffix}")):
        period = path.stem.rpartition("-")[2]
        if everything or (period.isdecimal() and int(period) < newest):
            count += _drain_file(path, take)
    with write_atomic():
        SpoolFile.objects.filter(drained_time__lt=timezone.now() - _REMEMBER).delete()
    return count


def _drain_file(path: Path, take: Callable[[Sequence[bytes]], int]) -> int:
    """A piece of the file a transaction: pushes wait for a piece at most, and memory holds no more than one."""
    count = 0
    with path.open("rb") as file:
        while True:
            with write_atomic():
                row, _ = SpoolFile.objects.select_for_update().get_or_create(
                    name=path.name, defaults={"drained_time": timezone.now()}
                )
                file.seek(row.position)
                lines = file.readlines(_PIECE)
                if not lines:
                    break
                taken = take(lines)
                row.position = file.tell()
                row.drained_time = timezone.now()
                row.save(update_fields=["position", "drained_time"])
            count += taken
    path.unlink(missing_ok=True)
    return count


def _take_pulls(lines: Sequence[bytes]) -> int:
    pulls = tuple(pull for line in lines if (pull := _parse(line)) is not None)
    if pulls:
        publish(ArtifactsPulled(operator="", pulls=pulls))
    return len(pulls)


def _parse(line: bytes) -> Pull | None:
    """A line that the power cut in two is no pull."""
    try:
        project_id, repository_id, name, artifact_id, digest, tag, operator, at, *rest = orjson.loads(line)
        moment = datetime.fromtimestamp(at, UTC)
        # The release before wrote no address.
        return Pull(project_id, repository_id, name, artifact_id, digest, tag, operator, moment, *rest)
    except (ValueError, TypeError):
        return None
