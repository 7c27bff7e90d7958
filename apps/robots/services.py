"""Changes to robot accounts. Every change bumps ``version``, which ends the tokens given out before."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.passwords import password_hash
from apps.accounts.security import ROBOT, SecurityContext, require_project, require_system
from apps.common.database import write_atomic
from apps.common.errors import BadRequestError, ConflictError, DeniedError, NotFoundError
from apps.common.stamps import principal_key, project_key, touch
from apps.events.bus import publish
from apps.events.catalogue import RobotChanged
from apps.projects.models import Project
from apps.robots.constants import EVERY_PROJECT, FOR_EVER, PROJECT, SECONDS_A_DAY, SYSTEM
from apps.robots.models import Robot
from apps.robots.selectors import full_name, require_robot, rights_of, robot_row
from apps.robots.types import RobotPermission, permissions_from_json
from apps.robots.validation import (
    description_check,
    duration_check,
    level_check,
    name_check,
    permissions_check,
    random_secret,
    secret_check,
)


@dataclass(frozen=True, slots=True)
class NewRobot:
    """A robot account with its secret, which nothing can show again."""

    robot: Robot
    secret: str

    def __repr__(self) -> str:
        return f"NewRobot({self.robot.name!r})"


def robot_create(
    *,
    actor: SecurityContext,
    name: str,
    level: str,
    permissions: Sequence[RobotPermission],
    duration: int = FOR_EVER,
    description: str = "",
    disable: bool = False,
) -> NewRobot:
    """Make a robot account; ``duration`` in days, -1 for ever. At project level the permission names the project.

    Raises BadRequestError (a rule), ConflictError (name used), NotFoundError (a project), ForbiddenError or
    UnauthorizedError, and DeniedError for a robot account that would grant more than it has.
    """
    level_check(level)
    name_check(name)
    duration_check(duration)
    description_check(description)
    permissions_check(level, permissions)
    _require_create(actor, level, permissions)
    secret = random_secret()
    # Hashing is slow on purpose: before the transaction.
    encoded = password_hash(secret)
    now = timezone.now()
    with write_atomic():
        projects = _projects_lock(permissions)
        _require_create(actor, level, permissions)
        _require_no_more_than_own(actor, permissions)
        project = projects[permissions[0].namespace] if level == PROJECT else None
        robot = Robot(
            name=name if project is None else f"{project.name}+{name}",
            project=project,
            description=description,
            secret=encoded,
            permissions=[permission.to_json() for permission in permissions],
            duration=duration,
            expires_at=_expiry(now.timestamp(), duration),
            disable=disable,
            creator_type=ROBOT if _is_robot(actor) else "local",
            creator_ref=actor.principal.id if actor.principal else 0,
            creation_time=now,
        )
        try:
            with transaction.atomic():
                robot.save(force_insert=True)
        except IntegrityError:
            raise ConflictError(f"robot account {full_name(robot)} already exists") from None
        _tell(actor, robot, "create")
    return NewRobot(robot, secret)


def robot_update(
    *,
    actor: SecurityContext,
    robot_id: int,
    name: str,
    level: str,
    permissions: Sequence[RobotPermission],
    duration: int | None = None,
    description: str = "",
    disable: bool = False,
) -> Robot:
    """Change a robot account; ``name`` (as it signs in) and ``level`` must be what they are, as in Harbor.

    ``duration`` counts from when the account was made; None leaves it. Raises what :func:`robot_create` does.
    """
    level_check(level)
    description_check(description)
    permissions_check(level, permissions)
    if duration is not None:
        duration_check(duration)
    require_robot(actor, robot_row(robot_id), "update")
    with write_atomic():
        # Projects before robots, as a project that is deleted locks them.
        _projects_lock(permissions)
        robot = _robot_lock(actor, robot_id, "update")
        if name != full_name(robot) or level != (PROJECT if robot.project else SYSTEM):
            raise BadRequestError("cannot update the level or name of robot")
        if robot.project is not None and permissions[0].namespace != robot.project.name:
            raise BadRequestError("cannot update the project of a robot account")
        _require_no_more_than_own(actor, permissions)
        robot.permissions = [permission.to_json() for permission in permissions]
        robot.description = description
        robot.disable = disable
        if duration is not None and duration != robot.duration:
            robot.duration = duration
            robot.expires_at = _expiry(robot.creation_time.timestamp(), duration)
        _save(actor, robot)
    return robot


def robot_disable(*, actor: SecurityContext, robot_id: int, disable: bool) -> Robot:
    """Keep a robot account from signing in, or let it again; ends its tokens."""
    with write_atomic():
        robot = _robot_lock(actor, robot_id, "update")
        robot.disable = disable
        _save(actor, robot)
    return robot


def robot_secret_refresh(*, actor: SecurityContext, robot_id: int, secret: str = "") -> str:
    """Set the secret, or with "" make a new one and return it; a given one is not returned. Ends its tokens.

    Raises BadRequestError for a secret against the rule.
    """
    # Asked twice: nobody who may not costs us a hash, and the second time counts.
    require_robot(actor, robot_row(robot_id), "update")
    if secret:
        secret_check(secret)
    made = "" if secret else random_secret()
    encoded = password_hash(secret or made)
    with write_atomic():
        robot = _robot_lock(actor, robot_id, "update")
        robot.secret = encoded
        _save(actor, robot)
    return made


def robot_delete(*, actor: SecurityContext, robot_id: int) -> None:
    """Delete a robot account; its tokens and its secret end at once."""
    with write_atomic():
        robot = _robot_lock(actor, robot_id, "delete")
        _tell(actor, robot, "delete")
        robot.delete()


def project_robots_forget(*, project_id: int, project_name: str) -> None:
    """Take a project that is about to go out of every robot account, inside the transaction that deletes it.

    Its own robot accounts go with the project's row. Others keep no permission by a name that a new project of
    somebody else could bear.
    """
    own = Robot.objects.filter(project_id=project_id).values_list("pk", flat=True)
    touch(*(principal_key(ROBOT, robot_id) for robot_id in own))
    for robot in Robot.objects.select_for_update().filter(project__isnull=True).order_by("pk"):
        kept = [p for p in permissions_from_json(robot.permissions) if p.namespace != project_name]
        if len(kept) != len(robot.permissions):
            robot.permissions = [permission.to_json() for permission in kept]
            robot.version += 1
            robot.save(update_fields=["permissions", "version", "update_time"])
            touch(principal_key(ROBOT, robot.pk))


def _require_create(actor: SecurityContext, level: str, permissions: Sequence[RobotPermission]) -> None:
    """Who may not see a project cannot tell whether it is there."""
    if level == SYSTEM:
        require_system(actor, "robot", "create")
        return
    name = permissions[0].namespace
    project = Project.objects.filter(name=name).first()
    if project is None:
        require_project(actor, 0, public=False, resource="robot", action="create")
        raise NotFoundError(f"project {name[:255]} not found")
    require_project(actor, project.pk, public=project.public, resource="robot", action="create")


def _require_no_more_than_own(actor: SecurityContext, permissions: Sequence[RobotPermission]) -> None:
    """A robot account grants what it has and nothing else; people grant what their role lets them manage."""
    if actor.principal is None or not _is_robot(actor):
        return
    own = rights_of(actor.principal.id).permissions
    if not all(map(own.covers, permissions)):
        raise DeniedError("a robot account can only grant permissions that it has itself")


def _projects_lock(permissions: Sequence[RobotPermission]) -> dict[str, Project]:
    """The projects that permissions name, kept from being deleted until the commit; raises NotFoundError."""
    names = {p.namespace for p in permissions if p.kind == PROJECT and p.namespace != EVERY_PROJECT}
    rows = Project.objects.select_for_update(no_key=True).filter(name__in=names).order_by("pk")
    projects = {project.name: project for project in rows}
    if missing := sorted(names - projects.keys()):
        raise NotFoundError(f"project {missing[0][:255]} not found")
    return projects


def _robot_lock(actor: SecurityContext, robot_id: int, action: str) -> Robot:
    rows = Robot.objects.select_for_update(of=("self",)).select_related("project")
    return require_robot(actor, rows.filter(pk=robot_id, visible=True).first(), action)


def _save(actor: SecurityContext, robot: Robot) -> None:
    robot.version += 1
    robot.save()
    _tell(actor, robot, "update")


def _tell(actor: SecurityContext, robot: Robot, operation: str) -> None:
    touch(principal_key(ROBOT, robot.pk))
    if robot.project is not None:
        touch(project_key(robot.project.name))
    publish(
        RobotChanged(
            operator=actor.name,
            operation=operation,
            robot_id=robot.pk,
            robot_name=full_name(robot),
            project_id=None if robot.project is None else robot.project.pk,
        )
    )


def _is_robot(actor: SecurityContext) -> bool:
    return actor.principal is not None and actor.principal.kind == ROBOT


def _expiry(start: float, duration: int) -> int:
    """Seconds since 1970, -1 for never."""
    return FOR_EVER if duration == FOR_EVER else int(start) + duration * SECONDS_A_DAY
