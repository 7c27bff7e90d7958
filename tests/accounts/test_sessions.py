"""Sessions below HTTP; their life over HTTP is in tests/api/test_sessions.py."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.accounts import sessions
from apps.accounts.models import User, UserSession
from apps.accounts.passwords import password_hash
from apps.accounts.security import SystemContext
from apps.accounts.services import user_change_password, user_delete, user_set_active, user_set_sysadmin
from apps.accounts.session_services import session_end, session_is, session_list, sessions_end
from apps.accounts.sessions import (
    is_confirmed,
    session_close,
    session_confirm,
    session_key_hash,
    session_open,
    session_principal,
    sessions_clear,
)
from apps.common.configuration import Configuration
from apps.common.errors import ForbiddenError, NotFoundError
from apps.events import bus
from apps.events.catalogue import UserLoggedIn, UserLoggedOut
from apps.events.logins import PasswordConfirmed, SessionsEnded
from tests.support.clock import Clock, fresh_sign_ins
from tests.support.people import acting, person, seen_events

pytestmark = pytest.mark.django_db

GOOD = "Correct-Horse-1"
HERE = "192.0.2.1"


@pytest.fixture
def clock(monkeypatch):
    """Moves what the sessions take for now; the database's own expiry is after it."""
    clock = Clock(2_000_000_000.0)
    monkeypatch.setattr(sessions, "time", SimpleNamespace(time=clock))
    return clock


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    fresh_sign_ins(monkeypatch, Clock())


@pytest.fixture(scope="module")
def encoded():
    return password_hash(GOOD)


@pytest.fixture
def anna(encoded):
    return person("anna", password=encoded)


def sign_in(replaces=""):
    return session_open(username="anna", password=GOOD, address=HERE, replaces=replaces)


def test_life(anna, monkeypatch):
    events = seen_events(monkeypatch, bus)
    key = sign_in()
    assert session_principal(key, renew=True).name == "anna"
    session_close(key)
    assert session_principal(key, renew=True) is None
    session_close(key)
    assert [(type(event), event.operator, event.username) for event in events] == [
        (UserLoggedIn, "anna", "anna"),
        (UserLoggedOut, "anna", "anna"),
    ]


def test_a_wrong_password_opens_nothing(anna, monkeypatch):
    events = seen_events(monkeypatch, bus)
    assert session_open(username="anna", password="Wrong-Horse-1", address=HERE) is None
    assert sign_in() is None, "frozen, as with Basic"
    assert not Session.objects.exists()
    assert [event.succeeded for event in events] == [False]


def test_the_key_is_new_at_each_login(anna):
    first = sign_in()
    second = sign_in(replaces=first)
    assert second != first
    assert session_principal(first, renew=False) is None
    planted = "a" * 32
    assert sign_in(replaces=planted) != planted
    assert session_principal(planted, renew=False) is None


@pytest.mark.parametrize("key", ["", "short", "A" * 32, "a" * 31 + "\x00", "a" * 33, "a" * 31 + "\n"])
def test_what_cannot_be_a_key_is_not_looked_up(key, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert session_principal(key, renew=True) is None
        session_close(key)


@pytest.mark.parametrize(
    "end",
    [
        lambda boss, user: user_set_active(actor=boss, user_id=user.pk, active=False),
        lambda boss, user: user_delete(actor=boss, user_id=user.pk),
        lambda boss, user: user_change_password(actor=boss, user_id=user.pk, new="Another-Horse-2"),
        lambda boss, user: user_set_sysadmin(actor=boss, user_id=user.pk, sysadmin=True),
    ],
)
def test_what_ends_credentials_ends_every_session(anna, boss, end):
    keys = [sign_in(), sign_in()]
    end(boss, anna)
    assert [session_principal(key, renew=True) for key in keys] == [None, None]


def test_an_account_that_is_let_in_again_has_no_old_sessions(anna, boss):
    key = sign_in()
    user_set_active(actor=boss, user_id=anna.pk, active=False)
    user_set_active(actor=boss, user_id=anna.pk, active=True)
    assert session_principal(key, renew=True) is None
    assert sign_in() is not None


def test_it_lasts_while_it_is_used(anna, clock):
    key = sign_in()
    for _ in range(3):
        clock.now += 3599
        assert session_principal(key, renew=True) is not None
    clock.now += 3600
    assert session_principal(key, renew=True) is None


def test_looking_without_renewal_does_not_prolong_it(anna, clock):
    key = sign_in()
    clock.now += 3599
    assert session_principal(key, renew=False) is not None
    clock.now += 1
    assert session_principal(key, renew=False) is None


def test_it_is_written_once_a_minute(anna, clock, django_assert_num_queries):
    key = sign_in()
    session_principal(key, renew=True)
    clock.now += 59
    with django_assert_num_queries(1):
        session_principal(key, renew=True)
    clock.now += 1
    row = Session.objects.filter(pk=session_key_hash(key))
    before = row.get().session_data
    session_principal(key, renew=True)
    assert row.get().session_data != before


def test_renewal_brings_no_ended_session_back(anna, clock, monkeypatch):
    key = sign_in()
    clock.now += 60
    renew = sessions._renew

    def ended_meanwhile(session):
        renew(session)
        Session.objects.all().delete()

    monkeypatch.setattr(sessions, "_renew", ended_meanwhile)
    assert session_principal(key, renew=True) is None
    assert not Session.objects.exists()


def test_rows_of_sessions_that_are_over_go(anna):
    kept, over = (session_key_hash(sign_in()) for _ in range(2))
    Session.objects.filter(pk=over).update(expire_date="2020-01-01T00:00:00Z")
    sessions_clear()
    assert [row.pk for row in Session.objects.all()] == [kept]
    assert [row.key_hash for row in UserSession.objects.all()] == [kept]


def test_the_database_has_nobodys_key(anna):
    key = sign_in()
    rows = [*Session.objects.values_list(), *UserSession.objects.values_list()]
    assert rows
    assert key not in repr(rows)
    assert session_principal(session_key_hash(key)[:32], renew=False) is None


def test_it_ends_however_much_it_is_used(anna, clock, settings):
    settings.HARBOR = Configuration(session_max_hours=2, data_dir=settings.HARBOR.data_dir)
    key = sign_in()
    for _ in range(2):
        clock.now += 3599
        assert session_principal(key, renew=True) is not None
    clock.now += 2
    assert session_principal(key, renew=True) is None


def test_a_session_has_to_give_the_password_again(anna, clock, monkeypatch, settings):
    settings.HARBOR = Configuration(reauthentication_minutes=1, data_dir=settings.HARBOR.data_dir)
    key = sign_in()
    assert is_confirmed(key)
    clock.now += 60
    assert not is_confirmed(key)
    assert not session_confirm(key=key, password="Wrong-Horse-1", address=HERE)
    assert not is_confirmed(key)
    assert not session_confirm(key="a" * 32, password=GOOD, address=HERE)
    events = seen_events(monkeypatch, bus)
    assert session_confirm(key=key, password=GOOD, address="192.0.2.9")
    assert is_confirmed(key)
    assert [type(event) for event in events] == [PasswordConfirmed]
    settings.HARBOR = Configuration(reauthentication_minutes=0, data_dir=settings.HARBOR.data_dir)
    clock.now += 600
    assert is_confirmed(key)


def test_what_people_see_and_end_of_their_sessions(anna, boss, monkeypatch):
    own = acting(anna)
    first = session_open(username="anna", password=GOOD, address=HERE, agent="Firefox" * 100)
    second = sign_in()
    seen = list(session_list(actor=own, user_id=anna.pk))
    assert [session_is(row, second) for row in seen] == [True, False]
    assert (seen[1].address, seen[1].agent, seen[1].source) == (HERE, ("Firefox" * 100)[:255], "local")
    stranger = acting(person())
    for act in (
        lambda: session_list(actor=stranger, user_id=anna.pk),
        lambda: session_end(actor=stranger, user_id=anna.pk, session_id=seen[0].pk),
        lambda: sessions_end(actor=stranger, user_id=anna.pk),
    ):
        with pytest.raises(ForbiddenError):
            act()
    with pytest.raises(NotFoundError):
        session_end(actor=stranger, user_id=stranger.principal.id, session_id=seen[0].pk)
    events = seen_events(monkeypatch, bus)
    session_end(actor=own, user_id=anna.pk, session_id=seen[1].pk)
    assert session_principal(first, renew=True) is None
    third = sign_in()
    assert sessions_end(actor=own, user_id=anna.pk, but=third) == 1
    assert session_principal(second, renew=True) is None
    assert sessions_end(actor=boss, user_id=anna.pk) == 1
    assert session_principal(third, renew=True) is None
    told = [(event.operator, event.description) for event in events if isinstance(event, SessionsEnded)]
    assert told == [
        ("anna", f"end session from {HERE} of anna"),
        ("anna", "end 1 sessions of anna"),
        ("boss", "end 1 sessions of anna"),
    ]
    assert not Session.objects.exists()
    assert not UserSession.objects.exists()


def test_sessions_that_are_over_are_not_shown(anna, boss, settings):
    sign_in()
    user_set_sysadmin(actor=boss, user_id=anna.pk, sysadmin=True)
    assert not session_list(actor=acting(anna), user_id=anna.pk).exists()
    sign_in()
    rows = session_list(actor=acting(anna), user_id=anna.pk)
    assert rows.count() == 1
    UserSession.objects.update(began_at=timezone.now() - timedelta(hours=169))
    assert rows.all().count() == 0


def test_only_administrators_end_sessions_of_administrators(anna, boss):
    sign_in()
    helper = SystemContext("helper")
    helper.is_system_admin = False
    User.objects.filter(pk=anna.pk).update(auditor_flag=True)
    with pytest.raises(ForbiddenError):
        sessions_end(actor=helper, user_id=anna.pk)
    assert sessions_end(actor=boss, user_id=anna.pk) == 1
