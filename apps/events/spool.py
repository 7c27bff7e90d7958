"""The pull spool: a pull costs one appended line, and the database hears of it later, in bulk.

Lines go to ``<folder>/<host>-<process>-<period>.jsonl``. What was written survives ``kill -9``. A file is drained
when its period is over; how far is remembered in the transaction that counts its lines, so that a crash does not
count one twice.
"""

import os
import threading
import time
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
_SUFFIX = ".jsonl"
# Bytes of lines, about two thousand pulls.
_PIECE = 512 * 1024
_REMEMBER = timedelta(days=7)


class PullSpool:
    """Appends pulls for one process; threads share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
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
            name = f"{os.uname().nodename}-{os.getpid()}-{period}{_SUFFIX}"
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


def pull_line(pull: tuple[int, int, str, int, str, str, str], at: float) -> bytes:
    """One pull (the fields of :class:`Pull` but its time) at ``at`` seconds since 1970 as a line."""
    return orjson.dumps((*pull, at), option=orjson.OPT_APPEND_NEWLINE)


def spool_drain(*, everything: bool = False) -> int:
    """Bring finished spool files into the database; returns the number of pulls.

    ``everything`` also takes files whose period is not over: only when no server runs.
    """
    folder = settings.HARBOR.spool_folder
    if not folder.is_dir():
        return 0
    newest = int(time.time() - _LATE_SECONDS) // PERIOD_SECONDS
    pulls = 0
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        period = path.stem.rpartition("-")[2]
        if everything or (period.isdecimal() and int(period) < newest):
            pulls += _drain_file(path)
    with write_atomic():
        SpoolFile.objects.filter(drained_time__lt=timezone.now() - _REMEMBER).delete()
    return pulls


def _drain_file(path: Path) -> int:
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
                pulls = tuple(pull for line in lines if (pull := _parse(line)) is not None)
                if pulls:
                    publish(ArtifactsPulled(operator="", pulls=pulls))
                row.position = file.tell()
                row.drained_time = timezone.now()
                row.save(update_fields=["position", "drained_time"])
            count += len(pulls)
    path.unlink(missing_ok=True)
    return count


def _parse(line: bytes) -> Pull | None:
    """A line that the power cut in two is no pull."""
    try:
        *fields, at = orjson.loads(line)
        values = (*fields, datetime.fromtimestamp(at, UTC))
        return Pull(*values)
    except (ValueError, TypeError):
        return None
