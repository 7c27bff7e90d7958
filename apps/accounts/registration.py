"""How often strangers may register themselves: each time costs a password hash and leaves a row for ever."""

from apps.accounts.authentication import Deadlines
from apps.common.errors import TooManyRequestsError

REGISTRATIONS = 5
WITHIN_SECONDS = 60.0

_recent = Deadlines(size=16384)


def registration_take(address: str, *, recent: Deadlines = _recent) -> None:
    """Count a registration from ``address``; raises :class:`TooManyRequestsError` for a sixth within a minute.

    Each process counts for itself.
    """
    if not any(recent.start((address, str(place)), WITHIN_SECONDS) for place in range(REGISTRATIONS)):
        raise TooManyRequestsError("too many people have registered from this address; try again in a minute")
