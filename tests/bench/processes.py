"""What a server's processes cost: CPU seconds and peak memory, read from /proc."""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

_RESET_PEAK = "5"


@dataclass(frozen=True, slots=True)
class Cost:
    """``cpu`` in seconds; ``peak`` in bytes, of the largest process, named ``largest``.

    ``strangers`` is what processes that are neither the server nor we used, in cores.
    """

    cpu: float
    peak: int
    largest: str
    strangers: float


class Meter:
    """Measures the trees below ``roots`` between entering the context and leaving it.

    ``counted`` of them have their memory looked at as well: a database's shared buffers are not the product's.
    """

    def __init__(self, roots: Iterable[int], counted: Iterable[int]) -> None:
        self._roots = list(roots)
        self._counted = list(counted)
        self.cost = Cost(0.0, 0, "", 0.0)

    def __enter__(self) -> Self:
        for process in _tree(self._counted):
            with suppress(OSError):
                Path(f"/proc/{process.pid}/clear_refs").write_text(_RESET_PEAK, "ascii")
        self._cpu = _cpu(self._roots)
        self._own = _own_cpu()
        self._busy = _busy_cpu()
        self._begin = time.monotonic()
        return self

    def __exit__(self, *_exception: object) -> None:
        seconds = time.monotonic() - self._begin
        cpu = _cpu(self._roots) - self._cpu
        own = _own_cpu() - self._own
        busy = _busy_cpu() - self._busy
        peak, largest = max((_peak(process) for process in _tree(self._counted)), default=(0, ""))
        self.cost = Cost(cpu, peak, largest, max(0.0, busy - own - cpu) / seconds)


def _tree(roots: Iterable[int]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for root in roots:
        with suppress(psutil.NoSuchProcess):
            leader = psutil.Process(root)
            found += [leader, *leader.children(recursive=True)]
    return found


def _cpu(roots: Iterable[int]) -> float:
    """Seconds of user and system time of the living, and of their children that have ended."""
    seconds = 0.0
    for process in _tree(roots):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds


def _own_cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _busy_cpu() -> float:
    """Seconds of all processors spent on processes and the kernel, of the whole machine."""
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice + times.irq + times.softirq)


def _peak(process: psutil.Process) -> tuple[int, str]:
    with suppress(OSError, psutil.NoSuchProcess):
        for line in Path(f"/proc/{process.pid}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024, _name(process)
    return 0, ""


def _name(process: psutil.Process) -> str:
    """The Python module that runs, else the program."""
    words = process.cmdline()
    return str(words[words.index("-m") + 1] if "-m" in words else process.name())
