"""Logs: in order, whole, readable meanwhile, and never a cause to wait."""

import threading

import pytest
from django.db import connection

from apps.common.database import write_atomic
from apps.jobs.logs import LogWriter, log_read, log_text
from apps.jobs.models import TaskLog
from tests.jobs.conftest import begin, the_task
from tests.support.threads import at_once


@pytest.fixture
def task():
    return the_task(begin())


@pytest.mark.django_db
def test_lines_have_time_and_level(task) -> None:
    log = LogWriter(task.pk)
    log.write("a\x00b")
    log.write("bad", level="ERROR")
    log.flush()
    log.flush()

    first, second = log_text(task_ids=[task.pk]).splitlines()
    assert first[10:11] == "T"
    assert first.endswith("Z [INFO] a\ufffdb")
    assert second.endswith("Z [ERROR] bad")
    assert TaskLog.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_threads_share_a_log(task) -> None:
    log = LogWriter(task.pk)

    def write(number: int) -> None:
        for line in range(300):
            log.write(f"{number}:{line}")

    at_once(4, write)
    log.flush()

    lines = [line.split()[-1] for line in log_text(task_ids=[task.pk]).splitlines()]
    assert len(lines) == 1200
    for number in range(4):
        own = [line for line in lines if line.startswith(f"{number}:")]
        assert own == [f"{number}:{line}" for line in range(300)]


@pytest.mark.django_db(transaction=True)
def test_to_write_in_a_transaction_waits_for_nobody(task) -> None:
    """The watch stores at the same time, and waits with SQLite for just this transaction."""
    log = LogWriter(task.pk)
    log.write("first")

    def store() -> None:
        log.flush()
        connection.close()

    watch = threading.Thread(target=store)
    with write_atomic():
        TaskLog.objects.filter(pk=0).update(text="")
        watch.start()
        for line in range(500):
            log.write(f"line {line}")
    watch.join(20)
    assert not watch.is_alive()
    log.flush()

    assert len(log_text(task_ids=[task.pk]).splitlines()) == 501


@pytest.mark.django_db
def test_lines_that_could_not_be_stored_are_kept(task) -> None:
    log = LogWriter(task.pk)
    log.write("kept")
    TaskLog.objects.all().delete()
    with pytest.raises(ZeroDivisionError), write_atomic():
        # The transaction is gone, and with it what was stored in it.
        log._task_id = 1 // 0
    log.flush()

    assert "kept" in log_text(task_ids=[task.pk])


@pytest.mark.django_db
def test_a_log_is_followed(task) -> None:
    log = LogWriter(task.pk)
    log.write("one")
    log.flush()
    ((last, text),) = log_read(task_ids=[task.pk])
    assert text.endswith("one\n")
    assert list(log_read(task_ids=[task.pk], after=last)) == []

    log.write("two")
    log.flush()
    ((_, text),) = log_read(task_ids=[task.pk], after=last)
    assert text.endswith("two\n")


@pytest.mark.django_db
def test_a_long_log_loses_its_beginning(task) -> None:
    log = LogWriter(task.pk)
    for line in range(20):
        log.write(f"line {line}")
        log.flush()

    text = log_text(task_ids=[task.pk], most=100)
    assert text.startswith("(the beginning is left out)\n")
    assert text.endswith("line 19\n")
    assert "line 3\n" not in text
