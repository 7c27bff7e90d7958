"""Signing in as a robot account."""

import time

import pytest

from apps.accounts import passwords
from apps.accounts.authentication import authenticate, current_principal
from apps.accounts.security import ROBOT, kinds
from apps.robots.authenticator import RobotAuthenticator
from apps.robots.constants import PROJECT, SYSTEM
from apps.robots.models import Robot
from apps.robots.services import robot_create, robot_delete, robot_secret_refresh
from tests.robots.conftest import change, grant
from tests.support.people import settings_are

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(admin, make_project):
    make_project()
    return robot_create(actor=admin, name="ci", level=PROJECT, permissions=[grant("team", "repository:pull")])


def sign_in(name, secret):
    return RobotAuthenticator().authenticate(name, secret)


def test_it_is_registered():
    assert isinstance(kinds()[ROBOT].authenticator, RobotAuthenticator)


@pytest.mark.parametrize(
    ("name", "claimed"),
    [("robot$ci", True), ("robot$team+ci", True), ("robot", False), ("admin", False), ("", False)],
)
def test_names_that_are_surely_robots(name, claimed):
    assert RobotAuthenticator().claims(name, "secret") is claimed


def test_name_and_secret(made):
    principal = sign_in("robot$team+ci", made.secret)

    assert principal is not None
    assert (principal.kind, principal.id, principal.name) == (ROBOT, made.robot.pk, "robot$team+ci")
    assert not principal.is_system_admin


@pytest.mark.parametrize(
    "name",
    [
        "robot$team+other",
        "robot$ci",
        "team+ci",
        "robot$",
        "robot$team+ci\x00",
        "robot$" + "a" * 600,
        "ROBOT$team+ci",
    ],
)
def test_no_other_name(made, name):
    assert sign_in(name, made.secret) is None


def test_no_other_secret(made):
    assert sign_in("robot$team+ci", made.secret + "x") is None
    assert sign_in("robot$team+ci", "") is None


def test_a_name_that_is_not_there_costs_as_much(made, monkeypatch):
    hashed = []
    monkeypatch.setattr(passwords, "make_password", lambda password: hashed.append(password) or "x")

    assert sign_in("robot$nobody", "secret") is None
    assert sign_in("robot$\x00", "secret") is None

    assert hashed == ["secret", "secret"]


def test_disabled_and_expired(made, admin):
    authenticator = RobotAuthenticator()
    change(admin, made.robot, disable=True)
    assert sign_in("robot$team+ci", made.secret) is None
    assert authenticator.current(made.robot.pk) is None

    change(admin, made.robot, disable=False)
    assert authenticator.current(made.robot.pk) is not None
    Robot.objects.update(expires_at=int(time.time()) - 1)
    assert sign_in("robot$team+ci", made.secret) is None
    assert authenticator.current(made.robot.pk) is None

    Robot.objects.update(expires_at=int(time.time()) + 3600)
    assert sign_in("robot$team+ci", made.secret) is not None


def test_a_remembered_secret_ends_with_each_change(made, admin):
    def known(secret):
        return authenticate("robot$team+ci", secret, address="192.0.2.1")

    robot_id, secret = made.robot.pk, made.secret
    principal = known(secret)
    assert principal is not None
    assert current_principal(kind=ROBOT, principal_id=robot_id, version=principal.version) == principal

    fresh = robot_secret_refresh(actor=admin, robot_id=robot_id)
    assert current_principal(kind=ROBOT, principal_id=robot_id, version=principal.version) is None
    assert known(fresh) is not None
    assert known(secret) is None
    robot_delete(actor=admin, robot_id=robot_id)
    assert known(fresh) is None


def test_a_system_robot_signs_in_by_its_bare_name(admin):
    made = robot_create(actor=admin, name="scan-all", level=SYSTEM, permissions=[grant("/", "project:list")])

    assert sign_in("robot$scan-all", made.secret) is not None


def test_only_from_its_networks(admin, make_project):
    make_project()
    permission = grant("team", "repository:pull")
    made = robot_create(
        actor=admin, name="ci", level=PROJECT, permissions=[permission], sources=["192.0.2.0/24"]
    )

    def signs_in(address):
        return authenticate("robot$team+ci", made.secret, address=address) is not None

    assert not signs_in("203.0.113.1")
    assert signs_in("192.0.2.1")
    assert not signs_in("203.0.113.1"), "also where its secret was verified a moment ago"
    assert signs_in("::ffff:192.0.2.1")


def test_another_prefix(made):
    settings_are(robot_name_prefix="bot-")
    assert sign_in("robot$team+ci", made.secret) is None
    principal = sign_in("bot-team+ci", made.secret)
    assert principal is not None
    assert principal.name == "bot-team+ci"
    assert authenticate("bot-team+ci", made.secret, address="192.0.2.1") is not None
