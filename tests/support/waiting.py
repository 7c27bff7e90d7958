"""Waiting for what a server does in its own time."""

import time
from collections.abc import Callable
from typing import TypeVar

AnswerT = TypeVar("AnswerT")


def eventually(
    ask: Callable[[], AnswerT], is_right: Callable[[AnswerT], object] = bool, *, seconds: float = 60
) -> AnswerT:
    """What ``ask`` gives once it ``is_right``; after ``seconds`` the test fails with what it gave last."""
    deadline = time.monotonic() + seconds
    while not is_right(found := ask()):
        assert time.monotonic() < deadline, f"after {seconds} s still {found!r}"
        time.sleep(0.05)
    return found
