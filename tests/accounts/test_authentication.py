import pytest

from apps.accounts import passwords
from apps.accounts.authentication import Deadlines, VerifiedCredentials, authenticate, current_principal
from apps.accounts.passwords import password_hash
from apps.accounts.security import USER
from apps.accounts.services import user_change_password, user_delete, user_set_active, user_set_sysadmin
from apps.common.configuration import Configuration
from apps.config.selectors import system_settings
from apps.events import bus
from tests.support.clock import Clock, fresh_sign_ins
from tests.support.people import person, seen_events
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db

GOOD = "Correct-Horse-1"
OTHER = "Battery-Staple-2"
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def clock(monkeypatch):
    """Fresh caches, and a clock that moves only when the test moves it."""
    clock = Clock()
    fresh_sign_ins(monkeypatch, clock)
    return clock


@pytest.fixture
def hashes(monkeypatch):
    """Counts the Argon2 runs, which stay real."""
    runs = []

    def counting(function):
        def run(*args):
            runs.append(function.__name__)
            return function(*args)

        return run

    for name in ("make_password", "verify_password"):
        monkeypatch.setattr(passwords, name, counting(getattr(passwords, name)))
    return runs


@pytest.fixture(scope="module")
def encoded():
    return password_hash(GOOD)


@pytest.fixture
def anna(encoded):
    return person("anna", password=encoded)


def test_right_and_wrong(clock, anna):
    principal = authenticate("anna", GOOD, address=HERE)
    assert principal is not None
    assert (principal.kind, principal.id, principal.name, principal.version) == (USER, anna.id, "anna", 1)
    assert not principal.is_system_admin
    assert authenticate("anna", OTHER, address=HERE) is None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("", GOOD),
        ("anna", ""),
        ("anna", GOOD + "x" * 128),
        ("a" * 2000, GOOD),
        ("anna\x00", GOOD),
        ("anna", "\ud800"),
    ],
)
def test_what_cannot_be_right(clock, anna, name, password):
    assert authenticate(name, password, address=HERE) is None


def test_a_hit_costs_no_sql_and_no_hash(clock, anna, hashes, django_assert_num_queries):
    authenticate("anna", GOOD, address=HERE)
    authenticate("anna", GOOD, address=HERE)
    assert hashes == ["verify_password"]
    with django_assert_num_queries(0):
        assert authenticate("anna", GOOD, address=THERE) is not None
    assert hashes == ["verify_password"]


def test_verified_credentials_age(clock, anna, hashes):
    authenticate("anna", GOOD, address=HERE)
    clock.now += 59
    authenticate("anna", GOOD, address=HERE)
    assert len(hashes) == 1
    clock.now += 2
    assert authenticate("anna", GOOD, address=HERE) is not None
    assert len(hashes) == 2


def test_the_cache_can_be_off(clock, anna, hashes, settings):
    settings.HARBOR = Configuration(credential_cache_seconds=0, data_dir=settings.HARBOR.data_dir)
    for _ in range(2):
        assert authenticate("anna", GOOD, address=HERE) is not None
    assert len(hashes) == 2


def test_the_cache_is_bounded_and_holds_no_password(clock, anna):
    verified = VerifiedCredentials(size=2, clock=clock)
    principal = authenticate("anna", GOOD, address=HERE)
    for number in range(3):
        verified.remember("anna", f"{GOOD}{number}", principal, 60)
    assert verified.find("anna", f"{GOOD}0") is None
    assert verified.find("anna", f"{GOOD}2") == principal
    assert verified.find("ann", f"a{GOOD}2") is None
    assert GOOD not in repr(vars(verified))


@pytest.mark.parametrize(
    "change",
    [
        lambda boss, anna: user_delete(actor=boss, user_id=anna.id),
        lambda boss, anna: user_set_active(actor=boss, user_id=anna.id, active=False),
        lambda boss, anna: user_change_password(actor=boss, user_id=anna.id, new=OTHER),
    ],
    ids=["deleted", "suspended", "password changed"],
)
def test_a_change_ends_cached_credentials_and_tokens_at_once(clock, anna, boss, change):
    assert authenticate("anna", GOOD, address=HERE) is not None
    assert current_principal(kind=USER, principal_id=anna.id, version=1) is not None
    change(boss, anna)
    assert authenticate("anna", GOOD, address=HERE) is None
    assert current_principal(kind=USER, principal_id=anna.id, version=1) is None


def test_a_new_administrator_is_one_at_once(clock, anna, boss):
    assert not authenticate("anna", GOOD, address=HERE).is_system_admin
    user_set_sysadmin(actor=boss, user_id=anna.id, sysadmin=True)
    principal = authenticate("anna", GOOD, address=HERE)
    assert principal.is_system_admin
    assert current_principal(kind=USER, principal_id=anna.id, version=2) == principal


def test_current_principal_is_a_look_up(clock, anna, django_assert_num_queries):
    system_settings()
    with django_assert_num_queries(1):
        assert current_principal(kind=USER, principal_id=anna.id, version=1) is not None
    with django_assert_num_queries(0):
        assert current_principal(kind=USER, principal_id=anna.id, version=1) is not None
        assert current_principal(kind=USER, principal_id=anna.id, version=2) is None
        assert current_principal(kind="nothing", principal_id=anna.id, version=1) is None


def test_unknown_and_suspended_cost_as_much_as_wrong(clock, anna, encoded, hashes):
    sleeper = person("sleeper", password=encoded)
    sleeper.is_active = False
    sleeper.save()
    counts = []
    for name in ("anna", "nobody", "sleeper", "robot$nobody", "no$kind"):
        before = len(hashes)
        assert authenticate(name, OTHER, address=HERE) is None
        counts.append(len(hashes) - before)
    assert counts == [1] * 5


def test_a_failure_freezes_that_name_for_that_address(clock, anna, hashes):
    authenticate("anna", OTHER, address=HERE)
    assert authenticate("anna", GOOD, address=HERE) is None
    assert len(hashes) == 1
    assert authenticate("anna", GOOD, address=THERE) is not None
    # Verified meanwhile from there: the freeze is for guesses, not for what is known to be right.
    assert authenticate("anna", GOOD, address=HERE) is not None


def test_a_freeze_thaws(clock, anna):
    authenticate("anna", OTHER, address=HERE)
    clock.now += 1.4
    assert authenticate("anna", GOOD, address=HERE) is None
    clock.now += 0.2
    assert authenticate("anna", GOOD, address=HERE) is not None


def test_failures_are_told_once_in_a_while(clock, monkeypatch):
    events = seen_events(monkeypatch, bus)
    for _ in range(4):
        authenticate("nobody" * 100, OTHER, address=HERE)
        clock.now += 2
    authenticate("nobody" * 100, OTHER, address=THERE)
    clock.now += 3
    authenticate("nobody" * 100, OTHER, address=HERE)
    assert [(event.address, event.succeeded) for event in events] == [
        (HERE, False),
        (THERE, False),
        (HERE, False),
    ]
    assert {event.username for event in events} == {("nobody" * 100)[:255]}


def test_deadlines_are_bounded():
    deadlines = Deadlines(size=2, clock=Clock())
    for name in "abc":
        assert deadlines.start((name, HERE), 60)
    assert not deadlines.start(("c", HERE), 60)
    assert deadlines.holds(("b", HERE))
    assert not deadlines.holds(("a", HERE))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("password", "good"), [(GOOD, 6), (OTHER, 0)])
def test_tries_at_the_same_time_cost_one_hash(clock, anna, hashes, password, good):
    answers = at_once(6, lambda _: authenticate("anna", password, address=HERE))
    assert sum(answer is not None for answer in answers) == good
    assert hashes == ["verify_password"]
