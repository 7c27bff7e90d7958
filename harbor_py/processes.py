"""What the processes of one installation need from the kernel."""

import ctypes
import fcntl
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


class AlreadyRunningError(Exception):
    """Another process holds the lock of the data folder; the message names it."""


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when ``parent``, the process that started it, is gone.

    SIGKILL, because what is half done is safe by design, and a child that drains for long would still be there
    when the next ``up`` begins. Does nothing outside Linux.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # It died before the kernel was told.
        os.kill(os.getpid(), signal.SIGKILL)


def lock_data_folder(path: Path) -> int:
    """Take the lock file at ``path`` and write this process's id into it; returns the open descriptor.

    The lock lives as long as the descriptor, and so ends with the process however it ends. Raises
    :class:`AlreadyRunningError`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise AlreadyRunningError(
            f"the data folder {path.parent} is in use by another `harbor-py up`, process {holder}"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
