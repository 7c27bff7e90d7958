"""Roles and what identifies a project."""

from enum import IntEnum


class Role(IntEnum):
    """A member's role, by the number that the API and Harbor's database use."""

    PROJECT_ADMIN = 1
    DEVELOPER = 2
    GUEST = 3
    MAINTAINER = 4
    LIMITED_GUEST = 5
