"""Kinds of groups, and where people come from."""

from enum import IntEnum, StrEnum


class GroupType(IntEnum):
    """Where a group comes from, by the number that the API and Harbor's database use; local ones are our own."""

    LDAP = 1
    HTTP = 2
    OIDC = 3
    LOCAL = 4


class Source(StrEnum):
    """Who says that a person is who they say: our own password, or a directory of the company."""

    LOCAL = "local"
    LDAP = "ldap"
    OIDC = "oidc"
    HTTP = "http"


GROUPS_OF = {Source.LDAP: GroupType.LDAP, Source.HTTP: GroupType.HTTP, Source.OIDC: GroupType.OIDC}
"""The kind of groups that a directory brings."""
