"""What every event has."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from apps.common.origin import current_address


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``operator`` is the name of who did it, as the audit log shows it ("" for nobody signed in).

    ``address`` is where the request came from; "" for what no request asked for.
    """

    operator: str
    occurred_at: datetime = field(default_factory=_now)
    address: str = field(default_factory=current_address)
