"""Making, changing and deleting robot accounts: Harbor's rules, and who may."""

import math
import time
from datetime import timedelta

import pytest

from apps.accounts.passwords import password_matches
from apps.audit.models import AuditLog
from apps.common.errors import (
    BadRequestError,
    ConflictError,
    DeniedError,
    ForbiddenError,
    NotFoundError,
    UnauthorizedError,
)
from apps.projects.contexts import AnonymousContext
from apps.projects.types import Role
from apps.robots.constants import PROJECT, SYSTEM
from apps.robots.models import Robot
from apps.robots.selectors import full_name, robot_get, robot_list
from apps.robots.services import (
    robot_create,
    robot_delete,
    robot_secret_refresh,
)
from apps.robots.types import RobotPermission, permissions_from_json
from apps.robots.validation import random_secret, secret_check
from tests.robots.conftest import change, grant, robot_context
from tests.support.people import settings_are

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("make_project")]

PULL = grant("team", "repository:pull")


def test_a_project_robot(make_project, admin):
    team = make_project()

    made = robot_create(
        actor=admin, name="ci", level=PROJECT, permissions=[PULL], duration=30, description="for the build"
    )

    robot = Robot.objects.get()
    assert (robot.name, full_name(robot), robot.project) == ("team+ci", "robot$team+ci", team)
    assert (robot.description, robot.duration, robot.disable, robot.visible) == (
        "for the build",
        30,
        False,
        True,
    )
    assert robot.expires_at == int((robot.creation_time + timedelta(days=30)).timestamp())
    assert robot.permissions == [
        {
            "kind": "project",
            "namespace": "team",
            "access": [{"resource": "repository", "action": "pull", "effect": "allow"}],
        }
    ]
    assert (robot.creator_type, robot.creator_ref) == ("local", admin.principal.id)
    assert len(made.secret) == 32
    assert made.secret not in robot.secret
    assert made.secret not in repr(made)
    assert password_matches(made.secret, robot.secret)


def test_a_system_robot(make_robot):
    robot = make_robot(grant("*", "repository:pull"), grant("/", "project:list"), name="all")

    assert (robot.name, robot.project, robot.duration) == ("all", None, 30), "the setting's default"


def test_each_change_is_recorded(make_project, make_robot, admin):
    team = make_project()
    robot = make_robot(PULL, level=PROJECT)
    change(admin, robot, disable=True)
    robot_delete(actor=admin, robot_id=robot.pk)

    rows = AuditLog.objects.filter(resource_type="robot").order_by("id")
    assert [row.operation for row in rows] == ["create", "update", "delete"]
    assert {(row.resource, row.username, row.project_id) for row in rows} == {
        ("robot$team+ci", "admin", team.pk)
    }


@pytest.mark.parametrize(
    "name", ["", "Upper", "a b", "-a", "a-", "a..b", "a+b", "a/b", "robot$a", "é", "a\n", "a" * 256]
)
def test_bad_names(make_project, make_robot, name):
    make_project()

    with pytest.raises(BadRequestError, match="robot name"):
        make_robot(PULL, level=PROJECT, name=name)


@pytest.mark.parametrize("name", ["a", "0", "a-b.c_d", "a" * 255])
def test_good_names(make_project, make_robot, name):
    make_project()

    assert make_robot(PULL, level=PROJECT, name=name).name == f"team+{name}"


@pytest.mark.parametrize("duration", [0, -2, 2**31])
def test_bad_durations(make_project, make_robot, duration):
    make_project()

    with pytest.raises(BadRequestError, match="duration"):
        make_robot(PULL, level=PROJECT, duration=duration)


def test_the_longest_duration(make_project, make_robot):
    make_project()

    assert make_robot(PULL, level=PROJECT, duration=2**31 - 1).expires_at > 2**40


@pytest.mark.parametrize(
    ("level", "permissions", "message"),
    [
        ("company", [PULL], "level"),
        (PROJECT, [], "empty permission"),
        (PROJECT, [grant("team")], "empty permission"),
        (PROJECT, [PULL, PULL], "exactly one"),
        (PROJECT, [grant("*", "repository:pull")], "one project"),
        (PROJECT, [grant("/", "project:list")], "kind"),
        (PROJECT, [grant("team", "repository:create")], "^bad request permission: repository:create$"),
        (PROJECT, [grant("team", "scanner-pull:pull")], "^bad request permission: scanner-pull:pull$"),
        (PROJECT, [grant("team", "user:read")], "^bad request permission: user:read$"),
        (SYSTEM, [grant("/", "configuration:read")], "^bad request permission: configuration:read$"),
        (SYSTEM, [grant("/", "repository:pull")], "^bad request permission: repository:pull$"),
        (SYSTEM, [RobotPermission("system", "team", PULL.access)], "namespace"),
        (SYSTEM, [RobotPermission("world", "/", PULL.access)], "kind"),
        (
            PROJECT,
            permissions_from_json(
                [
                    {
                        "kind": "project",
                        "namespace": "team",
                        "access": [{"resource": "repository", "action": "pull", "effect": "maybe"}],
                    }
                ]
            ),
            "effect",
        ),
    ],
)
def test_bad_permissions(make_project, make_robot, level, permissions, message):
    make_project()

    with pytest.raises(BadRequestError, match=message):
        make_robot(*permissions, level=level)
    assert not Robot.objects.exists()


@pytest.mark.parametrize("value", ["x", [1], [{"access": "x"}], [{"kind": 1}], {"kind": "project"}])
def test_permissions_of_another_shape(value):
    with pytest.raises(BadRequestError):
        permissions_from_json(value)


def test_permissions_as_the_api_has_them():
    (permission,) = permissions_from_json(
        [{"kind": "project", "namespace": "team", "access": [{"resource": "repository", "action": "pull"}]}]
    )

    assert permission == PULL
    assert permissions_from_json(None) == ()


def test_a_name_is_given_once_a_project(make_project, make_robot):
    make_project("team")
    make_project("other")
    make_robot(PULL, level=PROJECT)
    make_robot(grant("other", "repository:pull"), level=PROJECT)
    make_robot(PULL)

    with pytest.raises(ConflictError):
        make_robot(PULL, level=PROJECT)
    with pytest.raises(ConflictError):
        make_robot(PULL)
    assert Robot.objects.count() == 3


@pytest.mark.parametrize("level", [PROJECT, SYSTEM])
def test_a_project_that_is_not_there(make_robot, level):
    with pytest.raises(NotFoundError, match="nowhere"):
        make_robot(grant("nowhere", "repository:pull"), level=level)


@pytest.mark.parametrize(
    ("role", "may_list", "may_write"),
    [
        (Role.PROJECT_ADMIN, True, True),
        (Role.MAINTAINER, True, False),
        (Role.DEVELOPER, True, False),
        (Role.GUEST, True, False),
        (Role.LIMITED_GUEST, False, False),
    ],
)
def test_roles(make_project, make_robot, join, role, may_list, may_write):
    team = make_project()
    robot = make_robot(PULL, level=PROJECT)
    member = join(team, role)

    def allowed(call):
        try:
            call()
        except ForbiddenError:
            return False
        return True

    assert allowed(lambda: robot_list(actor=member, project=team.ref)) is may_list
    assert allowed(lambda: robot_get(actor=member, robot_id=robot.pk)) is may_list
    assert allowed(lambda: make_robot(PULL, level=PROJECT, actor=member, name="new")) is may_write
    assert allowed(lambda: change(member, robot, disable=True)) is may_write
    assert allowed(lambda: robot_secret_refresh(actor=member, robot_id=robot.pk)) is may_write
    assert allowed(lambda: robot_delete(actor=member, robot_id=robot.pk)) is may_write


def test_a_project_admin_has_no_power_elsewhere(make_project, make_robot, join):
    member = join(make_project("team"), Role.PROJECT_ADMIN)
    make_project("other")
    elsewhere = make_robot(grant("other", "repository:pull"), level=PROJECT)
    system = make_robot(PULL)

    for robot in (elsewhere, system):
        with pytest.raises(ForbiddenError):
            robot_delete(actor=member, robot_id=robot.pk)
        with pytest.raises(ForbiddenError):
            robot_get(actor=member, robot_id=robot.pk)
    with pytest.raises(ForbiddenError):
        make_robot(grant("other", "repository:pull"), level=PROJECT, actor=member, name="x")
    with pytest.raises(ForbiddenError):
        make_robot(PULL, level=SYSTEM, actor=member, name="x")
    with pytest.raises(ForbiddenError):
        robot_list(actor=member)


def test_strangers_learn_nothing(make_project, make_robot, alice):
    make_project()
    robot = make_robot(PULL, level=PROJECT)

    for actor, error in ((alice, ForbiddenError), (AnonymousContext(), UnauthorizedError)):
        for robot_id in (robot.pk, 999):
            with pytest.raises(error):
                robot_get(actor=actor, robot_id=robot_id)
            with pytest.raises(error):
                robot_secret_refresh(actor=actor, robot_id=robot_id)
        for name in ("team", "nowhere"):
            with pytest.raises(error):
                make_robot(grant(name, "repository:pull"), level=PROJECT, actor=actor, name="x")


def test_an_administrator_is_told_what_is_missing(admin):
    for call in (robot_get, robot_delete, robot_secret_refresh):
        with pytest.raises(NotFoundError):
            call(actor=admin, robot_id=999)


def test_lists_are_of_one_level(make_project, make_robot, admin):
    team, other = make_project("team"), make_project("other")
    make_robot(PULL, level=PROJECT, name="b")
    make_robot(PULL, level=PROJECT, name="a")
    make_robot(grant("other", "repository:pull"), level=PROJECT, name="c")
    make_robot(PULL, name="system")
    Robot.objects.create(name="scanner", visible=False)

    assert [robot.name for robot in robot_list(actor=admin)] == ["system"]
    assert [robot.name for robot in robot_list(actor=admin, project=team.ref)] == ["team+a", "team+b"]
    assert [robot.name for robot in robot_list(actor=admin, project=other.ref)] == ["other+c"]


def test_a_hidden_robot_is_not_there(admin):
    hidden = Robot.objects.create(name="scanner", visible=False)

    with pytest.raises(NotFoundError):
        robot_delete(actor=admin, robot_id=hidden.pk)


def test_a_robot_grants_no_more_than_it_has(make_project, make_robot):
    make_project("team")
    make_project("other")
    parent = robot_context(
        make_robot(grant("team", "robot:create", "repository:pull"), level=PROJECT, name="parent")
    )

    child = make_robot(PULL, level=PROJECT, actor=parent, name="child")
    assert (child.creator_type, child.creator_ref) == ("robot", parent.principal.id)
    with pytest.raises(DeniedError):
        make_robot(grant("team", "repository:pull", "repository:push"), level=PROJECT, actor=parent, name="x")
    with pytest.raises(ForbiddenError):
        make_robot(grant("other", "repository:pull"), level=PROJECT, actor=parent, name="x")
    with pytest.raises(ForbiddenError):
        make_robot(PULL, level=SYSTEM, actor=parent, name="x")


def test_a_system_robot_grants_no_more_than_it_has(make_project, make_robot):
    make_project()
    parent = robot_context(make_robot(grant("/", "robot:create", "user:read"), PULL, name="parent"))

    make_robot(grant("/", "user:read"), PULL, actor=parent, name="child")
    for more in (grant("/", "user:create"), grant("*", "repository:pull"), grant("team", "repository:push")):
        with pytest.raises(DeniedError):
            make_robot(more, actor=parent, name="x")


def test_an_update_sets_everything(make_project, make_robot, admin):
    make_project()
    robot = make_robot(PULL, level=PROJECT, duration=10, description="old")
    more = grant("team", "repository:pull", "tag:list")

    change(admin, robot, permissions=[more], duration=20, description="new", disable=True)

    before, robot = robot, Robot.objects.get()
    assert robot.permissions == [more.to_json()]
    assert (robot.duration, robot.description, robot.disable) == (20, "new", True)
    assert robot.expires_at == int((robot.creation_time + timedelta(days=20)).timestamp())
    assert (robot.secret, robot.name) == (before.secret, before.name)
    assert robot.version == before.version + 1


def test_a_duration_that_is_left_out_stays(make_project, make_robot, admin):
    make_project()
    robot = make_robot(PULL, level=PROJECT, duration=10)

    assert change(admin, robot).expires_at == robot.expires_at
    assert change(admin, robot, duration=-1).expires_at == -1


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "robot$team+other"},
        {"name": "team+ci"},
        {"level": SYSTEM},
        {"permissions": []},
        {"permissions": [grant("team", "user:read")]},
        {"permissions": [grant("other", "repository:pull")]},
        {"duration": 0},
        {"description": "x" * 1025},
    ],
)
def test_what_an_update_refuses(make_project, make_robot, admin, fields):
    make_project("team")
    make_project("other")
    robot = make_robot(PULL, level=PROJECT)

    with pytest.raises(BadRequestError):
        change(admin, robot, **fields)

    assert Robot.objects.get().version == robot.version


def test_secrets(make_project, admin):
    make_project()
    made = robot_create(actor=admin, name="ci", level=PROJECT, permissions=[PULL])

    fresh = robot_secret_refresh(actor=admin, robot_id=made.robot.pk)
    assert fresh != made.secret
    assert password_matches(fresh, Robot.objects.get().secret)

    assert robot_secret_refresh(actor=admin, robot_id=made.robot.pk, secret="Chosen-1-secret") == ""
    robot = Robot.objects.get()
    assert password_matches("Chosen-1-secret", robot.secret)
    assert robot.version == made.robot.version + 2


@pytest.mark.parametrize("secret", ["short1A", "alllower1", "ALLUPPER1", "NoDigits", "Aa1" * 50])
def test_bad_secrets(make_project, make_robot, admin, secret):
    make_project()
    robot = make_robot(PULL, level=PROJECT)

    with pytest.raises(BadRequestError, match="secret"):
        robot_secret_refresh(actor=admin, robot_id=robot.pk, secret=secret)
    assert Robot.objects.get().version == robot.version


def test_random_secrets_keep_the_rule():
    made = {random_secret() for _ in range(200)}

    assert len(made) == 200
    for secret in made:
        secret_check(secret)
        assert len(secret) == 32
        assert secret.isascii()
        assert secret.isalnum()


def test_the_settings_give_prefix_and_duration(make_project, make_robot):
    make_project()
    settings_are(robot_name_prefix="bot-", robot_token_duration=7)
    robot = make_robot(PULL, level=PROJECT)

    assert full_name(robot) == "bot-team+ci"
    assert (robot.name, robot.duration) == ("team+ci", 7)
    assert robot.expires_at == int((robot.creation_time + timedelta(days=7)).timestamp())
    assert make_robot(PULL, level=PROJECT, name="ever", duration=-1).expires_at == -1


def test_the_longest_default(make_project, make_robot):
    make_project()
    settings_are(robot_token_duration=9_999_999_999)

    assert make_robot(PULL, level=PROJECT).duration == 2**31 - 1


def test_an_end_date(make_project, make_robot, admin):
    make_project()
    end = int(time.time()) + 36 * 3600
    robot = make_robot(PULL, level=PROJECT, duration=5, expires_at=end)
    assert (robot.expires_at, robot.duration) == (end, 2), "in whole days, as Harbor's tools show it"

    assert change(admin, robot, duration=2, expires_at=end).expires_at == end
    later = change(admin, robot, duration=2, expires_at=end + 86400)
    assert (later.expires_at, later.duration) == (end + 86400, 3)
    longer = change(admin, robot, duration=9, expires_at=end + 86400)
    assert longer.expires_at == int((robot.creation_time + timedelta(days=9)).timestamp())
    never = change(admin, robot, expires_at=-1)
    assert (never.expires_at, never.duration) == (-1, -1)
    assert change(admin, robot).expires_at == -1


@pytest.mark.parametrize("end", [1, -2, 2**63 - 1])
def test_bad_end_dates(make_project, make_robot, admin, end):
    make_project()
    with pytest.raises(BadRequestError, match="expires_at"):
        make_robot(PULL, level=PROJECT, expires_at=end)
    robot = make_robot(PULL, level=PROJECT)
    with pytest.raises(BadRequestError, match="expires_at"):
        change(admin, robot, expires_at=end)
    assert math.isclose(robot.expires_at, robot.creation_time.timestamp() + 30 * 86400, abs_tol=1)


def test_sources(make_project, make_robot, admin):
    make_project()
    robot = make_robot(PULL, level=PROJECT, sources=["192.0.2.9/24", "::1"])
    assert robot.sources == ["192.0.2.0/24", "::1/128"]
    assert change(admin, robot).sources == ["192.0.2.0/24", "::1/128"], "left out, they stay"
    assert change(admin, robot, sources=["10.0.0.0/8"]).sources == ["10.0.0.0/8"]
    with pytest.raises(BadRequestError):
        change(admin, robot, sources=["here"])
    assert change(admin, robot, sources=[]).sources == []


@pytest.mark.parametrize(
    "permission",
    [
        RobotPermission("project", "team", PULL.access, ("",)),
        RobotPermission("project", "team", PULL.access, ("a[",)),
        RobotPermission("project", "team", PULL.access, ("a\x00",)),
        RobotPermission("project", "team", PULL.access, tuple(f"r{n}" for n in range(65))),
        RobotPermission("system", "/", grant("/", "user:read").access, ("a",)),
    ],
)
def test_bad_patterns(make_project, make_robot, permission):
    make_project()
    with pytest.raises(BadRequestError):
        make_robot(permission)


@pytest.mark.parametrize("value", ["a", [1], {"a": 1}])
def test_patterns_of_another_shape(value):
    with pytest.raises(BadRequestError):
        permissions_from_json([{"kind": "project", "namespace": "x", "access": [], "repositories": value}])


def test_a_pushing_robot_needs_the_pull_that_it_would_give(make_project, make_robot):
    make_project()
    only_push = robot_context(make_robot(grant("team", "repository:push", "robot:create"), name="maker"))
    with pytest.raises(DeniedError):
        make_robot(grant("team", "repository:push"), level=PROJECT, actor=only_push)
    both = robot_context(
        make_robot(grant("team", "repository:push", "repository:pull", "robot:create"), name="second")
    )
    assert make_robot(grant("team", "repository:push"), level=PROJECT, actor=both).creator_type == "robot"
