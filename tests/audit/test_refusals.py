"""Refusals: no SQL on the request's path, a bound on rows, nothing lost at SIGKILL."""

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings as django_settings
from django.db import transaction

from apps.accounts.authentication import Deadlines
from apps.audit import refusals
from apps.audit.models import AuditLog
from apps.audit.refusals import SUFFIX, Budget, refusal_record, refusals_drain
from apps.common.origin import take_credential, take_request
from apps.events import bus
from apps.events.catalogue import UserLoggedIn
from apps.events.spool import Spool
from apps.projects.services import project_create
from tests.support.clock import Clock

pytestmark = pytest.mark.django_db(transaction=True)

_OTHER_PROCESS = """
import os, signal, sys
import django
django.setup()
from apps.audit.refusals import refusal_record

for number in range(20):
    refusal_record(operator=f"{sys.argv[1]}{number}", operation="pull", resource_type="artifact", resource="p/app", project="p")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def clock(monkeypatch):
    """Fresh limits whose time the test sets."""
    clock = Clock(6000.0)
    monkeypatch.setattr(refusals, "_recent", Deadlines(size=1000, clock=clock))
    monkeypatch.setattr(refusals, "_budget", Budget(refusals.PER_MINUTE, clock=clock))
    return clock


@pytest.fixture(autouse=True)
def spool(clock, settings, tmp_path, monkeypatch):
    folder = tmp_path / "spool"
    settings.HARBOR = settings.HARBOR.model_copy(update={"spool_dir": folder})
    monkeypatch.setattr(refusals, "_spool", Spool(folder, SUFFIX))
    return folder


@pytest.fixture
def request_from():
    """Begin a request."""

    def begin(address, method="PUT", credential="robot"):
        take_request({"REMOTE_ADDR": address, "REQUEST_METHOD": method})
        take_credential(credential)

    yield begin
    take_request(None)


def refuse(operator="robot$ci", operation="create", resource="team/app", project="team"):
    refusal_record(
        operator=operator, operation=operation, resource_type="artifact", resource=resource, project=project
    )


def rows():
    refusals_drain(everything=True)
    return list(AuditLog.objects.exclude(resource_type="project").order_by("id"))


def test_a_refusal_becomes_a_row(admin, request_from):
    project = project_create(actor=admin, name="team")
    request_from("192.0.2.1")
    refuse()

    (row,) = rows()
    assert (row.operation, row.resource_type, row.resource) == ("create", "artifact", "team/app")
    assert (row.operation_result, row.username, row.project_id) == (False, "robot$ci", project.pk)
    assert (row.address, row.method, row.credential) == ("192.0.2.1", "PUT", "robot")


def test_a_project_that_is_not_there_and_one_by_its_number(admin, request_from):
    project = project_create(actor=admin, name="team")
    request_from("192.0.2.1")
    refuse(project="nothing")
    refuse(project=str(project.pk))
    refuse(project="9" * 40)

    assert [row.project_id for row in rows()] == [None, project.pk, None]


def test_to_note_one_costs_no_sql(request_from, django_assert_num_queries):
    request_from("192.0.2.1")
    with django_assert_num_queries(0):
        refuse()


def test_the_same_again_is_noted_after_ten_seconds(clock, request_from):
    request_from("192.0.2.1")
    for _ in range(5):
        refuse()
    refuse(operation="delete")
    refuse(project="other")
    request_from("192.0.2.2")
    refuse()
    clock.now += 10.1
    refuse()

    assert [(row.operation, row.address) for row in rows()] == [
        ("create", "192.0.2.1"),
        ("delete", "192.0.2.1"),
        ("create", "192.0.2.1"),
        ("create", "192.0.2.2"),
        ("create", "192.0.2.2"),
    ]


def test_a_flood_has_an_end_and_its_size_is_told(clock, request_from):
    request_from("192.0.2.1")
    for number in range(refusals.PER_MINUTE + 30):
        refuse(operator=f"name{number}")
    clock.now += 60
    refuse(operator="later")

    *noted, over, count, later = rows()
    assert len(noted) == refusals.PER_MINUTE
    assert (over.operation, over.resource_type, over.username) == ("refuse", "request", "system")
    assert "only counted" in over.operation_description
    assert "30 refusals of a minute before" in count.operation_description
    assert later.username == "later"


def test_failed_logins_share_the_budget(clock):
    for number in range(refusals.PER_MINUTE + 50):
        with transaction.atomic():
            bus.publish(
                UserLoggedIn(operator="", username=f"name{number}", succeeded=False, address="192.0.2.1")
            )
    assert AuditLog.objects.filter(operation="login").count() == refusals.PER_MINUTE

    with transaction.atomic():
        bus.publish(UserLoggedIn(operator="", username="alice", succeeded=True, address="192.0.2.1"))
    assert AuditLog.objects.filter(operation="login", operation_result=True).count() == 1


def test_what_a_caller_sends_is_cut_to_fit(request_from):
    request_from("x" * 200, method="M" * 99)
    refuse(operator="\ud800" + "n" * 5000, resource="r\x00" * 5000, project="p" * 5000)

    (row,) = rows()
    assert len(row.resource) == 1024
    assert len(row.username) == 255


def test_a_disk_that_is_full_does_not_turn_the_refusal_into_an_error(request_from, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(refusals, "_spool", Spool(tmp_path / "file", SUFFIX))
    refuse()

    assert rows() == []


def test_processes_that_are_killed_lose_nothing(spool):
    environment = os.environ | {
        "HARBOR_DATA_DIR": str(django_settings.HARBOR.data_dir),
        "HARBOR_SPOOL_DIR": str(spool),
        "DJANGO_SETTINGS_MODULE": "harbor_py.settings",
        "PYTHONPATH": os.getcwd(),
    }
    processes = [
        subprocess.Popen([sys.executable, "-c", _OTHER_PROCESS, name], env=environment) for name in "ab"
    ]
    for process in processes:
        assert process.wait(timeout=60) == -signal.SIGKILL

    names = {row.username for row in rows()}
    assert names == {f"{letter}{number}" for letter in "ab" for number in range(20)}


def test_a_torn_line_is_left_out(spool, request_from):
    request_from("192.0.2.1")
    refuse()
    (file,) = spool.iterdir()
    with file.open("ab") as end:
        end.write(b'{"at": 1, "opera')

    assert len(rows()) == 1
