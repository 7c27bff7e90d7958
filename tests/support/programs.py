"""Programs of the system that the tests drive: where they are, and what happens where one is not."""

import ctypes
import os
import random
import shutil
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
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
    while members := _session(leader):
        for member in members:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(members, timeout=5)


def _session(leader: int) -> list[psutil.Process]:
    """The living members, the leader first so that it starts no new ones."""
    members: dict[int, psutil.Process] = {}
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(leader)
        members[leader] = process
        members |= {child.pid: child for child in process.children(recursive=True)}
    for process in psutil.process_iter():
        with suppress(OSError):
            if os.getsid(process.pid) == leader:
                members[process.pid] = process
    return [process for process in members.values() if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
