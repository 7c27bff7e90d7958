"""Bounded in-process caches whose entries live under stamps."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from apps.common.stamps import get_stamps, is_touched_here

ValueT = TypeVar("ValueT")


class StampedCache(Generic[ValueT]):
    """Values by key, each good while the stamps under which it was loaded stand, and for ``max_age`` seconds.

    ``None`` from the loader means absent and is not kept, nor is what a transaction loads after it has changed it.
    ``max_weight`` bounds the sum of ``weigh(value)``; the oldest entries go first. Two threads may load the same key at once: loading has no side effects.
    """

    def __init__(
        self,
        *,
        max_entries: int,
        max_age: float,
        max_weight: int = 0,
        weigh: Callable[[ValueT], int] = lambda _: 0,
    ) -> None:
        self._entries: dict[object, tuple[tuple[int, ...], float, ValueT, int]] = {}
        self._max_entries = max_entries
        self._max_age = max_age
        self._max_weight = max_weight
        self._weigh = weigh
        self._weight = 0
        self._lock = threading.Lock()

    def get(
        self, key: object, stamp_keys: tuple[str, ...], load: Callable[[], ValueT | None]
    ) -> ValueT | None:
        """The value of ``key``, from memory if it still holds, else loaded."""
        stamps = get_stamps().read(*stamp_keys)
        entry = self._entries.get(key)
        if entry is not None and entry[0] == stamps and entry[1] > time.monotonic():
            return entry[2]
        value = load()
        if value is not None:
            if not is_touched_here(stamp_keys):
                self._keep(key, stamps, value)
        elif entry is not None:
            self.forget(key)
        return value

    def forget(self, key: object) -> None:
        """Drop one entry."""
        with self._lock:
            self._drop(key)

    def _keep(self, key: object, stamps: tuple[int, ...], value: ValueT) -> None:
        weight = self._weigh(value)
        if self._max_weight and weight > self._max_weight // 4:
            return
        with self._lock:
            self._drop(key)
            self._entries[key] = (stamps, time.monotonic() + self._max_age, value, weight)
            self._weight += weight
            while len(self._entries) > self._max_entries or self._weight > self._max_weight > 0:
                self._drop(next(iter(self._entries)))

    def _drop(self, key: object) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._weight -= entry[3]
