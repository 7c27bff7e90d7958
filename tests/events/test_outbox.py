"""Delivery after the commit: at least once, whoever dies."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apps.events import bus
from apps.events.catalogue import ProjectUpdated
from apps.events.models import OutboxEvent, SpoolFile
from apps.events.services import outbox_deliver
from tests.events.handlers import DIE, remember, remembered

pytestmark = [pytest.mark.usefixtures("empty_bus"), pytest.mark.django_db(transaction=True)]

_OTHER_PROCESS = """
import os, signal, sys
import django
django.setup()
from django.db import transaction
from apps.events import bus
from apps.events.catalogue import ProjectUpdated
from apps.events.services import outbox_deliver
from tests.events.handlers import remember

bus.subscribe_after_commit(ProjectUpdated, remember)
with transaction.atomic():
    bus.publish(ProjectUpdated(operator="admin", project_id=1, project_name=sys.argv[1]))
if sys.argv[2] == "deliver":
    outbox_deliver()
os.kill(os.getpid(), signal.SIGKILL)
"""


def publish(name: str = "library") -> None:
    with transaction.atomic():
        bus.publish(ProjectUpdated(operator="admin", project_id=1, project_name=name))


def make_due() -> None:
    OutboxEvent.objects.update(due_time=timezone.now() - timedelta(seconds=1))


def publish_in_a_process_that_dies(name: str, where: str) -> None:
    """Run the other process on the database of this test; it kills itself after the commit or in the handler."""
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor == "postgresql":
        url = f"postgresql://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    environment = os.environ | {
        "HARBOR_DATA_DIR": str(settings.HARBOR.data_dir),
        "HARBOR_DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "harbor_py.settings",
        "PYTHONPATH": os.getcwd(),
    }
    died = subprocess.run(
        [sys.executable, "-c", _OTHER_PROCESS, name, where],
        env=environment,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr


def test_a_delivered_event_is_gone():
    bus.subscribe_after_commit(ProjectUpdated, remember)
    publish("one")
    publish("two")

    assert outbox_deliver() == 2

    assert remembered() == ["one", "two"]
    assert not OutboxEvent.objects.exists()
    assert outbox_deliver() == 0


def test_each_handler_has_its_own_row():
    failing = []

    def fail(event, event_id):
        failing.append(event_id)
        raise LookupError("not now")

    bus.subscribe_after_commit(ProjectUpdated, remember)
    bus.subscribe_after_commit(ProjectUpdated, fail)
    publish()

    assert outbox_deliver() == 1

    assert remembered() == ["library"]
    row = OutboxEvent.objects.get()
    assert (row.attempts, row.last_error) == (1, "not now")
    assert row.due_time > timezone.now()


def test_a_failed_handler_is_tried_again_and_later_each_time():
    pauses = []
    ids = []

    def fail_twice(event, event_id):
        SpoolFile.objects.create(name=f"try-{len(ids)}", drained_time=timezone.now())
        ids.append(event_id)
        if len(ids) < 3:
            raise LookupError("not yet")

    bus.subscribe_after_commit(ProjectUpdated, fail_twice)
    publish()

    for _ in range(2):
        assert outbox_deliver() == 0
        assert outbox_deliver() == 0, "not due, so not tried"
        row = OutboxEvent.objects.get()
        pauses.append(row.due_time - timezone.now())
        make_due()
    assert outbox_deliver() == 1

    assert len(ids) == 3
    assert len(set(ids)) == 1, "handlers tell repetitions by the event's id"
    assert pauses[1] > pauses[0] > timedelta(0)
    assert [row.name for row in SpoolFile.objects.all()] == ["try-2"], "what a failed try wrote is undone"


def test_a_leased_row_is_nobody_elses():
    nested = []

    def deliver_again(event, event_id):
        nested.append(outbox_deliver())

    bus.subscribe_after_commit(ProjectUpdated, deliver_again)
    publish()

    assert outbox_deliver() == 1
    assert nested == [0]


def test_a_handler_that_this_version_lacks_is_dropped():
    bus.subscribe_after_commit(ProjectUpdated, remember)
    publish()
    OutboxEvent.objects.update(handler="apps.gone.handlers.nothing")

    assert outbox_deliver() == 0
    assert not OutboxEvent.objects.exists()


def test_a_process_killed_after_its_commit_loses_nothing():
    publish_in_a_process_that_dies("survivor", "commit")
    bus.subscribe_after_commit(ProjectUpdated, remember)

    assert outbox_deliver() == 1
    assert remembered() == ["survivor"]


def test_a_process_killed_in_a_handler_leaves_it_to_the_next(monkeypatch):
    monkeypatch.setenv("EVENTS_TEST_HANDLER", DIE)
    publish_in_a_process_that_dies("survivor", "deliver")
    monkeypatch.delenv("EVENTS_TEST_HANDLER")
    bus.subscribe_after_commit(ProjectUpdated, remember)

    assert remembered() == [], "its transaction died with it"
    assert outbox_deliver() == 0, "the lease stands"
    make_due()
    assert outbox_deliver() == 1
    assert remembered() == ["survivor"]
