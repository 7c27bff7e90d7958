"""What is sent: the bodies of each kind of target."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from apps.common.logs import request_id
from apps.webhooks.types import EventType, NotifyType, PayloadFormat

_JSON = "application/json"
_CLOUD_EVENTS = "application/cloudevents+json"
# Slack refuses a text that is longer than three thousand characters.
_MOST_SLACK = 2900
_CLOUD_TYPES = {
    EventType.PUSH_ARTIFACT: "harbor.artifact.pushed",
    EventType.PULL_ARTIFACT: "harbor.artifact.pulled",
    EventType.DELETE_ARTIFACT: "harbor.artifact.deleted",
    EventType.QUOTA_EXCEED: "harbor.quota.exceeded",
    EventType.QUOTA_WARNING: "harbor.quota.warned",
    EventType.SCANNING_FAILED: "harbor.scan.failed",
    EventType.SCANNING_STOPPED: "harbor.scan.stopped",
    EventType.SCANNING_COMPLETED: "harbor.scan.completed",
    EventType.REPLICATION: "harbor.replication.status.changed",
    EventType.TAG_RETENTION: "harbor.tag_retention.finished",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that has happened. What is told of one ``subject`` is told in order."""

    event_type: EventType
    project_id: int
    subject: str
    operator: str
    occurred_at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to one target."""

    content_type: str
    body: str


def message_for(
    notice: Notice, *, notify_type: str, payload_format: str, policy_id: int, event_id: str
) -> Message:
    """A notice as a target wants it. ``event_id`` stays the same however often it is sent."""
    if notify_type == NotifyType.SLACK:
        return Message(_JSON, _slack(notice))
    if payload_format == PayloadFormat.CLOUD_EVENTS:
        return Message(_CLOUD_EVENTS, _cloud_event(notice, policy_id, event_id))
    return Message(_JSON, _default(notice))


def _default(notice: Notice) -> str:
    return _text(
        {
            "type": notice.event_type,
            "occur_at": int(notice.occurred_at.timestamp()),
            "operator": notice.operator,
            "event_data": notice.data,
        }
    )


def _cloud_event(notice: Notice, policy_id: int, event_id: str) -> str:
    # An attribute that is there has to have a value.
    extensions = {"requestid": request_id.get(), "operator": notice.operator}
    return _text(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": f"/projects/{notice.project_id}/webhook/policies/{policy_id}",
            "type": _CLOUD_TYPES[notice.event_type],
            "datacontenttype": _JSON,
            "time": notice.occurred_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            **{name: value for name, value in extensions.items() if value},
            "data": notice.data,
        }
    )


def _slack(notice: Notice) -> str:
    at = int(notice.occurred_at.timestamp())
    readable = notice.occurred_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    data = _escaped(orjson.dumps(notice.data, option=orjson.OPT_INDENT_2).decode())
    if len(data) > _MOST_SLACK:
        data = data[:_MOST_SLACK] + "…"
    lines = (
        "*Harbor webhook events*",
        f"*event_type:* {notice.event_type}",
        f"*occur_at:* <!date^{at}^{{date}} at {{time}}|{readable}>",
        f"*operator:* {_escaped(notice.operator)}",
        "*event_data:*",
        f"```{data}```",
    )
    sections = [{"type": "section", "text": {"type": "mrkdwn", "text": line}} for line in lines]
    return _text({"blocks": sections})


def _escaped(text: str) -> str:
    """What Slack would take for its own marks, as it wants it written."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(document: dict[str, Any]) -> str:
    return orjson.dumps(document).decode()
