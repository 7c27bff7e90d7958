import pytest

from apps.access_tokens import handlers
from apps.access_tokens.uses import LastUses
from apps.accounts import authentication
from apps.accounts.authentication import Deadlines, VerifiedCredentials
from apps.accounts.security import Kind, kinds


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def uses() -> list:
    """What was handed to the thread that writes last uses."""
    return []


@pytest.fixture(autouse=True)
def _in_this_thread(monkeypatch, uses):
    """A writer of its own would wait for the transaction of the test."""
    kept = kinds()["token"]
    taker = LastUses(lambda *job: uses.append(job))
    monkeypatch.setitem(kinds(), "token", Kind(kept.authenticator, kept.context, taker.take))
    assert handlers.last_uses is not taker


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Fresh caches, and a clock that moves only when the test moves it."""
    clock = Clock()
    monkeypatch.setattr(authentication, "_verified", VerifiedCredentials(size=100, clock=clock))
    monkeypatch.setattr(authentication, "_frozen", Deadlines(size=100, clock=clock))
    monkeypatch.setattr(authentication, "_reported", Deadlines(size=100, clock=clock))
    return clock
