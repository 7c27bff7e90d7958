"""What is asked of a directory and what it says, without the library that speaks with it (it may not be installed)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import urlsplit

from apps.accounts.directories import Directory, ExternalPerson
from apps.config.types import SystemSettings

MISSING = "LDAP is not installed here; install it with: pip install 'harbor-py[ldap]'"

_PORTS = {"ldap": 389, "ldaps": 636}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_DEFAULT_SECONDS = 5
_MOST_SECONDS = 300
_DEFAULT_MEMBERSHIP = "memberof"


def is_installed() -> bool:
    """Whether the extra ``ldap`` is there."""
    try:
        return find_spec("ldap") is not None and find_spec("django_auth_ldap") is not None
    except ModuleNotFoundError:
        return False


class Step(StrEnum):
    """What is done with a directory, in order."""

    URL = "url"
    NAME = "name"
    CONNECT = "connect"
    TLS = "tls"
    BIND = "bind"
    BASE = "base"
    FILTER = "filter"
    SEARCH = "search"


class LdapError(Exception):
    """A step failed. ``message`` is a sentence for administrators, and has no password in it."""

    def __init__(self, step: Step, message: str) -> None:
        super().__init__(message)
        self.step = step
        self.message = message


@dataclass(frozen=True, slots=True)
class Server:
    """One address of the directory."""

    scheme: str
    host: str
    port: int

    @property
    def uri(self) -> str:
        """As the library takes it."""
        return f"{self.scheme}://{self.place}"

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def servers_of(text: str) -> tuple[Server, ...]:
    """The servers of ``ldap_url``, separated by blanks or commas; raises :class:`LdapError`.

    One without a scheme is ``ldap://``, or ``ldaps://`` with the port 636, as in Harbor.
    """
    found = tuple(_server(word) for word in text.replace(",", " ").split())
    if not found:
        raise LdapError(Step.URL, "there is no URL of the directory (ldap_url)")
    return found


def _server(word: str) -> Server:
    if not _SCHEME.match(word):
        word = f"ldaps://{word}" if word.endswith(":636") else f"ldap://{word}"
    try:
        parts = urlsplit(word)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise LdapError(Step.URL, f"the URL {word} cannot be read") from None
    if parts.scheme not in _PORTS or not host or parts.username or port == 0:
        raise LdapError(Step.URL, f"the URL {word} must be ldap://HOST[:PORT] or ldaps://HOST[:PORT]")
    return Server(parts.scheme, host, port or _PORTS[parts.scheme])


@dataclass(frozen=True, slots=True)
class LdapSettings:
    """The ``ldap_*`` settings, as a directory is asked with them. Two that are the same share connections."""

    url: str
    search_dn: str
    search_password: str = field(repr=False)
    base_dn: str
    filter: str
    uid: str
    scope: int
    seconds: int
    verify_cert: bool
    start_tls: bool = False
    ca_file: Path | None = None
    group_base_dn: str = ""
    group_filter: str = ""
    group_name_attribute: str = "cn"
    group_scope: int = 2
    group_admin_dn: str = ""
    membership_attribute: str = _DEFAULT_MEMBERSHIP
    parallel: bool = False

    @classmethod
    def of(cls, values: SystemSettings, *, ca_file: Path | None) -> Self:
        """Those that are stored."""
        return cls(
            url=values.ldap_url,
            search_dn=values.ldap_search_dn.strip(),
            search_password=values.ldap_search_password.get_secret_value(),
            base_dn=values.ldap_base_dn.strip(),
            filter=values.ldap_filter,
            uid=values.ldap_uid.strip(),
            scope=values.ldap_scope,
            seconds=min(values.ldap_timeout or _DEFAULT_SECONDS, _MOST_SECONDS),
            verify_cert=values.ldap_verify_cert,
            start_tls=values.ldap_start_tls,
            ca_file=ca_file,
            group_base_dn=values.ldap_group_base_dn.strip(),
            group_filter=values.ldap_group_search_filter,
            group_name_attribute=values.ldap_group_attribute_name.strip() or "cn",
            group_scope=values.ldap_group_search_scope,
            group_admin_dn=values.ldap_group_admin_dn.strip(),
            membership_attribute=values.ldap_group_membership_attribute.strip() or _DEFAULT_MEMBERSHIP,
            parallel=values.ldap_group_attach_parallel,
        )


@dataclass(frozen=True, slots=True)
class PersonFound:
    """Somebody whom a search found."""

    username: str
    realname: str
    email: str


@dataclass(frozen=True, slots=True)
class GroupFound:
    """A group that a search found."""

    name: str
    dn: str


@dataclass(frozen=True, slots=True)
class PingResult:
    """Whether a directory can be used so; else at which ``step`` it ends, and why."""

    is_good: bool
    step: Step | None = None
    message: str = ""


class Engine(Directory, Protocol):
    """What speaks with directories, where the extra is installed. Everything raises :class:`LdapError`."""

    def ping(self, configured: LdapSettings) -> PingResult:
        """Do everything that a sign-in needs, with these settings and over connections of its own."""

    def people(self, username: str) -> Sequence[PersonFound]:
        """Those of this name; all of them for ""."""

    def person(self, username: str) -> ExternalPerson | None:
        """The one of this name, as they would come in."""

    def groups(self, name: str) -> Sequence[GroupFound]:
        """Those whose name contains this; all of them for ""."""

    def group(self, dn: str) -> GroupFound | None:
        """The one of this distinguished name."""
