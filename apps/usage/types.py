"""What a series is made of."""

from dataclasses import dataclass
from datetime import date, timedelta

KEPT = timedelta(days=400)
"""How long samples are kept."""


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """A day (UTC): bytes that were paid for and artifacts that were there at its end, pulls in the course of it."""

    day: date
    storage: int
    artifact_count: int
    pulls: int
