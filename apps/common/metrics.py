"""What each process counts of its requests and tasks, and the sum over all processes of this host.

Requests are noted in memory; a thread of each process adds them up in a file of the data folder once a second.
Whoever shows the metrics adds up the files, and moves those of processes that have ended into one of the past, so
that a counter never goes back. See ``docs/metrics.md``.
"""

import fcntl
import logging
import os
import threading
import uuid
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import orjson
from django.conf import settings

logger = logging.getLogger(__name__)

# Seconds.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

REQUEST = "request"
TASK = "task"
LOGIN = "login"

Key = tuple[str | int, ...]
"""``(REQUEST, method, code, operation)``, ``(TASK, type, status)`` or ``(LOGIN, result)``."""

_FLUSH_SECONDS = 1.0
# Labels come from tables, not from clients; a defect must not fill the memory all the same.
_MOST_SERIES = 4096
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER"})
_PAST = "past.json"


@dataclass(slots=True)
class Series:
    """Observations of one key: how many, their seconds, bytes in and out, and how many of each bucket."""

    count: int = 0
    seconds: float = 0.0
    received: int = 0
    sent: int = 0
    # One for each of BUCKETS, not cumulative, and one for what took longer.
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))

    def add(self, other: "Series") -> None:
        """Take in the observations of another process."""
        self.count += other.count
        self.seconds += other.seconds
        self.received += other.received
        self.sent += other.sent
        self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]


@dataclass(slots=True)
class Totals:
    """The sum over processes; ``inflight`` is of those that live."""

    series: dict[Key, Series] = field(default_factory=dict)
    inflight: int = 0

    def add(self, series: dict[Key, Series]) -> None:
        """Take in one process."""
        for key, one in series.items():
            self.series.setdefault(key, Series()).add(one)


class Recorder:
    """The counts of this process.

    A request costs it two appends, a fraction of a microsecond; the thread that writes adds them up.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        self._entered: deque[None] = deque()
        self._left: deque[tuple[Key, float, int, int]] = deque()
        self._series: dict[Key, Series] = {}
        self._inflight = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / f"{os.getpid()}-{uuid.uuid4().hex[:12]}.json"
        lock = self._path.with_suffix(".lock")
        # Held as long as this process lives, however it ends: by it others see that it does.
        self._alive = os.open(f"{lock}.new", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._alive, fcntl.LOCK_EX)
        # Under this name only now: a lock that is free is that of a process that has ended.
        os.rename(f"{lock}.new", lock)
        self.flush()
        threading.Thread(target=self._run, daemon=True, name="metrics").start()

    def enter(self) -> None:
        """A request begins."""
        self._entered.append(None)

    def leave(
        self, method: str, code: int, operation: str, seconds: float, received: int = 0, sent: int = 0
    ) -> None:
        """A request has its answer; bytes are those of the bodies."""
        self._left.append(((REQUEST, method, code, operation), seconds, received, sent))

    def task(self, kind: str, status: str, seconds: float) -> None:
        """A task of the background worker has ended."""
        self._left.append(((TASK, kind, status), seconds, 0, 0))

    def login(self, result: str) -> None:
        """Somebody has tried a name and a password that are not remembered."""
        self._left.append(((LOGIN, result), 0.0, 0, 0))

    def _take(self) -> bool:
        """Add up what has come since the last time; whether it was anything."""
        entered, left = len(self._entered), len(self._left)
        for _ in range(entered):
            self._entered.popleft()
        self._inflight += entered
        for _ in range(left):
            key, seconds, received, sent = self._left.popleft()
            if key[0] == REQUEST:
                self._inflight -= 1
            if (series := self._series_of(key)) is not None:
                series.count += 1
                series.seconds += seconds
                series.received += received
                series.sent += sent
                series.buckets[bisect_left(BUCKETS, seconds)] += 1
        return bool(entered or left)

    def _series_of(self, key: Key) -> Series | None:
        series = self._series.get(key)
        if series is None and len(self._series) < _MOST_SERIES:
            if key[0] == REQUEST and key[1] not in _METHODS:
                return self._series_of((REQUEST, "OTHER", *key[2:]))
            series = self._series[key] = Series()
        return series

    def flush(self) -> None:
        """Write what has been counted to this process's file."""
        with self._lock:
            if self._take() or not self._path.exists():
                _write(self._path, _dump(self._series, self._inflight))

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(_FLUSH_SECONDS):
            try:
                self.flush()
            except OSError:
                # A full disk must cost no request; what comes next tries again.
                logger.exception("the metrics cannot be written")


class Collector:
    """Adds up the files of all processes. One of these at a time: it moves what is of the past."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def totals(self) -> Totals:
        """The sum now; a process's last second may be missing."""
        with self._lock:
            totals, merged = self._past()
            ended: dict[str, dict[Key, Series]] = {}
            for lock in sorted(self._folder.glob("*.lock")):
                data = lock.with_suffix(".json")
                is_over = _is_free(lock)
                series, inflight = _load(data)
                if not is_over:
                    totals.add(series)
                    totals.inflight += inflight
                elif data.name in merged:
                    _remove(data, lock)
                else:
                    ended[data.name] = series
            if ended:
                self._bury(ended)
                for series in ended.values():
                    totals.add(series)
            return totals

    def _past(self) -> tuple[Totals, set[str]]:
        path = self._folder / _PAST
        series, _ = _load(path)
        return Totals(series), set(_merged(path))

    def _bury(self, ended: dict[str, dict[Key, Series]]) -> None:
        """First the sum with the names in it, then away with the files: killed between, nothing counts twice."""
        past, _ = self._past()
        for series in ended.values():
            past.add(series)
        _write(self._folder / _PAST, _dump(past.series, 0, merged=ended))
        for name in ended:
            data = self._folder / name
            _remove(data, data.with_suffix(".lock"))


def metrics_folder() -> Path:
    """Where the processes of this host put their counts."""
    folder: Path = settings.HARBOR.data_dir / "metrics"
    return folder


@cache
def get_recorder() -> Recorder | None:
    """The counts of this process; None where metrics are switched off. Not before a process has forked for good."""
    # Threads that are first at the same time would make one each: a cache calls for each of them.
    with _one_maker:
        return _make_recorder()


_one_maker = threading.Lock()


@cache
def _make_recorder() -> Recorder | None:
    return Recorder(metrics_folder()) if settings.HARBOR.metric_enable else None


def _dump(series: dict[Key, Series], inflight: int, *, merged: Iterable[str] = ()) -> bytes:
    rows = [
        (key, (one.count, one.seconds, one.received, one.sent), tuple(one.buckets))
        for key, one in series.items()
    ]
    return orjson.dumps({"inflight": inflight, "merged": list(merged), "series": rows})


def _load(path: Path) -> tuple[dict[Key, Series], int]:
    """The counts of a file; none from one that is not there, or of another version."""
    try:
        content = orjson.loads(path.read_bytes())
        series = {
            tuple(key): Series(
                int(values[0]), float(values[1]), int(values[2]), int(values[3]), list(buckets)
            )
            for key, values, buckets in content["series"]
            if len(buckets) == len(BUCKETS) + 1
        }
        return series, int(content["inflight"])
    except (OSError, ValueError, TypeError, KeyError):
        return {}, 0


def _merged(path: Path) -> list[str]:
    try:
        return list(orjson.loads(path.read_bytes())["merged"])
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: readers come at any moment."""
    temporary = path.with_suffix(".new")
    temporary.write_bytes(content)
    temporary.replace(path)


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _is_free(lock: Path) -> bool:
    """Whether the process that held the lock has ended."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
