"""Stamps: integers that say whether something may have changed.

A reader takes the stamps of what it depends on, loads, and caches under them. A writer bumps before its commit
and again after it, and before it answers, so whoever has seen an answer never sees the state before it, from
any process. A lost bump cannot serve an old state for ever: cache entries also die by age.

Two implementations of one interface: a memory-mapped file for one host (about a microsecond), and Redis for
several (one round trip, shared by the threads that wait for it at the same moment).
"""

import hashlib
import mmap
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

_SLOTS = 1 << 16
_SIZE = _SLOTS * 8


class Stamps(Protocol):
    """Read and bump stamps by key; keys that share a slot only cause a needless reload."""

    def read(self, *keys: str) -> tuple[int, ...]:
        """The stamps of ``keys`` now, in their order."""

    def bump(self, *keys: str) -> None:
        """Make every reader of these keys reload."""

    def prefetch(self, *keys: str) -> None:
        """Read what this thread's request will ask for, in one go; good until :meth:`forget` or a bump."""

    def forget(self) -> None:
        """The end of this thread's request: the next one reads anew."""


class FileStamps:
    """Counters in a shared memory-mapped file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size < _SIZE:
                os.ftruncate(descriptor, _SIZE)
            self._map = mmap.mmap(descriptor, _SIZE)
            self._counters = memoryview(self._map).cast("Q")
        finally:
            os.close(descriptor)
        self._slots: dict[str, int] = {}

    def read(self, *keys: str) -> tuple[int, ...]:
        """See :class:`Stamps`."""
        counters, slot = self._counters, self._slot
        return tuple([counters[slot(key)] for key in keys])

    def bump(self, *keys: str) -> None:
        """See :class:`Stamps`. Random, not plus one: two writers at once can never write the value read before."""
        for key in keys:
            self._counters[self._slot(key)] = int.from_bytes(os.urandom(8))

    def prefetch(self, *keys: str) -> None:
        """See :class:`Stamps`: reading costs less than remembering."""

    def forget(self) -> None:
        """See :class:`Stamps`: nothing is remembered."""

    def _slot(self, key: str) -> int:
        slot = self._slots.get(key)
        if slot is None:
            if len(self._slots) > _SLOTS:
                self._slots.clear()
            slot = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) % _SLOTS
            self._slots[key] = slot
        return slot


@cache
def get_stamps() -> Stamps:
    """The stamps that this process shares with all others of the installation."""
    if settings.HARBOR.redis_url:
        # By name: a process without Redis does not carry its client.
        redis_stamps: Callable[[str], Stamps] = import_string("apps.common.redis_stamps.RedisStamps")
        return redis_stamps(settings.HARBOR.redis_url)
    return FileStamps(settings.HARBOR.data_dir / "stamps")


def touch(*keys: str) -> None:
    """Bump now and once more after the commit of the transaction around (at once where there is none)."""
    bump = _Bump(keys)
    bump()
    if transaction.get_connection().in_atomic_block:
        # Robust: what is committed is not refused any more. Old cache entries die by age then.
        transaction.on_commit(bump, robust=True)


def is_touched_here(keys: tuple[str, ...]) -> bool:
    """Whether the transaction that is open here has touched one of these keys: what it sees may yet be rolled back."""
    connection = transaction.get_connection()
    return connection.in_atomic_block and any(
        isinstance(run, _Bump) and not run.keys.isdisjoint(keys) for _, run, *_ in connection.run_on_commit
    )


class _Bump:
    """What :func:`touch` does, and does again after the commit."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = frozenset(keys)

    def __call__(self) -> None:
        get_stamps().bump(*self.keys)


def repository_key(name: str) -> str:
    """The stamp of a repository: its tags, artifacts and links."""
    return f"r:{name}"


def project_key(name: str) -> str:
    """The stamp of a project: its existence, visibility, members, robots and rules."""
    return f"p:{name}"


def principal_key(kind: str, identifier: int | str) -> str:
    """The stamp of a person (``user``) or a robot account (``robot``): password, state, rights."""
    return f"a:{kind}:{identifier}"
