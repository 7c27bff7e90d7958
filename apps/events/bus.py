"""Publish and subscribe.

A handler of the transaction runs inside the publisher's write and fails with it. An after-commit handler gets a
row in the outbox, written in the same transaction, and is run by :mod:`apps.events.services` until it succeeds:
a crash between commit and delivery loses nothing. After-commit handlers are idempotent by event id.
"""

import dataclasses
import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar, get_args

from django.db import transaction

from apps.events import catalogue
from apps.events.event import Event
from apps.events.models import OutboxEvent

EventT = TypeVar("EventT", bound=Event)
AfterCommitHandler = Callable[[Any, uuid.UUID], None]

_in_transaction: dict[type[Event], list[Callable[[Any], None]]] = defaultdict(list)
_after_commit: dict[type[Event], dict[str, AfterCommitHandler]] = defaultdict(dict)


class PublishedOutsideTransactionError(RuntimeError):
    """An event was published where no write transaction is open: it could be lost or lie."""


def subscribe(event_type: type[EventT], handler: Callable[[EventT], None]) -> None:
    """Run ``handler(event)`` inside the transaction of each ``event_type``, in order of subscription."""
    if handler not in _in_transaction[event_type]:
        _in_transaction[event_type].append(handler)


def subscribe_after_commit(event_type: type[EventT], handler: Callable[[EventT, uuid.UUID], None]) -> None:
    """Run ``handler(event, event_id)`` after the commit of each ``event_type``, at least once."""
    _after_commit[event_type][handler_name(handler)] = handler


def handler_name(handler: Callable[..., None]) -> str:
    """The name by which the outbox remembers a handler: it must stay when code moves."""
    return f"{handler.__module__}.{handler.__qualname__}"


def publish(event: Event) -> None:
    """Tell ``event``; raises what a handler of the transaction raises."""
    if not transaction.get_connection().in_atomic_block:
        raise PublishedOutsideTransactionError(type(event).__name__)
    for handler in _in_transaction[type(event)]:
        handler(event)
    if names := _after_commit[type(event)]:
        event_id = uuid.uuid4()
        payload = encode(event)
        OutboxEvent.objects.bulk_create(
            OutboxEvent(
                event_id=event_id,
                name=type(event).__name__,
                handler=name,
                payload=payload,
                due_time=event.occurred_at,
                creation_time=event.occurred_at,
            )
            for name in names
        )


def after_commit_handler(event_name: str, handler: str) -> AfterCommitHandler | None:
    """The handler that an outbox row names; None when this version no longer has it."""
    event_type = getattr(catalogue, event_name, None)
    return None if event_type is None else _after_commit[event_type].get(handler)


def encode(event: Event) -> dict[str, Any]:
    """An event as JSON can hold it."""
    return _encode_fields(event)


def decode(event_name: str, payload: dict[str, Any]) -> Event:
    """The event that :func:`encode` was given; fields that this version does not know are dropped."""
    event_type: type[Event] = getattr(catalogue, event_name)
    event: Event = _decode_fields(event_type, payload)
    return event


def _encode_fields(record: Any) -> dict[str, Any]:
    return {field.name: _encode(getattr(record, field.name)) for field in dataclasses.fields(record)}


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    return _encode_fields(value) if dataclasses.is_dataclass(value) else value


def _decode_fields(record_type: Any, payload: dict[str, Any]) -> Any:
    known = [field for field in dataclasses.fields(record_type) if field.name in payload]
    return record_type(**{field.name: _decode(field.type, payload[field.name]) for field in known})


def _decode(kind: Any, value: Any) -> Any:
    if kind is datetime:
        return datetime.fromisoformat(value)
    if isinstance(value, list):
        return tuple(_decode(get_args(kind)[0], item) for item in value)
    return _decode_fields(kind, value) if dataclasses.is_dataclass(kind) else value
