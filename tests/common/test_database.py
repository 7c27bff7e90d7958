"""The queue of SQLite's writers."""

import threading

import pytest
from django.db import connection, transaction

from apps.common.database import delete_rows, write_atomic
from apps.events.models import SpoolFile
from tests.support.threads import at_once


def _count(name: str) -> int:
    return SpoolFile.objects.filter(name=name).count()


@pytest.mark.django_db(transaction=True)
def test_eight_writers_at_once_all_get_through() -> None:
    """Each adds to what it has read: a lost update would show in the end."""
    SpoolFile.objects.create(name="0", drained_time="2026-01-01T00:00:00Z")

    def work(_: int) -> None:
        for _ in range(20):
            with write_atomic():
                row = SpoolFile.objects.select_for_update().get()
                row.name = str(int(row.name) + 1)
                row.save()

    at_once(8, work)

    assert SpoolFile.objects.get().name == "160"


def _create_and_fail() -> None:
    with write_atomic():
        SpoolFile.objects.create(name="inner", drained_time="2026-01-01T00:00:00Z")
        raise ZeroDivisionError


@pytest.mark.django_db(transaction=True)
def test_a_nested_one_joins_and_rolls_back_alone() -> None:
    with write_atomic():
        SpoolFile.objects.create(name="outer", drained_time="2026-01-01T00:00:00Z")
        with pytest.raises(ZeroDivisionError):
            _create_and_fail()
    assert (_count("outer"), _count("inner")) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_the_lock_is_given_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), write_atomic():
        raise ZeroDivisionError
    done = threading.Event()

    def work() -> None:
        with write_atomic():
            done.set()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert done.is_set()


@pytest.mark.django_db
def test_delete_rows_deletes_what_the_query_says_and_counts() -> None:
    for name in ("a", "b", "c"):
        SpoolFile.objects.create(name=name, drained_time="2026-01-01T00:00:00Z")
    with transaction.atomic():
        assert delete_rows(SpoolFile.objects.filter(name__in=["a", "b"])) == 2
    assert [row.name for row in SpoolFile.objects.all()] == ["c"]
