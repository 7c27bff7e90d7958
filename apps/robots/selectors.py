"""Reads of robot accounts."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from apps.accounts.security import ROBOT, Principal, SecurityContext, require_project, require_system
from apps.common.caches import StampedCache
from apps.common.errors import NotFoundError
from apps.common.stamps import principal_key
from apps.config.selectors import system_settings
from apps.projects.models import Project
from apps.projects.types import ProjectRef
from apps.robots.constants import FOR_EVER, MAX_STORED_NAME
from apps.robots.models import Robot
from apps.robots.permissions import PermissionSet
from apps.robots.types import permissions_from_json

_STORED_NAME = re.compile(r"[a-z0-9._+-]+\Z")
_MAX_AGE = 10.0


@dataclass(frozen=True, slots=True)
class RobotRights:
    """What a robot account may do: its permissions, and the names of the projects that they speak of by id."""

    permissions: PermissionSet
    names: Mapping[int, str]


_NO_RIGHTS = RobotRights(PermissionSet((), push_implies_pull=False), {})
_rights: StampedCache[RobotRights] = StampedCache(max_entries=4096, max_age=_MAX_AGE)


def robot_list(*, actor: SecurityContext, project: ProjectRef | None = None) -> QuerySet[Robot]:
    """The visible robot accounts of one project, or those of system level, by name.

    Raises :class:`ForbiddenError` or :class:`UnauthorizedError` unless ``actor`` may list them.
    """
    robots = Robot.objects.filter(visible=True).select_related("project").order_by("name", "id")
    if project is None:
        require_system(actor, "robot", "list")
        return robots.filter(project__isnull=True)
    require_project(actor, project.id, public=project.public, resource="robot", action="list")
    return robots.filter(project_id=project.id)


def robot_get(*, actor: SecurityContext, robot_id: int) -> Robot:
    """One robot account; raises :class:`NotFoundError`, and as :func:`robot_list` does."""
    return require_robot(actor, robot_row(robot_id), "read")


def robot_row(robot_id: int) -> Robot | None:
    """A robot account for a caller that will authorise itself; None if it is not there or not to be seen."""
    return Robot.objects.filter(pk=robot_id, visible=True).select_related("project").first()


def require_robot(actor: SecurityContext, robot: Robot | None, action: str) -> Robot:
    """Raise unless ``actor`` may do ``action`` on this robot account.

    One that is not there is only told to be missing to those who might see any.
    """
    if robot is None or robot.project is None:
        require_system(actor, "robot", action)
    else:
        require_project(actor, robot.project.pk, public=robot.project.public, resource="robot", action=action)
    if robot is None:
        raise NotFoundError("robot account not found")
    return robot


def full_name(robot: Robot) -> str:
    """The name to sign in with, as lists and logs show it: ``robot$library+ci``."""
    return name_prefix() + robot.name


def name_prefix() -> str:
    """What stands before a robot account's name where it signs in and is shown; no SQL when warm."""
    return system_settings().robot_name_prefix


def is_expired(robot: Robot) -> bool:
    """Whether its time is over."""
    return robot.expires_at != FOR_EVER and robot.expires_at <= time.time()


def robot_of_login(username: str) -> Robot | None:
    """The robot account that signs in by this name, prefix included; None if there is none."""
    name = username.removeprefix(name_prefix())
    # No query for what cannot be a name: a NUL character is an error for PostgreSQL.
    if len(name) > MAX_STORED_NAME or not _STORED_NAME.match(name):
        return None
    return Robot.objects.filter(name=name).first()


def principal_of(robot: Robot) -> Principal | None:
    """The robot account as a principal; None if it may not sign in now."""
    if robot.disable or is_expired(robot):
        return None
    return Principal(
        kind=ROBOT,
        id=robot.pk,
        name=full_name(robot),
        version=robot.version,
        is_system_admin=False,
        sources=tuple(robot.sources),
    )


def rights_of(robot_id: int) -> RobotRights:
    """What a robot account may do; no SQL when warm."""
    return (
        _rights.get(robot_id, (principal_key(ROBOT, robot_id),), lambda: _rights_load(robot_id)) or _NO_RIGHTS
    )


def _rights_load(robot_id: int) -> RobotRights | None:
    robot = Robot.objects.filter(pk=robot_id).first()
    if robot is None:
        return None
    permissions = PermissionSet(
        permissions_from_json(robot.permissions), push_implies_pull=robot.project_id is not None
    )
    named = permissions.project_names
    rows = Project.objects.filter(name__in=named).values_list("id", "name") if named else ()
    return RobotRights(permissions, dict(rows))
