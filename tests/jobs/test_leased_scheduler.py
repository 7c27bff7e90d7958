"""The beat of two background processes: one sends what one has to do, each what its host has to do."""

from collections.abc import Iterator
from datetime import timedelta
from operator import ge
from pathlib import Path

import pytest
from celery import Celery
from celery.beat import ScheduleEntry
from kombu import Connection

from apps.common.database import database_time
from apps.jobs.models import Lease
from harbor_py.celery import HOST_QUEUE
from harbor_py.leased_scheduler import LeasedScheduler
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

_OFTEN = timedelta(milliseconds=20)
_BROKER = "memory://beat"


class Beats:
    """Schedulers of several processes on one broker."""

    def __init__(self, folder: Path) -> None:
        self.app = Celery("test", broker=_BROKER, set_as_current=False)
        self.app.conf.beat_schedule = {
            "one": {"task": "one", "schedule": _OFTEN},
            "here": {"task": "here", "schedule": _OFTEN, "options": {"queue": HOST_QUEUE}},
        }
        self._folder = folder
        self.opened: list[LeasedScheduler] = []

    def open(self) -> LeasedScheduler:
        place = self._folder / str(len(self.opened))
        scheduler = LeasedScheduler(app=self.app, schedule_filename=str(place), max_interval=1)
        self.opened.append(scheduler)
        return scheduler

    def sent(self, scheduler: LeasedScheduler) -> tuple[int, int]:
        """How many messages for one process, and for the host, a process sends while each is due three times."""
        before = self._waiting()
        due = [entry.total_run_count + 3 for entry in self._entries(scheduler)]

        def tick() -> list[int]:
            scheduler.tick()
            return [entry.total_run_count for entry in self._entries(scheduler)]

        eventually(tick, lambda found: all(map(ge, found, due)), seconds=20)
        one, here = self._waiting()
        return one - before[0], here - before[1]

    def _entries(self, scheduler: LeasedScheduler) -> list[ScheduleEntry]:
        return [scheduler.schedule["one"], scheduler.schedule["here"]]

    def _waiting(self) -> tuple[int, int]:
        with Connection(_BROKER) as connection, connection.channel() as channel:
            sizes = [channel._size(name) for name in ("celery", HOST_QUEUE)]
        return sizes[0], sizes[1]


@pytest.fixture
def beats(transactional_db: None, tmp_path: Path) -> Iterator[Beats]:
    found = Beats(tmp_path)
    yield found
    for scheduler in found.opened:
        scheduler.close()


def test_one_beat_for_the_installation_and_one_for_each_host(beats: Beats) -> None:
    first, second = beats.open(), beats.open()
    one, here = beats.sent(first)
    assert one > 0
    assert here > 0
    one, here = beats.sent(second)
    assert one == 0
    assert here > 0


def test_the_next_one_goes_on_when_the_first_ends(beats: Beats) -> None:
    first, second = beats.open(), beats.open()
    assert beats.sent(first)[0] > 0
    assert beats.sent(second)[0] == 0

    first.close()
    beats.opened.remove(first)
    assert beats.sent(second)[0] > 0


def test_the_next_one_goes_on_when_the_first_is_dead(beats: Beats) -> None:
    first, second = beats.open(), beats.open()
    assert beats.sent(first)[0] > 0
    Lease.objects.update(until=database_time() - timedelta(seconds=1))

    assert beats.sent(second)[0] > 0


def test_without_the_database_only_the_host_is_served(beats: Beats, monkeypatch) -> None:
    scheduler = beats.open()

    def fail() -> bool:
        raise OSError("the database is away")

    monkeypatch.setattr(scheduler._election, "is_elected", fail)
    one, here = beats.sent(scheduler)
    assert one == 0
    assert here > 0
