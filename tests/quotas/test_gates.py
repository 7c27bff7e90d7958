"""The storage gate: exact, told in Harbor's words, and quiet when a client insists."""

import pytest
from django.db import transaction

from apps.artifacts.gates import GateRefusedError, gates
from apps.audit.models import AuditLog
from apps.common.database import write_atomic
from apps.events import bus
from apps.events.catalogue import QuotaWarned
from apps.projects.services import project_delete
from apps.quotas.gates import QuotaStorageGate
from apps.quotas.models import Quota
from apps.quotas.services import quota_update
from apps.quotas.sizes import format_size

pytestmark = pytest.mark.django_db

MIB = 1 << 20


@pytest.fixture
def gate():
    """One that remembers no other test's refusals."""
    return QuotaStorageGate()


@pytest.fixture
def warnings(monkeypatch):
    """Every warning that is told."""
    told = []
    monkeypatch.setitem(bus._in_transaction, QuotaWarned, [told.append])
    return told


def used(project) -> int:
    return Quota.objects.get(project=project).used


def charge(gate, project, delta) -> None:
    with write_atomic():
        gate.charge(project.pk, delta, "alice")


def test_the_gate_is_registered():
    assert [type(gate) for gate in gates.storage] == [QuotaStorageGate]


def test_bytes_add_up_to_the_last_one(gate, make_project):
    project = make_project(limit=100)

    charge(gate, project, 60)
    charge(gate, project, 40)

    assert used(project) == 100
    with pytest.raises(GateRefusedError):
        charge(gate, project, 1)
    assert used(project) == 100


def test_the_refusal_has_harbors_words(gate, make_project):
    project = make_project(limit=2 * MIB)
    charge(gate, project, MIB)

    with pytest.raises(GateRefusedError) as refused:
        charge(gate, project, 3 * MIB)

    assert refused.value.code == "DENIED"
    assert refused.value.message == (
        "adding 3.0 MiB of storage resource, which when updated to current usage of 1.0 MiB"
        " will exceed the configured upper limit of 2.0 MiB."
    )


def test_no_limit(gate, make_project):
    project = make_project(limit=-1)

    charge(gate, project, 1 << 60)

    assert used(project) == 1 << 60
    assert gate.room(project.pk) is None


def test_giving_back_never_refuses_and_ends_at_nothing(gate, make_project):
    project = make_project(limit=100)
    charge(gate, project, 80)
    Quota.objects.filter(project=project).update(hard=10)

    charge(gate, project, -30)
    assert used(project) == 50
    charge(gate, project, -51)
    assert used(project) == 0


def test_a_charge_goes_with_its_transaction(gate, make_project):
    project = make_project(limit=100)

    with transaction.atomic():
        gate.charge(project.pk, 50, "alice")
        transaction.set_rollback(True)

    assert used(project) == 0


def test_a_project_that_is_gone_is_charged_nothing(gate, make_project, admin):
    project = make_project()
    gone = project.pk
    project_delete(actor=admin, project_id=gone)

    with write_atomic():
        gate.charge(gone, 10, "alice")

    assert not Quota.objects.filter(project_id=gone).exists()
    assert gate.room(gone) is None


def test_a_charge_is_one_statement(gate, make_project, django_assert_num_queries):
    project = make_project(limit=100)

    with write_atomic(), django_assert_num_queries(1):
        gate.charge(project.pk, 10, "alice")


@pytest.mark.parametrize(
    ("steps", "told"), [((84,), 0), ((85,), 1), ((50, 50), 1), ((84, 1, 1), 1), ((90, -10, 10), 2)]
)
def test_crossing_85_per_cent_is_told_once(gate, make_project, warnings, steps, told):
    project = make_project(limit=100)

    for step in steps:
        charge(gate, project, step)

    assert len(warnings) == told


def test_the_warning_says_how_full(gate, make_project, warnings):
    project = make_project(limit=100)

    charge(gate, project, 90)

    (warning,) = warnings
    assert (warning.project_id, warning.used, warning.hard) == (project.pk, 90, 100)


@pytest.mark.django_db(transaction=True)
def test_room_is_asked_of_the_database_once(gate, make_project, django_assert_num_queries):
    project = make_project(limit=100)
    charge(gate, project, 30)

    assert gate.room(project.pk) == 70
    with django_assert_num_queries(0):
        assert gate.room(project.pk) == 70


def test_room_follows_a_new_limit_and_bytes_given_back(gate, make_project, admin):
    project = make_project(limit=100)
    charge(gate, project, 100)
    assert gate.room(project.pk) == 0

    charge(gate, project, -40)
    assert gate.room(project.pk) == 40

    quota_update(actor=admin, quota_id=project.quota.pk, hard=50)
    assert gate.room(project.pk) == 0, "never negative"


def test_a_refusal_before_the_bytes_is_recorded_once(gate, make_project):
    project = make_project(limit=100)

    for _ in range(3):
        with pytest.raises(GateRefusedError, match=r"^adding 150 B of storage resource"):
            gate.refuse(project.pk, 150, "alice")

    (row,) = AuditLog.objects.filter(operation_result=False)
    assert (row.operation, row.resource_type, row.resource) == ("create", "artifact", "team")
    assert (row.username, row.project_id) == ("alice", project.pk)


def test_each_projects_refusals_are_recorded(gate, make_project):
    for name in ("one", "two"):
        project = make_project(name=name, limit=100)
        with pytest.raises(GateRefusedError):
            gate.refuse(project.pk, 150, "alice")

    assert AuditLog.objects.filter(operation_result=False).count() == 2


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (3 * MIB, "3.0 MiB"),
        (5 << 30, "5.0 GiB"),
        (1 << 50, "1.0 PiB"),
        (2**63 - 1, "8.0 EiB"),
    ],
)
def test_sizes(size, text):
    assert format_size(size) == text
