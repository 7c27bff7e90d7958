"""Roles and what identifies a project."""

from dataclasses import dataclass
from enum import IntEnum

from apps.common.patterns import any_matches

READING = frozenset({"read", "list", "pull"})
"""Actions that change nothing."""

IN_REPOSITORIES = frozenset(
    {"repository", "artifact", "tag", "accessory", "artifact-addition", "artifact-label", "scan", "sbom"}
)
"""Resources that live in a repository: permissions on them can be narrowed to patterns of repositories."""


class Role(IntEnum):
    """A member's role, by the number that the API and Harbor's database use."""

    PROJECT_ADMIN = 1
    DEVELOPER = 2
    GUEST = 3
    MAINTAINER = 4
    LIMITED_GUEST = 5


@dataclass(frozen=True, slots=True)
class ProjectRef:
    """What most requests need to know of a project; cached under the project's stamp."""

    id: int
    name: str
    public: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """A role in a project, one's own or a group's. Patterns as in :class:`apps.projects.models.Member`."""

    role: Role
    pull_patterns: tuple[str, ...] = ()
    push_patterns: tuple[str, ...] = ()

    def reaches(self, resource: str, action: str, repository: str) -> bool:
        """Whether its patterns leave this repository ("" for any at all) to what the role may do."""
        if not repository or resource not in IN_REPOSITORIES:
            return True
        patterns = self.pull_patterns if action in READING else self.push_patterns
        return not patterns or any_matches(patterns, repository)
