"""Signing in with a signed token of somebody else in the place of a password: that of a pipeline's job, say.

Such a token is told by its form, and is longer than any password: no hash is made of it, and who knows passwords is
not asked. It cannot be guessed either, so a wrong one slows nobody else down who comes by the same name or from the
same address; what is bounded is how many wrong ones an address may have checked.
"""

import re
import threading
import time
from collections.abc import Callable

from apps.accounts.issuers import MAX_TOKEN
from apps.accounts.passwords import MAX_PASSWORD
from apps.accounts.security import Principal

Check = Callable[[str, str], Principal | None]

FAILURES_A_MINUTE = 60

_FORM = re.compile(r"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
_MAX_ADDRESSES = 16384
_SECONDS = 60.0


class Allowance:
    """So many a minute for each key; ``size`` keys at most, the oldest go first. Threads may share it."""

    def __init__(self, count: int, *, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._size = size
        self._clock = clock
        self._used: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def is_spent(self, key: str) -> bool:
        """Whether the key has none left in its minute."""
        start, used = self._used.get(key, (0.0, 0))
        return used >= self._count and self._clock() < start + _SECONDS

    def spend(self, key: str) -> None:
        """Take one."""
        with self._lock:
            now = self._clock()
            start, used = self._used.pop(key, (now, 0))
            while len(self._used) >= self._size:
                del self._used[next(iter(self._used))]
            self._used[key] = (start, used + 1) if now < start + _SECONDS else (now, 1)


_checks: list[Check] = []
_failures = Allowance(FAILURES_A_MINUTE, size=_MAX_ADDRESSES)


def register_federation(check: Check) -> None:
    """Add accounts that may sign in so; called from an app's ``ready()``.

    ``check`` gives the principal, with ``until``, of a name and a token that is good for it, else None; it must not
    fail.
    """
    _checks.append(check)


def is_signed_token(text: str) -> bool:
    """Whether a password has the form of a signed token (JWT)."""
    return MAX_PASSWORD < len(text) <= MAX_TOKEN and _FORM.match(text) is not None


def federated_principal(username: str, token: str, *, address: str) -> Principal | None:
    """The account of this name, if the token is one that it trusts. ``address`` is the client's."""
    if _failures.is_spent(address):
        return None
    for check in _checks:
        if (principal := check(username, token)) is not None:
            return principal
    _failures.spend(address)
    return None
