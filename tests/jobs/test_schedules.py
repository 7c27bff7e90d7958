"""Schedules: what is accepted, and that each tick begins its work once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.common.errors import BadRequestError
from apps.jobs.models import Execution, Schedule
from apps.jobs.registry import JobType, register_job
from apps.jobs.schedules import cron_next, plan_read, schedule_set, schedules_tick
from apps.jobs.services import queues_pause, queues_resume
from apps.jobs.types import ScheduleType, VendorType
from tests.jobs.conftest import KIND, begin
from tests.support.threads import at_once


@pytest.mark.parametrize(
    ("kind", "cron", "expected"),
    [
        ("Hourly", "", "0 0 * * * *"),
        ("Daily", "", "0 0 0 * * *"),
        ("Weekly", "", "0 0 0 * * 0"),
        ("Custom", "0 */5 * * * *", "0 */5 * * * *"),
        ("Custom", "0 0 0 ? * MON-FRI", "0 0 0 ? * MON-FRI"),
        ("Custom", "0 0 0 29 FEB,MAR,JUL *", "0 0 0 29 FEB,MAR,JUL *"),
        ("Manual", "nonsense", ""),
        ("None", "", ""),
    ],
)
def test_plans(kind: str, cron: str, expected: str) -> None:
    plan = plan_read(kind=kind, cron=cron)
    assert (plan.type, plan.cron) == (ScheduleType(kind), expected)


@pytest.mark.parametrize(
    ("kind", "cron"),
    [
        ("Sometimes", "0 0 0 * * *"),
        ("Custom", ""),
        ("Custom", "0 0 * * *"),
        ("Custom", "5 0 0 * * *"),
        ("Custom", "* * * * * *"),
        ("Custom", "0 0 25 * * *"),
        ("Custom", "0 0 0 30 2 *"),
        ("Custom", "0 0 0 L * *"),
        ("Custom", "0 R 0 * * *"),
        ("Custom", "0 H 0 * * *"),
        ("Custom", "0 0 0 * * 5#2"),
        ("Custom", "@daily"),
        ("Custom", "0 0 0 * * *" + " " * 300),
        ("Daily", "0 0 0 1 2 3 4"),
    ],
)
def test_plans_that_are_none(kind: str, cron: str) -> None:
    with pytest.raises(BadRequestError):
        plan_read(kind=kind, cron=cron)


def test_times_are_utc_whatever_the_clock_shows() -> None:
    after = datetime.fromisoformat("2026-03-01T23:30:00-05:00")
    assert cron_next("0 0 5 * * *", after) == datetime(2026, 3, 2, 5, 0, tzinfo=UTC)


@pytest.fixture
def begun() -> list[tuple[int, dict[str, object], str]]:
    """What schedules have begun; each begins an execution as well."""
    found: list[tuple[int, dict[str, object], str]] = []

    def start(vendor_id: int, parameters: dict[str, object], operator: str) -> None:
        found.append((vendor_id, parameters, operator))
        begin()

    register_job(KIND, JobType(run=lambda _context: None, schedule_start=start))
    return found


def _schedule(vendor_id: int = 0, **parameters: object) -> Schedule:
    schedule = schedule_set(
        vendor_type=KIND,
        vendor_id=vendor_id,
        plan=plan_read(kind="Daily", cron=""),
        parameters=parameters,
        operator="alice",
    )
    assert schedule is not None
    return schedule


def _missed(schedule: Schedule, days: int) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(next_time=timezone.now() - timedelta(days=days))


@pytest.mark.django_db
def test_ticks_that_were_missed_are_made_up_for_once(begun) -> None:
    schedule = _schedule(7, workers=2)
    assert schedules_tick() == 0

    _missed(schedule, days=40)
    assert schedules_tick() == 1
    assert schedules_tick() == 0
    assert begun == [(7, {"workers": 2}, "alice")]
    schedule.refresh_from_db()
    assert schedule.next_time > timezone.now()


@pytest.mark.django_db
def test_schedules_wait_while_they_are_paused(begun) -> None:
    _missed(_schedule(), days=1)
    queues_pause(vendor_types=[VendorType.SCHEDULER])
    assert schedules_tick() == 0

    queues_resume(vendor_types=[VendorType.SCHEDULER])
    assert schedules_tick() == 1


@pytest.mark.django_db
def test_one_that_cannot_begin_holds_no_other_up() -> None:
    fails = True

    def start(vendor_id: int, _parameters: object, _operator: str) -> None:
        begin()
        if vendor_id == 1 and fails:
            raise ValueError("the policy is broken")

    register_job(KIND, JobType(run=lambda _context: None, schedule_start=start))
    broken = _schedule(1)
    for schedule in (broken, _schedule(2)):
        _missed(schedule, days=1)

    assert schedules_tick() == 1
    assert Execution.objects.count() == 1, "what the broken one began is rolled back"
    assert schedules_tick() == 0, "not every second"

    fails = False
    _missed(broken, days=1)
    assert schedules_tick() == 1


@pytest.mark.django_db
def test_a_schedule_is_replaced_and_taken_away() -> None:
    first = _schedule(1)
    again = schedule_set(vendor_type=KIND, vendor_id=1, plan=plan_read(kind="Hourly", cron=""))
    assert again is not None
    assert (again.pk, again.cron_type, again.parameters) == (first.pk, "Hourly", {})

    assert schedule_set(vendor_type=KIND, vendor_id=1, plan=plan_read(kind="None", cron="")) is None
    assert not Schedule.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_schedulers_at_once_begin_it_once(begun) -> None:
    _missed(_schedule(), days=1)

    assert sum(at_once(5, lambda _: schedules_tick())) == 1
    assert Execution.objects.count() == len(begun) == 1
