"""Limits of limits, and the stamp under which a project's room is cached."""

NO_LIMIT = -1

MAX_HARD = 1 << 50
"""Largest limit that can be set, in bytes (1024 TiB), as in Harbor."""

WARN_PERCENT = 85
"""Share of the limit whose crossing is told."""


def quota_key(project_id: int) -> str:
    """The stamp of a project's quota: its limit, and bytes given back."""
    return f"q:{project_id}"
