"""What robot accounts may do."""

import pytest

from apps.projects.roles import PROJECT_GRANTABLE, PUBLIC_PERMISSIONS, SYSTEM_GRANTABLE
from apps.projects.services import project_delete
from apps.robots.constants import PROJECT
from apps.robots.models import Robot
from apps.robots.permissions import PermissionSet
from apps.robots.services import robot_update
from tests.robots.conftest import grant, may, robot_context

pytestmark = pytest.mark.django_db


def test_a_project_robot_may_what_it_was_granted_there(make_project, make_robot):
    team, other = make_project("team"), make_project("other")
    context = robot_context(make_robot(grant("team", "repository:pull", "tag:list"), level=PROJECT))

    assert may(context, team, "repository:pull")
    assert may(context, team, "tag:list")
    assert not may(context, team, "repository:push")
    assert not may(context, team, "repository:delete")
    assert not may(context, other, "repository:pull")
    assert not context.can_project(0, public=False, resource="repository", action="pull")


def test_push_implies_pull_at_project_level_only(make_project, make_robot):
    team = make_project()
    project_robot = robot_context(make_robot(grant("team", "repository:push"), level=PROJECT))
    system_robot = robot_context(make_robot(grant("team", "repository:push")))

    assert may(project_robot, team, "repository:pull")
    assert may(system_robot, team, "repository:push")
    assert not may(system_robot, team, "repository:pull")


def test_a_system_robot_by_names(make_project, make_robot):
    projects = [make_project(name) for name in ("one", "two", "three")]
    robot = make_robot(grant("one", "repository:pull"), grant("two", "repository:push"))
    context = robot_context(robot)

    assert [may(context, project, "repository:pull") for project in projects] == [True, False, False]
    assert [may(context, project, "repository:push") for project in projects] == [False, True, False]


def test_a_system_robot_for_every_project(make_project, make_robot):
    context = robot_context(make_robot(grant("*", "repository:pull")))

    assert may(context, make_project("made-later"), "repository:pull")
    assert context.can_project(0, public=False, resource="repository", action="pull")
    assert not context.can_system("project", "list")


@pytest.mark.parametrize(
    "permissions",
    [
        [grant("team", "repository:pull", "!repository:pull")],
        [grant("*", "repository:pull"), grant("team", "!repository:pull")],
        [grant("team", "repository:pull"), grant("*", "!repository:pull")],
    ],
)
def test_a_denial_outweighs_everything(make_project, make_robot, permissions):
    team = make_project("team", public=True)

    assert not may(robot_context(make_robot(*permissions)), team, "repository:pull")


def test_a_denial_in_one_project_leaves_the_others(make_project, make_robot):
    make_project("team")
    other = make_project("other")
    context = robot_context(make_robot(grant("*", "repository:pull"), grant("team", "!repository:pull")))

    assert may(context, other, "repository:pull")


def test_public_projects_are_open_as_to_anybody(make_project, make_robot):
    make_project("team")
    public = make_project("open", public=True)
    context = robot_context(make_robot(grant("team", "log:list"), level=PROJECT))

    for resource, action in PUBLIC_PERMISSIONS:
        assert context.can_project(public.pk, public=True, resource=resource, action=action)
    assert not may(context, public, "repository:push")


def test_the_project_itself(make_project, make_robot):
    team = make_project()
    context = robot_context(make_robot(grant("team", "project:read"), level=PROJECT))

    assert context.can_project(team.pk, public=False, resource="", action="read")
    assert not context.can_project(team.pk, public=False, resource="", action="delete")


def test_system_permissions(make_project, make_robot):
    team = make_project()
    context = robot_context(make_robot(grant("/", "project:list", "user:read", "!user:read")))

    assert context.can_system("project", "list")
    assert not context.can_system("project", "create")
    assert not context.can_system("user", "read")
    assert not may(context, team, "repository:pull")
    assert not context.is_system_admin


def test_everything_that_can_be_granted_works(make_project, make_robot):
    team = make_project()
    in_project = [f"{resource}:{action}" for resource, action in PROJECT_GRANTABLE]
    on_system = [f"{resource}:{action}" for resource, action in SYSTEM_GRANTABLE]
    context = robot_context(make_robot(grant("team", *in_project), grant("/", *on_system)))

    for resource, action in PROJECT_GRANTABLE:
        name = "" if resource == "project" else resource
        assert context.can_project(team.pk, public=False, resource=name, action=action)
    for resource, action in SYSTEM_GRANTABLE:
        assert context.can_system(resource, action)


@pytest.mark.django_db(transaction=True)
def test_permissions_are_loaded_once(make_project, make_robot, django_assert_num_queries):
    team = make_project()
    robot = make_robot(grant("team", "repository:pull"), level=PROJECT)
    context = robot_context(robot)

    with django_assert_num_queries(2):
        assert may(context, team, "repository:pull")
        assert may(context, team, "repository:pull")
        assert not context.can_system("project", "list")
    with django_assert_num_queries(0):
        assert may(type(context)(context.principal), team, "repository:pull")


def test_a_change_counts_in_the_next_request(make_project, make_robot, admin):
    team = make_project()
    robot = make_robot(grant("team", "repository:pull"), level=PROJECT)
    before = robot_context(robot)
    assert may(before, team, "repository:pull")

    robot_update(
        actor=admin,
        robot_id=robot.pk,
        name="robot$team+ci",
        level=PROJECT,
        permissions=[grant("team", "log:list")],
    )

    assert may(before, team, "repository:pull"), "one request is judged by one state"
    assert not may(robot_context(robot), team, "repository:pull")


def test_a_new_project_of_an_old_name_is_not_open_to_old_robots(make_project, make_robot, admin):
    old = make_project("team")
    make_project("other")
    robot = make_robot(grant("team", "repository:pull"), grant("other", "repository:pull"))
    make_robot(grant("team", "repository:pull"), name="own", level=PROJECT)
    assert may(robot_context(robot), old, "repository:pull")

    project_delete(actor=admin, project_id=old.pk)
    new = make_project("team")

    assert not may(robot_context(robot), new, "repository:pull")
    assert [permission["namespace"] for permission in robot.permissions] == ["other"]
    assert not Robot.objects.filter(name="team+own").exists()


@pytest.mark.parametrize(
    ("own", "granted", "covered"),
    [
        ([grant("team", "repository:pull")], grant("team", "repository:pull"), True),
        ([grant("team", "repository:pull")], grant("team", "repository:push"), False),
        ([grant("team", "repository:pull")], grant("other", "repository:pull"), False),
        ([grant("team", "repository:pull")], grant("*", "repository:pull"), False),
        ([grant("*", "repository:pull")], grant("team", "repository:pull"), True),
        ([grant("*", "repository:pull")], grant("*", "repository:pull"), True),
        (
            [grant("*", "repository:pull"), grant("team", "!repository:pull")],
            grant("*", "repository:pull"),
            False,
        ),
        (
            [grant("*", "repository:pull"), grant("team", "!repository:pull")],
            grant("team", "repository:pull"),
            False,
        ),
        (
            [grant("*", "repository:pull"), grant("team", "!repository:pull")],
            grant("x", "repository:pull"),
            True,
        ),
        ([grant("team", "repository:pull")], grant("team", "repository:pull", "!tag:list"), True),
        ([grant("/", "user:read")], grant("/", "user:read"), True),
        ([grant("/", "user:read")], grant("/", "user:list"), False),
        ([grant("/", "label:read")], grant("team", "label:read"), False),
        ([grant("*", "label:read")], grant("/", "label:read"), False),
    ],
)
def test_what_a_set_of_permissions_covers(own, granted, covered):
    assert PermissionSet(own, push_implies_pull=False).covers(granted) is covered
