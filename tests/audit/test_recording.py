"""The switches: what is written down, and where."""

import json

import pytest

from apps.audit.models import AuditForward, AuditForwarder, AuditLog
from apps.audit.recording import audit_entry, audit_record
from apps.audit.selectors import FORWARD_STAMP
from apps.audit.types import FILE, SYSLOG
from apps.common.stamps import get_stamps
from apps.config.selectors import system_settings
from tests.audit.conftest import AT
from tests.support.people import settings_are

pytestmark = pytest.mark.django_db


def an_entry(operation="create", resource_type="project", resource="team", *, succeeded=True):
    return audit_entry(
        at=AT,
        operator="admin",
        operation=operation,
        resource_type=resource_type,
        resource=resource,
        project_id=7,
        succeeded=succeeded,
        address="192.0.2.1",
        method="POST",
        credential="password",
    )


def kept():
    return [f"{row.operation}_{row.resource_type}" for row in AuditLog.objects.order_by("id")]


def waiting(destination=SYSLOG):
    return [
        json.loads(row.line) for row in AuditForward.objects.filter(destination=destination).order_by("id")
    ]


def test_by_itself_rows_are_in_the_database_only():
    audit_record([an_entry()])

    assert kept() == ["create_project"]
    assert not AuditForward.objects.exists()


def test_names_that_are_disabled_are_written_nowhere():
    settings_are(
        disabled_audit_log_event_types=" create_project,DELETE_USER ,nonsense",
        audit_log_forward_endpoint="log:514",
    )
    audit_record([an_entry(), an_entry("delete", "user"), an_entry("update")])

    assert kept() == ["update_project"]
    assert [line["operation"] for line in waiting()] == ["update"]


def test_pulls_can_be_disabled_but_not_those_that_were_refused():
    settings_are(pull_audit_log_disable=True)
    audit_record([an_entry("pull", "artifact"), an_entry("pull", "artifact", "refused", succeeded=False)])

    assert [row.resource for row in AuditLog.objects.all()] == ["refused"]


def test_a_row_to_forward_says_everything():
    settings_are(audit_log_forward_endpoint="log:514")
    audit_record([an_entry()])

    assert kept() == ["create_project"]
    assert waiting() == [
        {
            "op_time": "2026-01-02T03:04:05.678000Z",
            "operation": "create",
            "resource_type": "project",
            "resource": "team",
            "username": "admin",
            "operation_result": True,
            "operation_description": "create project: team",
            "project_id": 7,
            "address": "192.0.2.1",
            "method": "POST",
            "credential": "password",
        }
    ]


def test_each_destination_gets_its_row(log_file):
    settings_are(audit_log_forward_endpoint="log:514")
    audit_record([an_entry()])

    assert waiting(SYSLOG) == waiting(FILE) != []


def test_the_database_can_be_skipped():
    settings_are(audit_log_forward_endpoint="log:514", skip_audit_log_database=True)
    audit_record([an_entry(), an_entry("update")])

    assert kept() == []
    assert len(waiting()) == 2


def test_the_database_is_not_skipped_when_nobody_else_takes_the_row():
    settings_are(skip_audit_log_database=True)
    audit_record([an_entry()])

    assert kept() == ["create_project"]


def test_a_full_queue_sends_rows_to_the_database_even_when_that_is_skipped():
    settings_are(audit_log_forward_endpoint="log:514", skip_audit_log_database=True)
    assert system_settings().skip_audit_log_database
    AuditForwarder.objects.create(destination=SYSLOG, leased_until=AT, due_time=AT, full_since=AT)
    get_stamps().bump(FORWARD_STAMP)
    audit_record([an_entry()])

    assert kept() == ["create_project"]
    assert waiting() == []


@pytest.mark.parametrize("text", ["a\x00b", "\ud800half", "x" * 3000], ids=["NUL", "half", "long"])
def test_any_text_fits(text):
    audit_record([audit_entry(at=AT, operator=text, operation="x", resource_type="y", resource=text)])

    row = AuditLog.objects.get()
    assert len(row.username) <= 511
    assert len(row.resource) <= 1024
