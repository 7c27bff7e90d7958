"""Time that moves only when a test moves it."""

import pytest

from apps.accounts import authentication
from apps.accounts.authentication import Deadlines, VerifiedCredentials


class Clock:
    """Stands for ``time.monotonic`` or ``time.time``; ``now`` in seconds."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def fresh_sign_ins(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Forget which passwords were right and wrong, and take the time from ``clock`` from now on."""
    monkeypatch.setattr(authentication, "_verified", VerifiedCredentials(size=100, clock=clock))
    monkeypatch.setattr(authentication, "_frozen", Deadlines(size=100, clock=clock))
    monkeypatch.setattr(authentication, "_reported", Deadlines(size=100, clock=clock))
