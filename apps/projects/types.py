"""Roles and what identifies a project."""

from dataclasses import dataclass
from enum import IntEnum


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
