"""System settings of a running server, changed for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx


@contextmanager
def changed_settings(admin: httpx.Client, **changes: Any) -> Iterator[None]:
    """Have settings for the block; before it ends they are as they were. ``admin`` is an administrator's client."""
    before = {
        name: item["value"] for name, item in admin.get("/configurations").json().items() if name in changes
    }
    _put(admin, changes)
    try:
        yield
    finally:
        _put(admin, before)


def _put(admin: httpx.Client, values: dict[str, Any]) -> None:
    answer = admin.put("/configurations", json=values)
    assert answer.status_code == 200, answer.text
