from collections import defaultdict

import pytest

from apps.events import bus


@pytest.fixture
def empty_bus(monkeypatch):
    """Only the handlers that the test subscribes."""
    monkeypatch.setattr(bus, "_in_transaction", defaultdict(list))
    monkeypatch.setattr(bus, "_after_commit", defaultdict(dict))
