"""Times of seeded rows as both databases read them: UTC, to the second, without a zone."""

from datetime import UTC, datetime, timedelta

# Not "now": the same --seed makes the same rows on another day.
END = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = 2 * 365 * 86400
_START = END - timedelta(seconds=SPAN)
_DAYS = [(_START + timedelta(days=day)).strftime("%Y-%m-%d") for day in range(SPAN // 86400 + 1)]
_SECONDS = [
    f"{hour:02d}:{minute:02d}:{second:02d}"
    for hour in range(24)
    for minute in range(60)
    for second in range(60)
]


def at(seconds: float) -> str:
    """The moment so many seconds after the beginning; those beyond the end are the end."""
    day, second = divmod(min(int(seconds), SPAN), 86400)
    return f"{_DAYS[day]} {_SECONDS[second]}"


def iso(moment: str) -> str:
    """A moment as documents write it: ``2025-01-31T23:59:59Z``."""
    return f"{moment[:10]}T{moment[11:]}Z"
