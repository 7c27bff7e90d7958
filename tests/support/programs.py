"""Programs of the system that the tests drive: where they are, and what happens where one is not."""

import ctypes
import os
import random
import shutil
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

_PR_SET_PDEATHSIG = 1
# Below the range from which the system gives ports to outgoing connections, so that none of those is in the way.
_FIRST_PORT, _LAST_PORT = 20_000, 32_000


def find_program(name: str) -> str | None:
    """The path of ``name`` on PATH, in the folders of administrators or among PostgreSQL's own."""
    folders = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", "/sbin", "/usr/local/sbin"]
    folders += sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    return shutil.which(name, path=os.pathsep.join(folders))


def need(name: str) -> str:
    """The path of ``name``; without it the test is skipped by that name, or fails where ``CI`` is set."""
    if path := find_program(name):
        return path
    message = f"the program {name} is not installed"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    while True:
        port = random.randrange(_FIRST_PORT, _LAST_PORT)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """For ``preexec_fn``: the kernel sends ``number`` when the test run dies, so that nothing outlives a kill of it."""
    library = ctypes.CDLL(None)

    def ask() -> None:
        library.prctl(_PR_SET_PDEATHSIG, int(number))

    return ask


def kill_session(leader: int) -> None:
    """SIGKILL the process ``leader``, what descends from it and what is in its session, until none is left."""
    members = _session(leader)
    while members:
        # The leader first, so that it starts no new ones.
        for member in sorted(members, key=lambda process: process != leader):
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        time.sleep(0.005)
        members = _session(leader)


def _session(leader: int) -> set[int]:
    """The living members. Read from /proc in one go: it is done a hundred times while other threads are busy."""
    parents: dict[int, int] = {}
    members: set[int] = set()
    for entry in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                state, parent, _group, session = file.read().rpartition(b")")[2].split()[:4]
        except OSError:
            continue
        if state not in (b"Z", b"X"):
            parents[int(entry)] = int(parent)
            if int(session) == leader:
                members.add(int(entry))
    known = members | {leader}
    while children := {process for process, parent in parents.items() if parent in known} - known:
        known |= children
        members |= children
    return members
