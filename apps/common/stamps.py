"""Stamps: integers that say whether something may have changed.

A reader takes the stamps of what it depends on, loads, and caches under them. A writer bumps before its commit
and again after it, and before it answers, so whoever has seen an answer never sees the state before it, from
any process. A lost bump cannot serve an old state for ever: cache entries also die by age.

Two implementations of one interface: a memory-mapped file for one host (about a microsecond), and Redis for
several (one round trip, shared by the threads that wait for it at the same moment).
"""

import hashlib
import logging
import mmap
import os
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Protocol, cast

import redis
from django.conf import settings
from django.db import transaction

from apps.common.errors import UnavailableError

logger = logging.getLogger(__name__)

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


class RedisStamps:
    """Counters in one Redis hash; a flushed Redis reads as all zero, which no cache entry matches for long."""

    _HASH = "harbor:stamps"

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url, socket_timeout=5, socket_connect_timeout=5, health_check_interval=30, protocol=2
        )
        self._request = threading.local()

    def read(self, *keys: str) -> tuple[int, ...]:
        """See :class:`Stamps`."""
        known: dict[str, int] = getattr(self._request, "stamps", {})
        try:
            return tuple([known[key] for key in keys])
        except KeyError:
            return self._fetch(keys)

    def prefetch(self, *keys: str) -> None:
        """See :class:`Stamps`."""
        self._request.stamps = dict(zip(keys, self._fetch(keys), strict=True)) if keys else {}

    def forget(self) -> None:
        """See :class:`Stamps`."""
        self._request.stamps = {}

    def _fetch(self, keys: Sequence[str]) -> tuple[int, ...]:
        try:
            values = cast("list[bytes | None]", self._client.hmget(self._HASH, list(keys)))
        except redis.RedisError:
            # Without stamps no cache entry may be believed: every read goes to the database until Redis is back.
            logger.exception("Redis cannot be reached: caches are off")
            return tuple(int.from_bytes(os.urandom(8)) for _ in keys)
        return tuple(int(value or 0) for value in values)

    def bump(self, *keys: str) -> None:
        """See :class:`Stamps`."""
        self.forget()
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.hset(self._HASH, key, str(int.from_bytes(os.urandom(7))))
        try:
            pipeline.execute()
        except redis.RedisError as error:
            raise UnavailableError(
                "Redis cannot be reached, so nothing may be changed now; try again"
            ) from error


@cache
def get_stamps() -> Stamps:
    """The stamps that this process shares with all others of the installation."""
    if settings.HARBOR.redis_url:
        return RedisStamps(settings.HARBOR.redis_url)
    return FileStamps(settings.HARBOR.data_dir / "stamps")


def touch(*keys: str) -> None:
    """Bump now and once more after the commit of the transaction around (at once where there is none)."""
    stamps = get_stamps()
    stamps.bump(*keys)
    if transaction.get_connection().in_atomic_block:
        # Robust: what is committed is not refused any more. Old cache entries die by age then.
        transaction.on_commit(lambda: stamps.bump(*keys), robust=True)


def repository_key(name: str) -> str:
    """The stamp of a repository: its tags, artifacts and links."""
    return f"r:{name}"


def project_key(name: str) -> str:
    """The stamp of a project: its existence, visibility, members, robots and rules."""
    return f"p:{name}"


def principal_key(kind: str, identifier: int | str) -> str:
    """The stamp of a person (``user``) or a robot account (``robot``): password, state, rights."""
    return f"a:{kind}:{identifier}"
