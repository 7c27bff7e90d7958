"""How long is long: when a worker is taken for dead, when a message is taken for lost."""

from datetime import timedelta

from django.conf import settings

STOP_SECONDS = 1
"""How often a worker looks for stops, and stores what its tasks have logged."""

_LONGEST_BEAT = 5


def lost_after() -> timedelta:
    """A worker whose heart has not beaten for so long is dead."""
    return timedelta(seconds=settings.HARBOR.job_lost_seconds)


def beat_seconds() -> float:
    """How often a heart beats: several times before it counts as stopped."""
    return min(_LONGEST_BEAT, settings.HARBOR.job_lost_seconds / 4)


def resend_after() -> timedelta:
    """A message that was lost (Redis started empty, a worker died before it took it) is sent again after this."""
    return lost_after() * 2 / 3
