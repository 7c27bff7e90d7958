import pytest

from apps.accounts.models import User
from apps.accounts.passwords import password_matches
from apps.accounts.security import Principal
from apps.accounts.selectors import live_users, lowest_system_admin, user_get, user_list, user_search
from apps.accounts.services import (
    admin_create,
    user_change_password,
    user_create,
    user_delete,
    user_set_active,
    user_set_sysadmin,
    user_update_profile,
)
from apps.common.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    UnauthorizedError,
)
from apps.events import bus
from apps.projects.contexts import AnonymousContext
from tests.support.people import acting, person, seen_events

pytestmark = pytest.mark.django_db

GOOD = "Correct-Horse-1"
OTHER = "Battery-Staple-2"


class UserRobot(AnonymousContext):
    """A robot account with every permission on ``user`` of the system."""

    principal = Principal(kind="robot", id=1, name="robot$people", version=1, is_system_admin=False)
    name = "robot$people"

    def can_system(self, resource: str, action: str) -> bool:
        return resource == "user"


@pytest.fixture
def anna():
    return person("anna")


def create(actor, **change):
    values = {"username": "carl", "email": "carl@example.com", "realname": "Carl", "password": GOOD}
    return user_create(actor=actor, **(values | change))


def test_create(boss, monkeypatch):
    events = seen_events(monkeypatch, bus)
    user = create(boss, comment="hello")
    row = User.objects.get(username="carl")
    assert (row.id, row.email, row.realname, row.comment) == (user.id, "carl@example.com", "Carl", "hello")
    assert (row.sysadmin_flag, row.is_active, row.deleted, row.version) == (False, True, False, 1)
    assert password_matches(GOOD, row.password)
    (event,) = events
    assert (event.operation, event.user_id, event.username, event.operator) == (
        "create",
        user.id,
        "carl",
        "boss",
    )


@pytest.mark.parametrize("change", [{"username": "anna"}, {"email": "anna@example.com"}])
def test_create_twice(boss, anna, change):
    with pytest.raises(ConflictError):
        create(boss, **change)
    assert live_users().count() == 2


@pytest.mark.parametrize(
    "change", [{"username": "a#b"}, {"email": "x"}, {"password": "weak"}, {"comment": "x" * 31}]
)
def test_create_against_the_rules(boss, change):
    with pytest.raises(BadRequestError):
        create(boss, **change)


def test_who_may_create(anna):
    with pytest.raises(ForbiddenError):
        create(acting(anna))
    with pytest.raises(UnauthorizedError):
        create(AnonymousContext())
    assert create(UserRobot()).username == "carl"


def test_update_profile(boss, anna):
    user_update_profile(actor=acting(anna), user_id=anna.id, realname="Anna", comment="c")
    user_update_profile(actor=boss, user_id=anna.id, email="new@example.com")
    anna.refresh_from_db()
    assert (anna.email, anna.realname, anna.comment, anna.version) == ("new@example.com", "Anna", "c", 1)
    with pytest.raises(ConflictError):
        user_update_profile(actor=acting(anna), user_id=anna.id, email="boss@example.com")
    with pytest.raises(BadRequestError):
        user_update_profile(actor=acting(anna), user_id=anna.id, email="")
    with pytest.raises(ForbiddenError):
        user_update_profile(actor=acting(anna), user_id=boss.principal.id, realname="x")


def test_missing_users_are_not_found_only_for_those_who_may_look(boss, anna):
    for call in (
        lambda actor: user_update_profile(actor=actor, user_id=10**20, realname="x"),
        lambda actor: user_delete(actor=actor, user_id=987654),
        lambda actor: user_set_active(actor=actor, user_id=987654, active=False),
        lambda actor: user_change_password(actor=actor, user_id=987654, new=GOOD),
        lambda actor: user_get(actor=actor, user_id=987654),
    ):
        with pytest.raises(NotFoundError):
            call(boss)
        with pytest.raises(ForbiddenError):
            call(acting(anna))
        with pytest.raises(UnauthorizedError):
            call(AnonymousContext())


def test_set_sysadmin(boss, anna):
    user_set_sysadmin(actor=boss, user_id=anna.id, sysadmin=True)
    anna.refresh_from_db()
    assert (anna.sysadmin_flag, anna.version) == (True, 2)
    with pytest.raises(ForbiddenError):
        user_set_sysadmin(actor=acting(person()), user_id=anna.id, sysadmin=False)
    with pytest.raises(UnauthorizedError):
        user_set_sysadmin(actor=AnonymousContext(), user_id=anna.id, sysadmin=False)


def test_a_robot_cannot_rise_through_people(boss, anna):
    robot, boss_id = UserRobot(), boss.principal.id
    user_update_profile(actor=robot, user_id=anna.id, realname="by robot")
    for attempt in (
        lambda: user_set_sysadmin(actor=robot, user_id=anna.id, sysadmin=True),
        lambda: user_change_password(actor=robot, user_id=boss_id, new=GOOD),
        lambda: user_update_profile(actor=robot, user_id=boss_id, email="robot@example.com"),
        lambda: user_set_active(actor=robot, user_id=boss_id, active=False),
        lambda: user_delete(actor=robot, user_id=boss_id),
    ):
        with pytest.raises(ForbiddenError, match="system administrator"):
            attempt()


def test_change_own_password(boss):
    user = create(boss)
    actor = acting(user)
    for wrong in (None, "", OTHER):
        with pytest.raises(ForbiddenError):
            user_change_password(actor=actor, user_id=user.id, old=wrong, new=OTHER)
    with pytest.raises(BadRequestError, match="old one"):
        user_change_password(actor=actor, user_id=user.id, old=GOOD, new=GOOD)
    with pytest.raises(BadRequestError, match="12 to 128"):
        user_change_password(actor=actor, user_id=user.id, old=GOOD, new="weak")
    user_change_password(actor=actor, user_id=user.id, old=GOOD, new=OTHER)
    user.refresh_from_db()
    assert user.version == 2
    assert password_matches(OTHER, user.password)


def test_change_anothers_password(boss, anna):
    user_change_password(actor=boss, user_id=anna.id, new=GOOD)
    anna.refresh_from_db()
    assert password_matches(GOOD, anna.password)
    with pytest.raises(ForbiddenError):
        user_change_password(actor=acting(person()), user_id=anna.id, old=GOOD, new=OTHER)


def test_delete(boss, anna, monkeypatch):
    events = seen_events(monkeypatch, bus)
    user_delete(actor=boss, user_id=anna.id)
    anna.refresh_from_db()
    assert (anna.username, anna.email, anna.deleted, anna.is_active) == (f"anna#{anna.id}", None, True, False)
    assert anna.version == 2
    assert [(event.operation, event.username) for event in events] == [("delete", "anna")]
    with pytest.raises(NotFoundError):
        user_delete(actor=boss, user_id=anna.id)
    assert create(boss, username="anna", email="anna@example.com").id != anna.id


def test_nobody_deletes_or_suspends_themselves_or_admin(boss):
    admin = admin_create(password=GOOD)
    for user_id in (boss.principal.id, admin.id):
        with pytest.raises(ForbiddenError):
            user_delete(actor=boss, user_id=user_id)
        with pytest.raises(ForbiddenError):
            user_set_active(actor=boss, user_id=user_id, active=False)
    with pytest.raises(ForbiddenError):
        user_set_sysadmin(actor=boss, user_id=admin.id, sysadmin=False)
    assert live_users().filter(is_active=True, sysadmin_flag=True).count() == 2


def test_suspend(boss, anna):
    user_set_active(actor=boss, user_id=anna.id, active=False)
    anna.refresh_from_db()
    assert (anna.is_active, anna.version) == (False, 2)
    user_set_active(actor=boss, user_id=anna.id, active=True)
    anna.refresh_from_db()
    assert (anna.is_active, anna.version) == (True, 3)


def test_admin():
    admin = admin_create(password=GOOD)
    assert (admin.id, admin.username, admin.sysadmin_flag) == (1, "admin", True)
    # The next id that the database gives by itself is free.
    assert User.objects.create(username="next", password="!").id > 1
    with pytest.raises(ConflictError):
        admin_create(password=GOOD)
    with pytest.raises(BadRequestError):
        admin_create(password="weak")
    assert lowest_system_admin() == admin


def test_reads(boss, anna):
    gone = person("ann-gone")
    user_delete(actor=boss, user_id=gone.id)
    assert [user.username for user in user_list(actor=boss)] == ["anna", "boss"]
    assert [user.username for user in user_search(actor=acting(anna), name="NN")] == ["anna"]
    assert user_get(actor=acting(anna), user_id=anna.id) == anna
    assert user_get(actor=boss, user_id=anna.id) == anna
    with pytest.raises(ForbiddenError):
        user_list(actor=acting(anna))
    with pytest.raises(UnauthorizedError):
        user_search(actor=AnonymousContext(), name="a")
