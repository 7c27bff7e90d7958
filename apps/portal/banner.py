"""The banner: a message on every page, kept in one setting as Harbor's JSON."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

BANNER_COOKIE = "harbor-banner"
"""Holds the mark of the banner that the reader has closed."""

BANNER_TYPES = ("info", "success", "warning", "danger")
MARK_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Banner:
    """``message`` "" is no banner. It is shown from the first to the last of its days (UTC), without them always."""

    message: str
    type: str = "info"
    closable: bool = False
    from_date: date | None = None
    to_date: date | None = None

    @property
    def mark(self) -> str:
        """Tells its message from others."""
        return hashlib.sha256(self.message.encode()).hexdigest()[:MARK_LENGTH]

    def is_shown(self, day: date, *, closed: str = "") -> bool:
        """Whether it is shown on this day to somebody who has closed the one with the mark ``closed``."""
        begun = self.from_date is None or self.from_date <= day
        is_time = bool(self.message) and begun and (self.to_date is None or day <= self.to_date)
        return is_time and not (self.closable and closed == self.mark)


def banner_read(text: str) -> Banner:
    """The banner of a setting; what is not Harbor's JSON is a message as it is."""
    try:
        values = json.loads(text) if text.strip() else {}
    except ValueError:
        return Banner(text)
    if not isinstance(values, dict):
        return Banner(text)
    kind = values.get("type")
    return Banner(
        message=str(values.get("message") or ""),
        type=kind if kind in BANNER_TYPES else "info",
        closable=values.get("closable") is True,
        from_date=_day(values.get("fromDate")),
        to_date=_day(values.get("toDate")),
    )


def banner_write(banner: Banner) -> str:
    """The text of the setting; "" for no banner. The days are whole ones: from their first to their last moment."""
    if not banner.message:
        return ""
    values: dict[str, Any] = {
        "message": banner.message,
        "type": banner.type,
        "closable": banner.closable,
    }
    if banner.from_date is not None:
        values["fromDate"] = _moment(datetime.combine(banner.from_date, time(), UTC))
    if banner.to_date is not None:
        end = datetime.combine(banner.to_date + timedelta(days=1), time(), UTC) - timedelta(milliseconds=1)
        values["toDate"] = _moment(end)
    return json.dumps(values, ensure_ascii=False)


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _day(value: Any) -> date | None:
    try:
        moment = datetime.fromisoformat(str(value))
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        return None
