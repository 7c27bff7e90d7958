"""The audit log as JSON lines in a file, rotated by size; several processes may write, and others may rotate too.

The file is opened for each batch and closed after it, so that a file that somebody else moved away is never written to
again. The writers of one host take turns by a lock beside it.
"""

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def logfile_append(path: Path, lines: Sequence[bytes], *, max_bytes: int, keep: int) -> None:
    """Append lines (each with its line feed), all of them or none, and have them on the disk.

    A file that would grow beyond ``max_bytes`` becomes ``path.1`` first, the one before it ``path.2`` and so on;
    ``keep`` old ones stay. Raises ``OSError``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        data = b"".join(lines)
        with suppress(FileNotFoundError):
            size = path.stat().st_size
            if size and size + len(data) > max_bytes:
                _rotate(path, keep)
        _append(path, data)
    finally:
        os.close(lock)


def _append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    try:
        before = os.fstat(descriptor).st_size
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        except OSError:
            # The disk is full: no half line, and the batch comes again whole.
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)


def _rotate(path: Path, keep: int) -> None:
    if keep == 0:
        path.unlink()
        return
    for number in range(keep - 1, 0, -1):
        with suppress(FileNotFoundError):
            os.replace(f"{path}.{number}", f"{path}.{number + 1}")
    os.replace(path, f"{path}.1")
