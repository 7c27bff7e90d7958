"""Which kinds of work there are and who does them; features register theirs in ``apps.py:ready()``."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.jobs.context import JobContext

Runner = Callable[["JobContext"], None]


def no_pause(attempts: int) -> timedelta:  # noqa: ARG001 (the signature of a pause)
    """Try again at once."""
    return timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobType:
    """How tasks of one queue are run.

    ``run`` does one task; it is idempotent, since a task whose worker died is run again. ``concurrency`` is how many
    run at the same time, 0 for as many as there are workers. ``share`` is how many of one vendor id do, about, 0 for
    any number; with it the vendor ids take turns. ``retries`` is how often one that raised is tried again, after
    ``pause(attempts)``. ``keep`` is how many finished executions of one vendor id stay in the history.
    ``schedule_start`` begins what a schedule says: it gets the vendor id, the schedule's parameters and operator.
    """

    run: Runner
    concurrency: int = 0
    share: int = 0
    retries: int = 0
    pause: Callable[[int], timedelta] = no_pause
    keep: int = 50
    schedule_start: Callable[[int, dict[str, object], str], object] | None = None


_types: dict[str, JobType] = {}


def register_job(vendor_type: str, job_type: JobType) -> None:
    """Add a kind of work."""
    _types[vendor_type] = job_type


def job_type(vendor_type: str) -> JobType | None:
    """A kind of work; None for one that this version does not know."""
    return _types.get(vendor_type)


def job_types() -> dict[str, JobType]:
    """Every kind of work by its queue."""
    return _types
