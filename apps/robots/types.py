"""Permissions of robot accounts as the API has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.common.errors import BadRequestError

ALLOW = "allow"
DENY = "deny"


@dataclass(frozen=True, slots=True)
class Access:
    """One action on one resource, allowed or denied."""

    resource: str
    action: str
    effect: str = ALLOW


@dataclass(frozen=True, slots=True)
class RobotPermission:
    """Accesses in one name space: ``/`` (kind ``system``), a project's name or ``*`` (kind ``project``).

    ``repositories`` are doublestar patterns of repositories without their project, which narrow accesses to what
    lives in a repository; none for every repository.
    """

    kind: str
    namespace: str
    access: tuple[Access, ...]
    repositories: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the API has it and the database keeps it; ``repositories`` only where there are some."""
        access = [{"resource": a.resource, "action": a.action, "effect": a.effect} for a in self.access]
        shown: dict[str, Any] = {"kind": self.kind, "namespace": self.namespace, "access": access}
        return shown | {"repositories": list(self.repositories)} if self.repositories else shown


def permissions_from_json(value: object) -> tuple[RobotPermission, ...]:
    """Read permissions as the API has them; an empty effect means ``allow``.

    Raises :class:`BadRequestError` for another shape. What may be granted is not looked at.
    """
    return tuple(
        RobotPermission(
            kind=_text(item, "kind"),
            namespace=_text(item, "namespace"),
            access=tuple(
                Access(
                    resource=_text(access, "resource"),
                    action=_text(access, "action"),
                    effect=_text(access, "effect") or ALLOW,
                )
                for access in _objects(item.get("access"), "access")
            ),
            repositories=_texts(item.get("repositories"), "repositories"),
        )
        for item in _objects(value, "permissions")
    )


def _objects(value: object, name: str) -> list[Mapping[str, object]]:
    if value is None:
        return []
    if not isinstance(value, list | tuple) or not all(isinstance(item, Mapping) for item in value):
        raise BadRequestError(f"{name} must be a list of objects")
    return list(value)


def _texts(value: object, name: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise BadRequestError(f"{name} of a permission must be a list of texts")
    return tuple(dict.fromkeys(value))


def _text(item: Mapping[str, object], name: str) -> str:
    value = item.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequestError(f"{name} of a permission must be text")
    return value
