"""Forwarding with real receivers: nothing lost, nothing blocked, in order."""

import json
import re
import socket
import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit import forwarding
from apps.audit.forwarding import forward_run
from apps.audit.models import AuditForward, AuditForwarder, AuditLog
from apps.audit.recording import audit_entry, audit_record
from apps.audit.selectors import full_destinations
from apps.audit.types import FILE, SYSLOG
from tests.audit.conftest import AT
from tests.support.people import settings_are

pytestmark = pytest.mark.django_db(transaction=True)


class Receiver:
    """A syslog receiver that reads every connection to its end, or (``rude``) resets it after some bytes."""

    def __init__(self, port=0, *, rude=False):
        self._socket = socket.create_server(("127.0.0.1", port))
        self._rude = rude
        self.port = self._socket.getsockname()[1]
        self.received = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                if self._rude:
                    connection.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
                    )
                    connection.recv(10)
                    continue
                while piece := connection.recv(65536):
                    self.received += piece

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)

    @property
    def lines(self):
        return self.received.decode().splitlines()


@pytest.fixture
def receiver():
    """A receiver that the settings name."""
    receiver = Receiver()
    settings_are(audit_log_forward_endpoint=f"127.0.0.1:{receiver.port}")
    yield receiver
    receiver.close()


def record(*resources, operation="create"):
    audit_record(
        [
            audit_entry(
                at=AT, operator="admin", operation=operation, resource_type="project", resource=resource
            )
            for resource in resources
        ]
    )


def be_due():
    """The pause after a failure is over."""
    AuditForwarder.objects.update(due_time=timezone.now() - timedelta(seconds=1))


def resources(lines):
    return [json.loads(line[line.index("{") :])["resource"] for line in lines]


def test_a_line_is_rfc_5424(receiver):
    record("team\nwith a line")

    assert forward_run() == 1

    (line,) = receiver.lines
    assert re.match(r"<110>1 2026-01-02T03:04:05\.678000Z \S+ audit \d+ create_project - \{.*\}$", line)
    assert resources([line]) == ["team\nwith a line"]
    assert not AuditForward.objects.exists()


def test_rows_are_sent_in_order_and_once(receiver):
    names = [f"p{number}" for number in range(1200)]
    record(*names)

    assert forward_run() == 1200
    assert forward_run() == 0

    assert resources(receiver.lines) == names


def test_a_receiver_that_is_away_and_comes_back():
    receiver = Receiver()
    port = receiver.port
    receiver.close()
    settings_are(audit_log_forward_endpoint=f"127.0.0.1:{port}", skip_audit_log_database=True)
    record("one")

    assert forward_run() == 0
    record("two")  # Nothing waits for the receiver.
    state = AuditForwarder.objects.get(destination=SYSLOG)
    assert state.failures == 1
    assert state.due_time > timezone.now()
    assert forward_run() == 0, "not before the pause is over"
    be_due()

    back = Receiver(port)
    try:
        assert forward_run() == 2
    finally:
        back.close()
    assert resources(back.lines) == ["one", "two"]
    assert AuditForwarder.objects.get(destination=SYSLOG).failures == 0
    assert not AuditLog.objects.exists()


def test_what_a_receiver_did_not_read_is_sent_again():
    rude = Receiver(rude=True)
    settings_are(audit_log_forward_endpoint=f"127.0.0.1:{rude.port}")
    record(*(f"p{number}" for number in range(400)))

    assert forward_run() == 0
    rude.close()

    assert AuditForward.objects.count() == 400
    assert AuditForwarder.objects.get(destination=SYSLOG).failures == 1


def test_pauses_grow_to_a_minute():
    settings_are(audit_log_forward_endpoint="nowhere.invalid:514")
    record("one")
    pauses = []
    for _ in range(8):
        forward_run()
        due = AuditForwarder.objects.get(destination=SYSLOG).due_time
        leased = AuditForwarder.objects.get(destination=SYSLOG).leased_until
        pauses.append(round((due - leased).total_seconds()))
        be_due()

    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]


def test_only_one_process_sends(receiver):
    record("one")
    now = timezone.now()
    state = AuditForwarder.objects.create(
        destination=SYSLOG, leased_until=now + timedelta(minutes=1), due_time=now
    )
    assert forward_run() == 0

    AuditForwarder.objects.filter(pk=state.pk).update(leased_until=now - timedelta(seconds=1))
    assert forward_run() == 1, "a lease ends, whatever became of its holder"


def test_one_destination_that_is_away_does_not_hold_up_the_other(log_file):
    settings_are(audit_log_forward_endpoint="nowhere.invalid:514")
    record("one")

    assert forward_run() == 1

    assert resources(log_file.read_text().splitlines()) == ["one"]
    assert AuditForward.objects.get().destination == SYSLOG


def test_a_file_that_cannot_be_written(log_file):
    log_file.parent.write_text("not a folder")
    record("one")
    assert forward_run() == 0
    log_file.parent.unlink()
    be_due()

    assert forward_run() == 1
    assert resources(log_file.read_text().splitlines()) == ["one"]


def test_rows_for_a_destination_that_was_switched_off_go(receiver):
    record("one", "two")
    settings_are(audit_log_forward_endpoint="")

    assert forward_run() == 0

    assert not AuditForward.objects.exists()
    assert receiver.lines == []


def test_a_queue_that_is_full_closes_and_opens_again(monkeypatch, log_file):
    monkeypatch.setattr(forwarding, "MOST_WAITING", 4)
    monkeypatch.setattr(forwarding, "_ROOM_AGAIN", 2)
    log_file.parent.write_text("not a folder")
    record("1", "2", "3", "4")
    forward_run()
    assert full_destinations() == {FILE}

    record("5")
    assert AuditForward.objects.count() == 4
    assert AuditLog.objects.count() == 5, "the database has every row"

    log_file.parent.unlink()
    be_due()
    assert forward_run() == 4
    assert full_destinations() == frozenset()
    record("6")
    assert forward_run() == 1
    assert resources(log_file.read_text().splitlines()) == ["1", "2", "3", "4", "6"]
