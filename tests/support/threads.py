"""The same work in several threads at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

ResultT = TypeVar("ResultT")


def at_once(count: int, work: Callable[[int], ResultT]) -> list[ResultT]:
    """What ``work(number)`` returns for each number below ``count``, in threads that start together.

    Each has a database connection of its own; the first exception of one is raised here.
    """
    barrier = Barrier(count)

    def run(number: int) -> ResultT:
        try:
            barrier.wait(timeout=30)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
