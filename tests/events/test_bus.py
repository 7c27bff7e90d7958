"""Publishing: in the transaction, failing with it, and the JSON form of every event."""

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.events import bus, catalogue
from apps.events.catalogue import ProjectDeleted, ProjectUpdated
from apps.events.event import Event
from apps.events.models import OutboxEvent, SpoolFile
from tests.events.handlers import remember

pytestmark = pytest.mark.usefixtures("empty_bus")

EVENTS = [
    kind
    for kind in vars(catalogue).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
]


def an_event(name: str = "library") -> ProjectUpdated:
    return ProjectUpdated(operator="admin", project_id=1, project_name=name)


@pytest.mark.django_db
def test_handlers_run_in_order_before_publish_returns():
    seen = []
    bus.subscribe(ProjectUpdated, lambda event: seen.append(("first", event.project_name)))
    bus.subscribe(ProjectUpdated, lambda event: seen.append(("second", event.project_name)))
    bus.subscribe(ProjectDeleted, lambda event: seen.append(("other", event.project_name)))

    with transaction.atomic():
        bus.publish(an_event())
        assert seen == [("first", "library"), ("second", "library")]


@pytest.mark.django_db
def test_a_handler_subscribed_twice_runs_once():
    seen = []
    bus.subscribe(ProjectUpdated, seen.append)
    bus.subscribe(ProjectUpdated, seen.append)

    with transaction.atomic():
        bus.publish(an_event())

    assert len(seen) == 1


@pytest.mark.django_db(transaction=True)
def test_the_write_fails_with_its_handler():
    def refuse(event):
        raise LookupError(event.project_name)

    bus.subscribe_after_commit(ProjectUpdated, remember)
    bus.subscribe(ProjectUpdated, refuse)

    def write():
        with transaction.atomic():
            SpoolFile.objects.create(name="written", drained_time=datetime.now(UTC))
            bus.publish(an_event())

    with pytest.raises(LookupError):
        write()

    assert not SpoolFile.objects.exists()
    assert not OutboxEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_outbox_row_goes_with_the_transaction():
    bus.subscribe_after_commit(ProjectUpdated, remember)

    with transaction.atomic():
        bus.publish(an_event())
        assert OutboxEvent.objects.count() == 1
        transaction.set_rollback(True)

    assert not OutboxEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_publishing_outside_a_transaction_is_an_error():
    seen = []
    bus.subscribe(ProjectUpdated, seen.append)

    with pytest.raises(bus.PublishedOutsideTransactionError):
        bus.publish(an_event())

    assert seen == []


def _values(kind: Any) -> st.SearchStrategy[Any]:
    simple = {
        int: st.integers(-(2**63), 2**63 - 1),
        str: st.text(),
        bool: st.booleans(),
        datetime: st.datetimes(timezones=st.just(UTC)),
        type(None): st.none(),
    }
    if kind in simple:
        return simple[kind]
    if dataclasses.is_dataclass(kind):
        return _records(kind)
    if getattr(kind, "__origin__", None) is tuple:
        return st.lists(_values(get_args(kind)[0]), max_size=3).map(tuple)
    return st.one_of([_values(part) for part in get_args(kind)])


def _records(kind: Any) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{field.name: _values(field.type) for field in dataclasses.fields(kind)})


def test_the_catalogue_is_found():
    assert len(EVENTS) >= 17


@settings(deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_survives_json(kind, data):
    event = data.draw(_records(kind))

    stored = json.loads(json.dumps(bus.encode(event)))

    assert bus.decode(kind.__name__, stored) == event


def test_fields_of_another_version_are_dropped():
    payload = bus.encode(an_event()) | {"colour": "blue"}

    assert bus.decode("ProjectUpdated", payload).project_name == "library"
