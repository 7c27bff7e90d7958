"""Directories that people come from besides our own table: LDAP, OpenID Connect, an authenticating proxy.

Each is an app of a floor above that registers itself; this floor knows only what they have in common.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from apps.accounts.models import Identity
from apps.accounts.types import Source
from apps.config.selectors import system_settings
from apps.config.types import SystemSettings

# Of the modes that Harbor has; UAA's is not here.
_SOURCE_OF_MODE: Mapping[str, Source] = {
    "db_auth": Source.LOCAL,
    "ldap_auth": Source.LDAP,
    "oidc_auth": Source.OIDC,
    "http_auth": Source.HTTP,
}


class SourceUnreachableError(Exception):
    """The directory does not answer, or not so that it can be understood; the message says why, for the log."""


@dataclass(frozen=True, slots=True)
class ExternalGroup:
    """A group as its directory has it; ``dn`` of LDAP alone."""

    name: str
    dn: str = ""


@dataclass(frozen=True, slots=True)
class ExternalPerson:
    """A person as their directory has them, now.

    ``issuer`` and ``subject`` never change, ``username`` is what they would be called here. ``groups`` and
    ``is_admin`` are None where nothing is said of them: then they stay as they are. ``credentials`` is a JSON object
    to ask the directory with later, if it takes one.
    """

    source: Source
    subject: str
    username: str
    issuer: str = ""
    email: str = ""
    realname: str = ""
    groups: tuple[ExternalGroup, ...] | None = None
    is_admin: bool | None = None
    comment: str = ""
    credentials: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a directory says of somebody who has signed in before; no ``person``: it does not know them any more.

    ``credentials`` are kept instead of those before, ``until`` is when the answer ends where it cannot be asked again.
    """

    person: ExternalPerson | None
    credentials: str | None = field(default=None, repr=False)
    until: datetime | None = None


class Directory(Protocol):
    """One of them. Called without a transaction and without a connection to the database, as it may take seconds."""

    def unavailable(self) -> str:
        """Why it cannot be used here at all, and what to do about it; "" if it can."""

    def authenticate(self, username: str, password: str) -> ExternalPerson | None:
        """Who these are; None for wrong ones, and where there are no passwords. Raises SourceUnreachableError."""

    def find(self, username: str) -> ExternalPerson | None:
        """Who has this name there, to be made a member before they have ever signed in; None for nobody, and where
        nobody can be searched. Raises SourceUnreachableError.
        """

    def confirm(self, identity: Identity) -> Confirmation:
        """Whether they are still there, and in which groups. Raises SourceUnreachableError."""


_directories: dict[Source, Directory] = {}


def register_directory(source: Source, directory: Directory) -> None:
    """Add a directory; called from an app's ``ready()``."""
    _directories[source] = directory


def directory_of(source: str) -> Directory | None:
    """The directory of a source, whether it is enabled or not."""
    return _directories.get(Source(source))


def enabled_sources(values: SystemSettings | None = None) -> frozenset[Source]:
    """Where people may come from by these settings, those in force now: ``auth_sources``, or what Harbor's
    ``auth_mode`` stands for.

    ``admin``, the first administrator, may always sign in with the password here.
    """
    values = system_settings() if values is None else values
    if values.auth_sources:
        return frozenset(map(Source, values.auth_sources.split(",")))
    return frozenset({_SOURCE_OF_MODE.get(values.auth_mode, Source.LOCAL)})
