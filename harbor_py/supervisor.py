"""Starts the processes of the embedded mode, restarts what dies, and ends all of them together.

`harbor-py up` becomes this program by ``exec`` when everything is checked and prepared, so it keeps its process
id and its lock, and nothing but the standard library stays in memory. See ``docs/adr/0001-own-supervisor.md``.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType

# The whole stop takes less than ten seconds: the children's own limits are below this one.
_STOP_SECONDS = 9.0
_LONGEST_PAUSE = 30.0
# A child that lived this long had started well: its next death is not part of a series.
_SOUND_SECONDS = 60.0
# Deaths of one child before the first readiness after which starting again will not help.
_START_ATTEMPTS = 4

EXIT_START_FAILED = 1


def log(level: str, message: str, **fields: object) -> None:
    """One JSON line on standard error, shaped as those of ``apps.common.logs``."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {
        "asctime": moment,
        "levelname": level,
        "name": "harbor_py.supervisor",
        "message": message,
        **fields,
    }
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()


@dataclass
class Child:
    """One supervised process: ``python -m MODULE PARENT_ID ARGUMENTS``."""

    name: str
    module: str
    arguments: Sequence[str] = ()
    restarts: bool = True
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    due: float = 0.0

    def start(self) -> None:
        """Start it in a process group of its own: Ctrl-C reaches the supervisor alone, which ends all in order."""
        command = [sys.executable, "-P", "-m", self.module, str(os.getpid()), *self.arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)  # noqa: S603 - our own modules
        self.started = time.monotonic()

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and what it has started."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def signal_leader(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        if self.process is not None:
            self.process.send_signal(number)


class Supervisor:
    """Runs until SIGTERM or SIGINT; a second one ends everything at once."""

    def __init__(self, *, url: str, children: Sequence[Child]) -> None:
        self._url = url
        self._children = children
        self._signals = 0
        self._is_ready = False
        self._exit_code = 0
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> int:
        """Supervise; returns the exit code."""
        signal.set_wakeup_fd(self._wake_write)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.signal(signal.SIGTERM, self._on_stop_signal)
        signal.signal(signal.SIGINT, self._on_stop_signal)
        for child in self._children:
            child.start()
        while not self._signals and not self._exit_code:
            self._wait(self._next_due())
            self._reap()
        self._stop()
        return self._exit_code

    def _on_stop_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _wait(self, seconds: float | None) -> None:
        """Until a signal comes or ``seconds`` have passed."""
        select.select([self._wake_read], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(self._wake_read, 4096)

    def _next_due(self) -> float | None:
        pauses = [
            child.due - time.monotonic()
            for child in self._children
            if child.process is None and child.restarts
        ]
        return max(0.0, min(pauses)) if pauses else None

    def _reap(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process is None:
                if child.restarts and now >= child.due:
                    child.start()
            elif (code := child.process.poll()) is not None:
                self._on_death(child, code, now)

    def _on_death(self, child: Child, code: int, now: float) -> None:
        child.signal_group(signal.SIGKILL)
        child.process = None
        if self._signals:
            return
        if not child.restarts:
            self._on_probe_end(code)
            return
        child.deaths = 1 if now - child.started > _SOUND_SECONDS else child.deaths + 1
        if not self._is_ready and child.deaths >= _START_ATTEMPTS:
            log("ERROR", f"the {child.name} does not start; giving up", code=code)
            self._exit_code = EXIT_START_FAILED
            return
        # The first restart is at once, so that one crash costs clients as little as it can.
        pause = 0.0 if child.deaths == 1 else min(0.5 * 2 ** (child.deaths - 2), _LONGEST_PAUSE)
        child.due = now + pause
        log("ERROR", f"the {child.name} ended unexpectedly; it is restarted", code=code, pause_seconds=pause)
        if not pause:
            child.start()

    def _on_probe_end(self, code: int) -> None:
        if code == 0:
            self._is_ready = True
            sys.stdout.write(f"harbor-py is ready: {self._url}\n")
            sys.stdout.flush()
        else:
            log("ERROR", "the server does not become healthy; see the lines above", code=code)
            self._exit_code = EXIT_START_FAILED

    def _stop(self) -> None:
        log("INFO", "stopping")
        deadline = time.monotonic() + _STOP_SECONDS
        for child in self._children:
            child.signal_leader(signal.SIGTERM)
        asked = self._signals
        while self._living() and (left := deadline - time.monotonic()) > 0 and self._signals <= max(asked, 1):
            self._wait(left)
        for child in self._living():
            log("WARNING", f"the {child.name} does not end; it is killed")
        for child in self._children:
            child.signal_group(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()
        log("INFO", "stopped")

    def _living(self) -> list[Child]:
        return [
            child for child in self._children if child.process is not None and child.process.poll() is None
        ]


def main() -> None:
    """``python -m harbor_py.supervisor LOCK_DESCRIPTOR URL PROBE_URL``."""
    lock, url, probe_url = sys.argv[1:]
    # Ours alone again: the lock must end with this process, not with the last of its children.
    os.set_inheritable(int(lock), False)
    children = [
        Child("server", "harbor_py.server"),
        Child("worker", "harbor_py.worker"),
        Child("probe", "harbor_py.probe", (probe_url,), restarts=False),
    ]
    sys.exit(Supervisor(url=url, children=children).run())


if __name__ == "__main__":
    main()
