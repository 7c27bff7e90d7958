"""What administrators do with the directory: try its settings, search it, take people in before they come."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.accounts.directories import ExternalGroup
from apps.accounts.external_services import ExternalConflictError, external_import
from apps.accounts.security import SecurityContext, require_system
from apps.common.database import release_connection
from apps.common.errors import BadRequestError, UnavailableError
from apps.config.selectors import system_settings
from apps.config.types import settings_parse
from apps.ldap.engine import engine
from apps.ldap.types import GroupFound, LdapError, LdapSettings, PersonFound, PingResult, Step

logger = logging.getLogger(__name__)

_MOST_IMPORTED = 1000
_LONGEST_NAME = 255
# What is told of these is about what was asked, not about the directory.
_ASKED_WRONGLY = frozenset({Step.URL, Step.BASE, Step.FILTER})

_RENAMED = {"ldap_connection_timeout": "ldap_timeout"}
PING_KEYS = (
    *(
        "ldap_url",
        "ldap_search_dn",
        "ldap_search_password",
        "ldap_base_dn",
        "ldap_filter",
        "ldap_uid",
        "ldap_scope",
    ),
    *("ldap_connection_timeout", "ldap_timeout", "ldap_verify_cert", "ldap_start_tls", "ldap_group_base_dn"),
    *("ldap_group_search_filter", "ldap_group_attribute_name", "ldap_group_search_scope"),
    "ldap_group_membership_attribute",
)
"""What a ping can be given."""


@dataclass(frozen=True, slots=True)
class ImportFailure:
    """Somebody who was not taken in, and why."""

    uid: str
    error: str


def ldap_ping(*, actor: SecurityContext, given: Mapping[str, Any]) -> PingResult:
    """Try a directory out, as a sign-in would use it; needs ``configuration:update``.

    ``given`` are settings by key (:data:`PING_KEYS`) that are tried instead of those that are stored; the stored
    password is used if there is none among them. Raises BadRequestError for a value that a setting cannot have.
    """
    require_system(actor, "configuration", "update")
    stored = system_settings()
    wanted = {_RENAMED.get(name, name): value for name, value in given.items() if name in PING_KEYS}
    if not wanted.get("ldap_search_password"):
        wanted.pop("ldap_search_password", None)
    try:
        checked = settings_parse({name: value for name, value in wanted.items() if value != ""}, strict=True)
    except ValueError as error:
        raise BadRequestError(f"invalid setting: {error}") from None
    changes = {name: getattr(checked, name) if value != "" else "" for name, value in wanted.items()}
    tried = stored.model_copy(update=changes)
    release_connection()
    return engine().ping(LdapSettings.of(tried, ca_file=settings.HARBOR.outgoing_ca_file))


def ldap_people_search(*, actor: SecurityContext, username: str) -> Sequence[PersonFound]:
    """The people of this name in the directory, all of them for ""; needs ``ldap-user:list``.

    Raises BadRequestError (settings that cannot be searched with) or UnavailableError.
    """
    require_system(actor, "ldap-user", "list")
    release_connection()
    try:
        return engine().people(username)
    except LdapError as error:
        raise _told(error) from error


def ldap_groups_search(*, actor: SecurityContext, name: str = "", dn: str = "") -> Sequence[GroupFound]:
    """The group of this distinguished name, or those whose name contains ``name``; needs ``ldap-user:list``.

    Raises as :func:`ldap_people_search`.
    """
    require_system(actor, "ldap-user", "list")
    release_connection()
    try:
        if not dn:
            return engine().groups(name)
        found = engine().group(dn)
    except LdapError as error:
        raise _told(error) from error
    return [] if found is None else [found]


def ldap_people_import(*, actor: SecurityContext, uids: Iterable[str]) -> Sequence[ImportFailure]:
    """Make accounts for people of the directory before they sign in; needs ``ldap-user:create``.

    Says who was not taken in; the others are. Who is here already is renewed. Raises BadRequestError for too many.
    """
    require_system(actor, "ldap-user", "create")
    wanted = list(dict.fromkeys(uids))
    if len(wanted) > _MOST_IMPORTED:
        raise BadRequestError(f"at most {_MOST_IMPORTED} people can be imported at once")
    return [ImportFailure(uid, reason) for uid in wanted if (reason := _import(uid, operator=actor.name))]


def directory_group_find(dn: str) -> ExternalGroup | None:
    """A group by its distinguished name, for :mod:`apps.accounts.directory_groups`."""
    try:
        found = engine().group(dn)
    except LdapError as error:
        raise _told(error) from error
    return None if found is None else ExternalGroup(name=found.name[:_LONGEST_NAME], dn=found.dn)


def _import(uid: str, *, operator: str) -> str:
    """Take in one; "" or why not, in Harbor's words where it has some."""
    if not uid.strip():
        return "empty_uid"
    release_connection()
    try:
        person = engine().person(uid)
    except LdapError as error:
        return f"failed_search_user: {error.message}"
    if person is None:
        return "unknown_user"
    try:
        external_import(person=person, operator=operator)
    except ExternalConflictError as error:
        return f"failed_import_user: {error}"
    return ""


def _told(error: LdapError) -> BadRequestError | UnavailableError:
    logger.warning("the directory could not be searched: %s", error)
    return (BadRequestError if error.step in _ASKED_WRONGLY else UnavailableError)(error.message)
