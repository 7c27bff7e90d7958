"""Changes to robot accounts. Every change bumps ``version``, which ends the tokens given out before."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.passwords import password_hash
from apps.accounts.security import ROBOT, SecurityContext, require_project, require_system
from apps.accounts.sources import sources_clean
from apps.common.database import write_atomic
from apps.common.errors import BadRequestError, ConflictError, DeniedError, NotFoundError
from apps.common.stamps import principal_key, project_key, touch
from apps.config.selectors import system_settings
from apps.events.bus import publish
from apps.events.catalogue import RobotChanged
from apps.projects.models import Project
from apps.robots.constants import (
    EVERY_PROJECT,
    FOR_EVER,
    MAX_DURATION_DAYS,
    PROJECT,
    SECONDS_A_DAY,
    SYSTEM,
)
from apps.robots.models import Robot
from apps.robots.permissions import with_implied
from apps.robots.selectors import full_name, require_robot, rights_of, robot_row
from apps.robots.types import RobotPermission, permissions_from_json
from apps.robots.validation import (
    description_check,
    duration_check,
    expiry_check,
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
    duration: int | None = None,
    expires_at: int = 0,
    description: str = "",
    disable: bool = False,
    sources: Sequence[object] = (),
) -> NewRobot:
    """Make a robot account. At project level the permission names the project.

    ``duration`` in days, -1 for ever, None for the setting ``robot_token_duration``. An ``expires_at`` (seconds since
    1970, -1 for never) that is not 0 counts instead. ``sources`` are the networks that it may be used from.
    Raises BadRequestError (a rule), ConflictError (name used), NotFoundError (a project), ForbiddenError or
    UnauthorizedError, and DeniedError for a robot account that would grant more than it has.
    """
    now = timezone.now()
    level_check(level)
    name_check(name)
    days, end = _life_at_start(duration, expires_at, now.timestamp())
    description_check(description)
    permissions_check(level, permissions)
    networks = sources_clean(sources)
    _require_create(actor, level, permissions)
    secret = random_secret()
    # Hashing is slow on purpose: before the transaction.
    encoded = password_hash(secret)
    with write_atomic():
        projects = _projects_lock(permissions)
        _require_create(actor, level, permissions)
        _require_no_more_than_own(actor, level, permissions)
        project = projects[permissions[0].namespace] if level == PROJECT else None
        robot = Robot(
            name=name if project is None else f"{project.name}+{name}",
            project=project,
            description=description,
            secret=encoded,
            permissions=[permission.to_json() for permission in permissions],
            duration=days,
            expires_at=end,
            sources=networks,
            disable=disable,
            creator_type=ROBOT if _is_robot(actor) else "local",
            creator_ref=_creator(actor),
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
    expires_at: int | None = None,
    description: str = "",
    disable: bool = False,
    sources: Sequence[object] | None = None,
) -> Robot:
    """Change a robot account; ``name`` (as it signs in) and ``level`` must be what they are, as in Harbor.

    ``duration`` counts from when the account was made; None leaves it. So does None for ``expires_at`` and
    ``sources``. A changed duration counts before a changed ``expires_at``: Harbor's clients send back the old one.
    Raises what :func:`robot_create` does.
    """
    level_check(level)
    description_check(description)
    permissions_check(level, permissions)
    if duration is not None:
        duration_check(duration)
    networks = None if sources is None else sources_clean(sources)
    require_robot(actor, robot_row(robot_id), "update")
    with write_atomic():
        # Projects before robots, as a project that is deleted locks them.
        _projects_lock(permissions)
        robot = robot_lock(actor, robot_id, "update")
        if name != full_name(robot) or level != (PROJECT if robot.project else SYSTEM):
            raise BadRequestError("cannot update the level or name of robot")
        if robot.project is not None and permissions[0].namespace != robot.project.name:
            raise BadRequestError("cannot update the project of a robot account")
        _require_no_more_than_own(actor, level, permissions)
        robot.permissions = [permission.to_json() for permission in permissions]
        robot.description = description
        robot.disable = disable
        robot.sources = robot.sources if networks is None else networks
        _life_change(robot, duration, expires_at)
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
        robot = robot_lock(actor, robot_id, "update")
        robot.secret = encoded
        _save(actor, robot)
    return made


def robot_delete(*, actor: SecurityContext, robot_id: int) -> None:
    """Delete a robot account; its tokens and its secret end at once."""
    with write_atomic():
        robot = robot_lock(actor, robot_id, "delete")
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


def _require_no_more_than_own(
    actor: SecurityContext, level: str, permissions: Sequence[RobotPermission]
) -> None:
    """A robot account grants what it has and nothing else; people grant what their role lets them manage."""
    if actor.principal is None or not _is_robot(actor):
        return
    if level == PROJECT:
        permissions = [replace(one, access=with_implied(one.access)) for one in permissions]
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


def robot_lock(actor: SecurityContext, robot_id: int, action: str) -> Robot:
    """The row of a robot account, locked, for who may do ``action`` with it; raises as :func:`require_robot` does."""
    rows = Robot.objects.select_for_update(of=("self",)).select_related("project")
    return require_robot(actor, rows.filter(pk=robot_id, visible=True).first(), action)


def robot_change_told(actor: SecurityContext, robot: Robot, description: str) -> None:
    """After a change to what belongs to a locked robot account: end its tokens, and tell it in these words."""
    robot.version += 1
    robot.save(update_fields=["version", "update_time"])
    _tell(actor, robot, "update", description)


def _save(actor: SecurityContext, robot: Robot) -> None:
    robot.version += 1
    robot.save()
    _tell(actor, robot, "update")


def _tell(actor: SecurityContext, robot: Robot, operation: str, description: str = "") -> None:
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
            description=description,
        )
    )


def _is_robot(actor: SecurityContext) -> bool:
    return actor.principal is not None and actor.principal.kind == ROBOT


def _creator(actor: SecurityContext) -> int:
    """The id of the robot account or person who makes one; whoever uses an access token is its person."""
    if actor.principal is None:
        return 0
    return actor.principal.person or actor.principal.id


def _life_at_start(duration: int | None, expires_at: int, now: float) -> tuple[int, int]:
    """The days and the end of a new account."""
    if expires_at:
        expiry_check(expires_at, now=now)
        return _days(now, expires_at), expires_at
    days = min(system_settings().robot_token_duration, MAX_DURATION_DAYS) if duration is None else duration
    duration_check(days)
    return days, _expiry(now, days)


def _life_change(robot: Robot, duration: int | None, expires_at: int | None) -> None:
    start = robot.creation_time.timestamp()
    if duration is not None and duration != robot.duration:
        robot.duration = duration
        robot.expires_at = _expiry(start, duration)
    elif expires_at and expires_at != robot.expires_at:
        expiry_check(expires_at, now=time.time())
        robot.duration = _days(start, expires_at)
        robot.expires_at = expires_at


def _days(start: float, expires_at: int) -> int:
    """The duration that an end date comes to, in whole days as Harbor's tools show it."""
    if expires_at == FOR_EVER:
        return FOR_EVER
    return min(max(math.ceil((expires_at - start) / SECONDS_A_DAY), 1), MAX_DURATION_DAYS)


def _expiry(start: float, duration: int) -> int:
    """Seconds since 1970, -1 for never."""
    return FOR_EVER if duration == FOR_EVER else int(start) + duration * SECONDS_A_DAY
