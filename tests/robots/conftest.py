import pytest
from django.contrib.auth.hashers import make_password

from apps.accounts.models import User
from apps.accounts.security import context_of
from apps.projects.models import Member
from apps.projects.services import project_create
from apps.projects.types import Role
from apps.robots import services
from apps.robots.constants import PROJECT, SYSTEM
from apps.robots.models import Robot
from apps.robots.selectors import full_name, principal_of
from apps.robots.types import Access, RobotPermission, permissions_from_json
from tests.support.people import acting, person


def robot_context(robot: Robot):
    """A fresh context, as a new request of the robot account would have it."""
    robot.refresh_from_db()
    return context_of(principal_of(robot))


def may(context, project, access: str, repository: str = "") -> bool:
    """Whether a context may do ``resource:action`` in a project."""
    resource, action = access.split(":")
    return context.can_project(
        project.pk, public=project.public, resource=resource, action=action, repository=repository
    )


def change(actor, robot: Robot, **fields) -> Robot:
    """Update a robot account: with ``fields``, and else with what it has."""
    values = {
        "name": full_name(robot),
        "level": PROJECT if robot.project_id else SYSTEM,
        "permissions": permissions_from_json(robot.permissions),
        "disable": robot.disable,
        "description": robot.description,
    }
    return services.robot_update(actor=actor, robot_id=robot.pk, **(values | fields))


def grant(namespace: str, *accesses: str) -> RobotPermission:
    """``grant("team", "repository:pull", "!tag:create")``; the system's name space is ``/``, ``!`` denies."""
    return RobotPermission(
        kind=SYSTEM if namespace == "/" else PROJECT,
        namespace=namespace,
        access=tuple(
            Access(*text.removeprefix("!").split(":"), effect="deny" if text.startswith("!") else "allow")
            for text in accesses
        ),
    )


@pytest.fixture
def admin():
    return acting(person("admin", sysadmin=True))


@pytest.fixture
def alice():
    """A person with no role anywhere, until a test gives one."""
    return acting(person("alice"))


@pytest.fixture
def make_project(admin):
    def make(name="team", public=False):
        return project_create(actor=admin, name=name, public=public)

    return make


@pytest.fixture
def join(alice):
    """Give alice a role."""

    def give(project, role: Role):
        Member.objects.create(project=project, user_id=alice.principal.id, role=role)
        return acting(User.objects.get(username="alice"))

    return give


@pytest.fixture
def quick_hashes(monkeypatch):
    """For tests that make many robot accounts and sign in with none."""
    encoded = make_password(None)
    monkeypatch.setattr(services, "password_hash", lambda secret: encoded)


@pytest.fixture
def make_robot(admin, quick_hashes):
    """A robot account of the administrator's; of system level unless ``level`` says otherwise."""

    def make(*permissions, name="ci", level=SYSTEM, actor=admin, **fields):
        return services.robot_create(
            actor=actor, name=name, level=level, permissions=permissions, **fields
        ).robot

    return make
