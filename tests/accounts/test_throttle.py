"""Wrong passwords and what they lock; over HTTP in tests/api/test_login_locks.py."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import passwords, throttle
from apps.accounts.authentication import authenticate
from apps.accounts.devices import device_cookie, device_of
from apps.accounts.locks import user_locked_until, user_locks, user_unlock
from apps.accounts.models import SignInRecord
from apps.accounts.passwords import password_hash
from apps.accounts.security import ROBOT, TOKEN, USER
from apps.accounts.throttle import (
    Place,
    account_hash,
    hold_seconds,
    locked_now,
    network_of,
    sign_in_failed,
    sign_in_records_clear,
    sign_in_succeeded,
    standing_of,
)
from apps.common.configuration import Configuration
from apps.common.errors import ForbiddenError
from apps.events import bus
from apps.events.logins import SignInLocked, SignInUnlocked
from tests.support.clock import Clock, fresh_sign_ins
from tests.support.people import acting, person, seen_events
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db

GOOD = "Correct-Horse-1"
WRONG = "Battery-Staple-2"
HERE, THERE, ELSEWHERE = "192.0.2.1", "192.0.2.2", "192.0.2.3"


@pytest.fixture
def limits(settings):
    """Sets how many wrong passwords lock: at a place, an account, an address."""

    def set_limits(here=0, account=0, address=0, seconds=3600):
        settings.HARBOR = Configuration(
            login_failures_before_lock=here,
            login_failures_per_account=account,
            login_failures_per_address=address,
            login_lock_seconds=seconds,
            credential_cache_seconds=0,
            data_dir=settings.HARBOR.data_dir,
        )

    return set_limits


@pytest.fixture
def clock(monkeypatch):
    """The freeze of the process has its own clock: it moves when a test moves it."""
    clock = Clock()
    fresh_sign_ins(monkeypatch, clock)
    return clock


@pytest.fixture
def moved(monkeypatch):
    """Moves what the throttle takes for now."""

    def move(**by):
        now = timezone.now() + timedelta(**by)
        monkeypatch.setattr(throttle.timezone, "now", lambda: now)

    return move


@pytest.fixture(scope="module")
def encoded():
    return password_hash(GOOD)


@pytest.fixture
def anna(encoded):
    return person("anna", password=encoded)


def fail(username="anna", address=HERE, times=1, **options):
    place = Place(username, address, **options)
    for _ in range(times):
        sign_in_failed(place, standing_of(place))


def succeed(username="anna", address=HERE, **options):
    place = Place(username, address, **options)
    sign_in_succeeded(place, standing_of(place))


def held(username="anna", address=HERE, **options):
    return standing_of(Place(username, address, **options)).is_held


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::2", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("unix", "unknown"),
    ],
)
def test_what_an_attacker_has_of_addresses_is_one(address, network):
    assert network_of(address) == network


def test_all_ways_to_write_a_name_are_one_and_the_table_has_none_of_them():
    assert account_hash("Anna") == account_hash(" anna") == account_hash("\uff21nna")
    assert len({account_hash("anna", kind) for kind in (USER, ROBOT, TOKEN)}) == 3
    fail("My-Password-As-A-Name-1")
    assert "password" not in repr(list(SignInRecord.objects.values())).lower()


def test_it_slows_down_before_it_locks(limits):
    limits(here=10, seconds=300)
    assert [hold_seconds(count, 10) for count in range(1, 12)] == [0, 0, 0, 0, 0, 3, 6, 12, 24, 300, 300]
    assert [hold_seconds(count, 2) for count in (1, 2)] == [0, 300]
    limits(here=10, seconds=5)
    assert hold_seconds(9, 10) == 5


def test_a_place_locks_and_opens_again(limits, moved, monkeypatch):
    limits(here=2)
    events = seen_events(monkeypatch, bus)
    fail()
    assert not held()
    fail()
    assert held()
    assert not held(address=THERE)
    assert not held("berta")
    (event,) = events
    assert isinstance(event, SignInLocked)
    assert (event.username, event.network, event.failures) == ("anna", HERE, 2)
    assert timedelta(seconds=3590) < event.until - timezone.now() <= timedelta(seconds=3600)
    moved(seconds=3601)
    assert not held()
    fail()
    assert not held(), "the hour of the first ones is over"


def test_failures_count_for_an_hour(limits, moved):
    limits(here=2, seconds=60)
    fail()
    moved(minutes=59)
    fail()
    assert held()
    moved(minutes=3)
    assert not held()
    fail(times=1)
    assert not held()


def test_another_lock_follows_at_once_within_the_hour(limits, moved):
    limits(here=2, seconds=60)
    fail(times=2)
    moved(seconds=61)
    assert not held()
    fail()
    assert held()


def test_an_account_is_locked_where_it_is_new_alone(limits):
    limits(account=2)
    succeed(address=HERE)
    fail(address=THERE)
    fail(address=ELSEWHERE)
    assert held(address="198.51.100.7")
    assert held(address=THERE)
    assert not held(address=HERE)


def test_failures_where_it_is_known_lock_it_nowhere_else(limits):
    limits(account=2)
    succeed(address=HERE)
    fail(address=HERE, times=5)
    assert not held(address=THERE)


def test_an_address_is_known_for_thirty_days(limits, moved):
    limits(account=1)
    succeed(address=HERE)
    moved(days=29)
    fail(address=THERE)
    assert not held(address=HERE)
    moved(days=2)
    fail(address=THERE)
    assert held(address=HERE)


def test_nobody_locks_the_first_administrator_out(limits):
    limits(here=1, account=1, address=0)
    for number in range(5):
        fail("Admin" if number % 2 else "admin", f"198.51.100.{number}")
    assert held("admin", "198.51.100.0"), "from where the guesses come"
    assert not held("admin", HERE)


@pytest.mark.parametrize("kind", [ROBOT, TOKEN, ""])
def test_secrets_that_cannot_be_guessed_have_no_lock_of_the_account(limits, kind):
    limits(here=1, account=1)
    fail("robot$ci", HERE, kind=kind)
    assert held("robot$ci", HERE, kind=kind)
    assert not held("robot$ci", THERE, kind=kind)


def test_an_old_token_in_a_loop_does_not_lock_the_password(limits):
    limits(here=1, account=1)
    fail(kind=TOKEN, times=3)
    assert not held(kind=USER)


def test_an_address_is_locked_for_who_is_new_there(limits, monkeypatch):
    limits(address=2)
    succeed("berta", HERE)
    events = seen_events(monkeypatch, bus)
    fail("one", HERE)
    fail("two", HERE)
    assert held("anna", HERE)
    assert not held("berta", HERE)
    assert not held("anna", THERE)
    assert [(event.username, event.network) for event in events] == [("", HERE)]


def test_a_robot_in_a_loop_locks_nobody_else(clock, limits, anna):
    """What is held is not counted: a loop is ten failures in five minutes, however fast it is."""
    limits(here=2, account=2, address=5)
    for _ in range(20):
        assert authenticate("robot$ci", WRONG, address=HERE) is None
        clock.now += 2
    assert authenticate("anna", GOOD, address=HERE) is not None
    row = SignInRecord.objects.get(account="", network=HERE)
    assert row.failures == 2


def test_a_browser_that_is_known_is_a_place_of_its_own(limits):
    limits(here=1, account=1, address=1)
    device = device_of(device_cookie("Anna"), "anna")
    assert device
    fail(address=HERE)
    assert held(address=HERE)
    assert not held(address=HERE, device=device)
    fail(address=HERE, device=device)
    assert held(address=HERE, device=device)
    assert not held(address=HERE, device=device_of(device_cookie("anna"), "anna"))


def test_a_browser_is_known_for_its_person_alone(settings):
    cookie = device_cookie("anna")
    assert device_of(device_cookie("anna", device_of(cookie, "anna")), "anna") == device_of(cookie, "anna")
    assert not device_of(cookie, "berta")
    assert not device_of("", "anna")
    assert not device_of(cookie[:-1] + ("A" if cookie[-1] != "A" else "B"), "anna")
    settings.SECRET_KEY = "another"
    assert not device_of(cookie, "anna")


def test_success_forgets_the_failures_of_the_place(limits):
    limits(here=2)
    fail()
    succeed()
    fail()
    assert not held()


def test_success_is_written_once_a_day(limits, moved, django_assert_num_queries):
    limits(here=2)
    succeed()
    with django_assert_num_queries(1):
        succeed()
    moved(hours=25)
    with django_assert_num_queries(1):
        standing = standing_of(Place("anna", HERE))
    assert standing.is_known
    before = standing.here.succeeded_at
    succeed()
    assert SignInRecord.objects.get().succeeded_at > before


def test_limits_of_nought_never_lock(limits):
    limits()
    fail(times=30)
    assert not held()
    assert not SignInRecord.objects.exists()


def test_what_is_held_costs_a_hash_and_tells_nothing(clock, limits, anna, monkeypatch):
    """The same for a name that exists and for one that does not, for the right password and a wrong one."""
    limits(here=1)
    hashes = []
    verify = passwords.verify_password
    monkeypatch.setattr(passwords, "verify_password", lambda *given: hashes.append(1) or verify(*given))
    make = passwords.make_password
    monkeypatch.setattr(passwords, "make_password", lambda *given: hashes.append(1) or make(*given))
    costs = []
    for name, password in (("anna", WRONG), ("anna", GOOD), ("nobody", WRONG), ("nobody", GOOD)):
        before = len(hashes)
        assert authenticate(name, password, address=HERE) is None
        costs.append(len(hashes) - before)
        clock.now += 2
    assert costs == [1, 1, 1, 1]
    assert authenticate("anna", GOOD, address=THERE) is not None


def test_administrators_see_and_end_locks(clock, limits, anna, boss, monkeypatch):
    limits(here=1, account=1)
    assert user_locked_until(actor=boss, user_id=anna.pk) is None
    fail(address=HERE)
    fail("nobody", HERE)
    until = user_locked_until(actor=boss, user_id=anna.pk)
    assert until > timezone.now()
    assert user_locks(actor=boss, users=[anna, person()]) == {anna.pk: until}
    assert locked_now() == {"address": 0, "account": 2, "account_at_address": 2}
    for act in (user_locked_until, user_unlock):
        with pytest.raises(ForbiddenError):
            act(actor=acting(anna), user_id=anna.pk)
    events = seen_events(monkeypatch, bus)
    user_unlock(actor=boss, user_id=anna.pk)
    assert [(type(event), event.operator, event.username) for event in events] == [
        (SignInUnlocked, "boss", "anna")
    ]
    assert not held(address=HERE)
    assert not held(address=THERE)
    assert user_locked_until(actor=boss, user_id=anna.pk) is None
    assert held("nobody", HERE)
    assert authenticate("anna", GOOD, address=HERE) is not None


def test_what_is_old_or_too_much_goes(limits, moved, monkeypatch):
    limits(here=5)
    succeed("known", HERE)
    fail("old", HERE)
    moved(minutes=59)
    for number in range(6):
        fail(f"name-{number}", HERE)
    sign_in_records_clear()
    assert SignInRecord.objects.count() == 8
    moved(minutes=2)
    sign_in_records_clear()
    assert SignInRecord.objects.count() == 7
    monkeypatch.setattr(throttle, "MOST_ROWS", 3)
    sign_in_records_clear()
    assert SignInRecord.objects.count() <= 3
    assert SignInRecord.objects.filter(account=account_hash("known")).exists(), (
        "what is good for longest stays"
    )


@pytest.mark.django_db(transaction=True)
def test_failures_at_the_same_time_all_count(limits):
    limits(here=1000, account=1000, address=1000)
    at_once(20, lambda number: fail("anna", f"192.0.2.{number % 4}"))
    counts = {(bool(row.account), row.network): row.failures for row in SignInRecord.objects.all()}
    assert counts[True, ""] == 20
    assert [counts[True, f"192.0.2.{number}"] for number in range(4)] == [5] * 4
    assert [counts[False, f"192.0.2.{number}"] for number in range(4)] == [5] * 4


@pytest.mark.django_db(transaction=True)
def test_names_and_addresses_crosswise_lock_no_rows_against_each_other(limits):
    limits(here=1000, account=1000, address=1000)
    at_once(16, lambda number: fail(f"name-{number % 4}", f"192.0.2.{number // 4}", times=5))
    assert sum(row.failures for row in SignInRecord.objects.filter(account="")) == 80
    assert sum(row.failures for row in SignInRecord.objects.filter(network="")) == 80
