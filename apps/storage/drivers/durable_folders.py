"""Folders that are still there after a power cut.

A new name survives only when the folder that holds it is synced. Syncing every folder up to the root for each
file would be dear: that a folder far up has a durable name is found out once a process and remembered.
"""

import os
from contextlib import suppress

FOLDER_MODE = 0o750


def sync(path: str) -> None:
    """Make the file or folder at the absolute ``path`` durable; raises :class:`OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class DurableFolders:
    """The folders below ``root``; paths are relative to it. All methods raise :class:`OSError`."""

    def __init__(self, root: str) -> None:
        self._root = root
        # Folders whose name is known to be durable, whoever made them: another process may have made one a moment
        # ago and not have synced it yet.
        self._durable: set[str] = set()

    def make(self, folder: str) -> None:
        """Make ``folder`` and those above it, of mode 0750 whatever the umask says."""
        absolute = f"{self._root}/{folder}".rstrip("/")
        try:
            made = self._make_one(absolute)
        except FileNotFoundError:
            if absolute == self._root:
                self._make_root(absolute)
                return
            self.make(os.path.dirname(folder))
            made = self._make_one(absolute)
        if made:
            self._durable.discard(folder)

    def sync_above(self, path: str) -> None:
        """Make the name of the file ``path`` durable, with the names of the folders that lead to it."""
        folder = os.path.dirname(path)
        sync(f"{self._root}/{folder}")
        # The lowest folder goes when its file is deleted and comes again, so its name is never taken for granted.
        if folder:
            folder = os.path.dirname(folder)
            sync(f"{self._root}/{folder}")
        while folder not in self._durable:
            parent = os.path.dirname(f"{self._root}/{folder}".rstrip("/"))
            sync(parent or "/")
            self._durable.add(folder)
            folder = os.path.dirname(folder)

    def forget(self, path: str) -> None:
        """The file ``path`` was removed: its folder goes too if that is empty.

        Nothing is synced. What a power cut brings back is a file that nobody knows, which the next collection finds;
        a sync a file would make a collection of thousands last minutes.
        """
        with suppress(OSError):  # Not empty, or another one was faster.
            os.rmdir(f"{self._root}/{os.path.dirname(path)}")

    @staticmethod
    def _make_one(absolute: str) -> bool:
        try:
            os.mkdir(absolute, FOLDER_MODE)
        except FileExistsError:
            return False
        with suppress(FileNotFoundError):  # Made and taken away again: whoever needs it makes it once more.
            os.chmod(absolute, FOLDER_MODE)
        return True

    def _make_root(self, absolute: str) -> None:
        """Make the root, with the folders above it that are missing; each is synced at once."""
        parent = os.path.dirname(absolute)
        if not os.path.isdir(parent):
            self._make_root(parent)
        self._make_one(absolute)
        sync(parent)
