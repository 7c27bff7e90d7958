import pytest

from apps.access_tokens import handlers
from apps.access_tokens.uses import LastUses
from apps.accounts.security import Kind, kinds
from tests.support.clock import Clock, fresh_sign_ins
from tests.support.people import acting, person


@pytest.fixture
def anna():
    return acting(person("anna"))


@pytest.fixture
def boss():
    """A system administrator."""
    return acting(person("boss", sysadmin=True))


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
    fresh_sign_ins(monkeypatch, clock)
    return clock
