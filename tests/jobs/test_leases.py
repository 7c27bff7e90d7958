"""Leases: one holder at a time, and the next one without delay."""

from datetime import timedelta

import pytest

from apps.common.database import database_time
from apps.jobs.leases import Election, lease_give_back, lease_take
from apps.jobs.models import Lease
from tests.support.threads import at_once


def _let_it_end() -> None:
    Lease.objects.update(until=database_time() - timedelta(seconds=1))


@pytest.mark.django_db
def test_a_lease_is_kept_given_back_and_lost() -> None:
    assert lease_take(name="x", holder="a", seconds=60)
    assert lease_take(name="x", holder="a", seconds=60)
    assert not lease_take(name="x", holder="b", seconds=60)
    assert lease_take(name="y", holder="b", seconds=60)

    lease_give_back(name="x", holder="b")
    assert not lease_take(name="x", holder="b", seconds=60), "only the holder can give it back"
    lease_give_back(name="x", holder="a")
    assert lease_take(name="x", holder="b", seconds=60)

    _let_it_end()
    assert lease_take(name="x", holder="a", seconds=60)


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_elected() -> None:
    elections = [Election(name="x", holder=str(number), seconds=60) for number in range(5)]

    assert at_once(5, lambda number: elections[number].is_elected()).count(True) == 1
    assert [one.is_elected() for one in elections].count(True) == 1
    next(one for one in elections if one.is_elected()).resign()
    assert any(one.is_elected() for one in elections)


@pytest.mark.django_db
def test_who_did_not_renew_is_elected_no_more() -> None:
    first = Election(name="x", holder="a", seconds=0.2)
    second = Election(name="x", holder="b", seconds=60)
    assert first.is_elected()
    _let_it_end()
    assert second.is_elected()

    first._until = 0  # Half of the lease is over.
    assert not first.is_elected()
