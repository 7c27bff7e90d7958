"""What follows from the permissions of a robot account."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from apps.common.patterns import any_matches
from apps.projects.types import IN_REPOSITORIES
from apps.robots.constants import EVERY_PROJECT, PROJECT, SYSTEM
from apps.robots.types import ALLOW, DENY, Access, RobotPermission

Action = tuple[str, str]
"""(resource, action) as a robot's permission names them: the project itself is ``project``."""

_PULL, _PUSH = ("repository", "pull"), ("repository", "push")


class _Side:
    """Actions that are allowed, or denied, each everywhere or in repositories of some patterns."""

    def __init__(self) -> None:
        self.everywhere: set[Action] = set()
        self.narrowed: dict[Action, tuple[str, ...]] = {}

    def add(self, action: Action, patterns: tuple[str, ...]) -> None:
        if not patterns or action[0] not in IN_REPOSITORIES:
            self.everywhere.add(action)
        else:
            self.narrowed[action] = (*self.narrowed.get(action, ()), *patterns)

    def has(self, action: Action, repository: str) -> bool:
        """Whether it is here for this repository."""
        return action in self.everywhere or any_matches(self.narrowed.get(action, ()), repository)

    def has_somewhere(self, action: Action) -> bool:
        """Whether it is here for any repository at all."""
        return action in self.everywhere or action in self.narrowed

    def contains(self, action: Action, patterns: tuple[str, ...]) -> bool:
        """Whether it is here for all that these patterns match (none for everywhere), as far as can be told."""
        own = self.narrowed.get(action, ())
        return action in self.everywhere or (bool(patterns) and set(patterns) <= set(own))


@dataclass(slots=True)
class _Space:
    allowed: _Side = field(default_factory=_Side)
    denied: _Side = field(default_factory=_Side)


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
            for access in with_implied(permission.access) if push_implies_pull else permission.access:
                side = space.denied if access.effect == DENY else space.allowed
                side.add((access.resource, access.action), permission.repositories)

    @property
    def project_names(self) -> frozenset[str]:
        """The projects that are named, without ``*``."""
        return frozenset(self._projects) - {EVERY_PROJECT}

    def may_system(self, resource: str, action: str) -> bool:
        """Whether this is allowed on the installation."""
        wanted = (resource, action)
        return wanted in self._system.allowed.everywhere and wanted not in self._system.denied.everywhere

    def may_project(self, name: str | None, resource: str, action: str, repository: str = "") -> bool:
        """Whether this is allowed in a project (None for one that no permission names), in ``repository``.

        That is a name without its project; "" for any repository at all.
        """
        wanted = (resource, action)
        return any(
            space.allowed.has(wanted, repository) if repository else space.allowed.has_somewhere(wanted)
            for space in self._about(name)
        ) and not self.denies(name, resource, action, repository)

    def denies(self, name: str | None, resource: str, action: str, repository: str = "") -> bool:
        """Whether this is forbidden in a project, whatever else allows it; ``repository`` as above."""
        wanted = (resource, action)
        return any(
            space.denied.has(wanted, repository) if repository else wanted in space.denied.everywhere
            for space in self._about(name)
        )

    def narrows(self, name: str | None) -> bool:
        """Whether repositories of a project may differ in what is allowed there."""
        return any(space.allowed.narrowed or space.denied.narrowed for space in self._about(name))

    @property
    def narrows_any(self) -> bool:
        """Whether repositories of any project may differ in what is allowed there."""
        return any(space.allowed.narrowed or space.denied.narrowed for space in self._projects.values())

    def covers(self, permission: RobotPermission) -> bool:
        """Whether everything that ``permission`` allows is allowed here as well.

        Patterns are compared as they are written: that one is within another is not found out.
        """
        return all(
            self._covers(permission, access.resource, access.action)
            for access in permission.access
            if access.effect != DENY
        )

    def _covers(self, permission: RobotPermission, resource: str, action: str) -> bool:
        if permission.kind == SYSTEM:
            return self.may_system(resource, action)
        wanted = (resource, action)
        patterns = permission.repositories if resource in IN_REPOSITORIES else ()
        about = self._about(permission.namespace)
        # Every project includes the one where it is denied.
        denying = self._projects.values() if permission.namespace == EVERY_PROJECT else about
        return any(space.allowed.contains(wanted, patterns) for space in about) and not any(
            space.denied.has_somewhere(wanted) for space in denying
        )

    def _about(self, name: str | None) -> list[_Space]:
        names = (EVERY_PROJECT,) if name is None or name == EVERY_PROJECT else (name, EVERY_PROJECT)
        return [self._projects[n] for n in names if n in self._projects]


def with_implied(accesses: tuple[Access, ...]) -> tuple[Access, ...]:
    """The accesses, with the pull that a push brings along at project level."""
    if any((access.resource, access.action, access.effect) == (*_PUSH, ALLOW) for access in accesses):
        return (*accesses, Access(*_PULL))
    return accesses
