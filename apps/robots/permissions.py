"""What follows from the permissions of a robot account."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from apps.robots.constants import EVERY_PROJECT, PROJECT, SYSTEM
from apps.robots.types import DENY, RobotPermission

Action = tuple[str, str]
"""(resource, action) as a robot's permission names them: the project itself is ``project``."""


@dataclass(slots=True)
class _Space:
    allowed: set[Action] = field(default_factory=set)
    denied: set[Action] = field(default_factory=set)


class PermissionSet:
    """Answers whether a robot account may do something. One denial outweighs every permission.

    ``push_implies_pull`` is for project level: clients that push look at what is there first.
    """

    def __init__(self, permissions: Iterable[RobotPermission], *, push_implies_pull: bool) -> None:
        self._system = _Space()
        self._projects: dict[str, _Space] = {}
        for permission in permissions:
            space = self._system
            if permission.kind == PROJECT:
                space = self._projects.setdefault(permission.namespace, _Space())
            for access in permission.access:
                side = space.denied if access.effect == DENY else space.allowed
                side.add((access.resource, access.action))
        if push_implies_pull:
            for space in self._projects.values():
                if ("repository", "push") in space.allowed:
                    space.allowed.add(("repository", "pull"))

    @property
    def project_names(self) -> frozenset[str]:
        """The projects that are named, without ``*``."""
        return frozenset(self._projects) - {EVERY_PROJECT}

    def may_system(self, resource: str, action: str) -> bool:
        """Whether this is allowed on the installation."""
        wanted = (resource, action)
        return wanted in self._system.allowed and wanted not in self._system.denied

    def may_project(self, name: str | None, resource: str, action: str) -> bool:
        """Whether this is allowed in a project; None for one that no permission names."""
        wanted = (resource, action)
        return any(wanted in space.allowed for space in self._about(name)) and not self.denies(
            name, resource, action
        )

    def denies(self, name: str | None, resource: str, action: str) -> bool:
        """Whether this is forbidden in a project, whatever else allows it."""
        return any((resource, action) in space.denied for space in self._about(name))

    def covers(self, permission: RobotPermission) -> bool:
        """Whether everything that ``permission`` allows is allowed here as well."""
        return all(
            self._covers(permission, access.resource, access.action)
            for access in permission.access
            if access.effect != DENY
        )

    def _covers(self, permission: RobotPermission, resource: str, action: str) -> bool:
        if permission.kind == SYSTEM:
            return self.may_system(resource, action)
        if permission.namespace == EVERY_PROJECT and any(
            (resource, action) in space.denied for space in self._projects.values()
        ):
            # Every project includes the one where it is denied.
            return False
        return self.may_project(permission.namespace, resource, action)

    def _about(self, name: str | None) -> list[_Space]:
        names = (EVERY_PROJECT,) if name is None or name == EVERY_PROJECT else (name, EVERY_PROJECT)
        return [self._projects[n] for n in names if n in self._projects]
