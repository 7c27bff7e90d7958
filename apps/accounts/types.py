"""Kinds of groups."""

from enum import IntEnum


class GroupType(IntEnum):
    """Where a group comes from, by the number that the API and Harbor's database use; local ones are our own."""

    LDAP = 1
    HTTP = 2
    OIDC = 3
    LOCAL = 4
