"""The rules that a robot account's fields must keep; each raises :class:`BadRequestError`, which says the rule."""

import re
import secrets
import string
from collections.abc import Sequence

from apps.common.errors import BadRequestError
from apps.projects.patterns import repository_patterns_clean
from apps.projects.roles import PROJECT_GRANTABLE, SYSTEM_GRANTABLE
from apps.robots.constants import (
    EVERY_PROJECT,
    FOR_EVER,
    MAX_DESCRIPTION,
    MAX_DURATION_DAYS,
    MAX_EXPIRY,
    MAX_NAME,
    MAX_PERMISSIONS,
    PROJECT,
    SYSTEM,
    SYSTEM_NAMESPACE,
)
from apps.robots.types import ALLOW, DENY, RobotPermission

_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*\Z")
_SECRET_LENGTH = 32
_SHORTEST_SECRET, _LONGEST_SECRET = 8, 128
_CLASSES = (string.ascii_uppercase, string.ascii_lowercase, string.digits)
_GRANTABLE = {SYSTEM: frozenset(SYSTEM_GRANTABLE), PROJECT: frozenset(PROJECT_GRANTABLE)}


def name_check(name: str) -> None:
    """The rule of project names."""
    if len(name) > MAX_NAME or not _NAME.match(name):
        raise BadRequestError(
            f"robot name {name[:MAX_NAME]!r} is not in lower case or contains illegal characters: letters and digits,"
            f" parted by single . _ or -, at most {MAX_NAME}"
        )


def level_check(level: str) -> None:
    """``system`` or ``project``."""
    if level not in {SYSTEM, PROJECT}:
        raise BadRequestError(f"bad request error level input: {level[:64]}")


def duration_check(duration: int) -> None:
    """Days, or -1 for ever."""
    if duration != FOR_EVER and not 0 < duration <= MAX_DURATION_DAYS:
        raise BadRequestError(
            f"bad request error duration input: {duration}, duration must be either -1(Never) or a positive integer"
        )


def expiry_check(expires_at: int, *, now: float) -> None:
    """An end date in seconds since 1970 that is still to come, or -1 for never."""
    if expires_at != FOR_EVER and not now < expires_at <= MAX_EXPIRY:
        raise BadRequestError(
            f"bad request error expires_at input: {expires_at}, it must be -1(Never) or still to come"
        )


def description_check(description: str) -> None:
    """Text that the column holds."""
    if len(description) > MAX_DESCRIPTION or "\x00" in description:
        raise BadRequestError(f"the description must have at most {MAX_DESCRIPTION} characters, and no NUL")


def permissions_check(level: str, permissions: Sequence[RobotPermission]) -> None:
    """Not empty, nothing that cannot be granted, and at project level exactly one, of a project."""
    if not permissions or not all(permission.access for permission in permissions):
        raise BadRequestError("bad request empty permission")
    if sum(len(permission.access) for permission in permissions) > MAX_PERMISSIONS:
        raise BadRequestError(f"a robot account can have at most {MAX_PERMISSIONS} permissions")
    if level == PROJECT and len(permissions) != 1:
        raise BadRequestError("bad request permission: a project robot account has exactly one")
    for permission in permissions:
        _permission_check(level, permission)


def _permission_check(level: str, permission: RobotPermission) -> None:
    grantable = _GRANTABLE.get(permission.kind)
    if grantable is None or (level == PROJECT and permission.kind != PROJECT):
        raise BadRequestError(f"bad request permission kind: {permission.kind[:64]}")
    if permission.kind == SYSTEM and permission.namespace != SYSTEM_NAMESPACE:
        raise BadRequestError(f"bad request permission namespace: the system's is {SYSTEM_NAMESPACE}")
    if level == PROJECT and permission.namespace == EVERY_PROJECT:
        raise BadRequestError("bad request permission namespace: a project robot account is of one project")
    if permission.kind == SYSTEM and permission.repositories:
        raise BadRequestError("bad request permission repositories: the system has none")
    repository_patterns_clean(permission.repositories)
    for access in permission.access:
        if (access.resource, access.action) not in grantable:
            raise BadRequestError(f"bad request permission: {access.resource[:64]}:{access.action[:64]}")
        if access.effect not in {ALLOW, DENY}:
            raise BadRequestError(f"bad request permission effect: {access.effect[:64]}")


def secret_check(secret: str) -> None:
    """Harbor's rule, whatever the policy for people is: secrets are made by programs."""
    long_enough = _SHORTEST_SECRET <= len(secret) <= _LONGEST_SECRET
    if not long_enough or not all(any(c in characters for c in secret) for characters in _CLASSES):
        raise BadRequestError(
            f"the secret must have {_SHORTEST_SECRET} to {_LONGEST_SECRET} characters, with at least one upper-case"
            " letter, one lower-case letter and one digit"
        )


def random_secret() -> str:
    """32 letters and digits, of each class at least one."""
    characters = [secrets.choice(part) for part in _CLASSES]
    characters += [secrets.choice("".join(_CLASSES)) for _ in range(_SECRET_LENGTH - len(characters))]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)
