"""Many pushes at once: the sum is exact and never over the limit."""

import pytest

from apps.artifacts.gates import GateRefusedError
from apps.artifacts.models import Blob, ProjectBlob
from apps.common.database import write_atomic
from apps.quotas.gates import QuotaStorageGate
from apps.quotas.models import Quota
from apps.quotas.services import quota_recalculate
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 6
ROUNDS = 25


def charge_often(gate, project_id, delta):
    """Charge in transactions of their own; returns how many went through."""
    done = 0
    for _ in range(ROUNDS):
        try:
            with write_atomic():
                gate.charge(project_id, delta, "alice")
        except GateRefusedError:
            continue
        done += 1
    return done


def test_no_charge_is_lost(make_project):
    project = make_project(limit=-1)
    gate = QuotaStorageGate()

    done = at_once(THREADS, lambda number: charge_often(gate, project.pk, number + 1))

    assert done == [ROUNDS] * THREADS
    assert Quota.objects.get(project=project).used == ROUNDS * sum(range(1, THREADS + 1))


def test_nobody_gets_over_the_limit(make_project):
    limit = 7 * 53 + 6
    project = make_project(limit=limit)
    gate = QuotaStorageGate()

    done = at_once(THREADS, lambda _: charge_often(gate, project.pk, 7))

    assert sum(done) == 53, "as many as fit, and not one more"
    assert Quota.objects.get(project=project).used == 7 * 53


def test_giving_and_taking_at_once(make_project):
    project = make_project(limit=-1)
    gate = QuotaStorageGate()
    with write_atomic():
        gate.charge(project.pk, 10_000, "alice")

    at_once(THREADS, lambda number: charge_often(gate, project.pk, 3 if number % 2 else -2))

    assert Quota.objects.get(project=project).used == 10_000 + (3 - 2) * ROUNDS * THREADS // 2


def test_a_recount_among_pushes_ends_exact(make_project):
    project = make_project(limit=-1)
    gate = QuotaStorageGate()
    blobs = [
        Blob.objects.create(digest=f"sha256:{number:064x}", size=number + 1) for number in range(THREADS * 8)
    ]

    def work(number):
        for blob in blobs[number::THREADS]:
            if number == 0:
                quota_recalculate(project_id=project.pk)
            with write_atomic():
                ProjectBlob.objects.create(project=project, blob=blob)
                gate.charge(project.pk, blob.size, "alice")

    at_once(THREADS, work)

    assert Quota.objects.get(project=project).used == sum(blob.size for blob in blobs)
