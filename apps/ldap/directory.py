"""The directory that the settings name, as Harbor asks it: search somebody, try their password, read their groups."""

import json
import logging
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import ldap
from django.conf import settings

from apps.accounts.directories import Confirmation, ExternalGroup, ExternalPerson, SourceUnreachableError
from apps.accounts.identities import credentials_of
from apps.accounts.models import Identity
from apps.accounts.types import Source
from apps.common.encryption import UndecipherableError
from apps.config.selectors import system_settings
from apps.ldap.connections import DEAD, Pool, Pools, open_connection, reason_of
from apps.ldap.searches import (
    Entry,
    PagedSearch,
    attribute_checked,
    dn_is_below,
    dn_normal,
    dn_readable,
    dn_same,
    entry_search,
    group_search,
    groups_search,
    people_search,
    read_many,
    read_one,
)
from apps.ldap.types import (
    GroupFound,
    LdapError,
    LdapSettings,
    PersonFound,
    PingResult,
    Server,
    Step,
    servers_of,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")

_COMMENT = "from LDAP."
_SIDE_BY_SIDE = 5
_MOST_GROUPS = 1000
# Active Directory's flag ACCOUNTDISABLE of userAccountControl.
_DISABLED = 0x2


class AmbiguousNameError(Exception):
    """The directory has several people of one name: nobody can say who it is."""


class LdapDirectory:
    """See :class:`apps.ldap.types.Engine`. Settings are read at each call, connections are kept between them."""

    def __init__(self) -> None:
        self._pools = Pools()

    def unavailable(self) -> str:
        """See :class:`apps.accounts.directories.Directory`."""
        return ""

    def authenticate(self, username: str, password: str) -> ExternalPerson | None:
        """See :class:`apps.accounts.directories.Directory`."""
        if not username.strip() or not password or "\x00" in password:
            # A bind with a name and no password is nobody's, and a server says yes to it.
            return None
        configured = self._configured()

        def sign_in(pool: Pool, server: Server) -> ExternalPerson | None:
            entry = _one(pool, server, username)
            if entry is None or not _password_fits(pool, server, entry.dn, password):
                return None
            return _person(pool, server, entry, username)

        return self._answered(configured, sign_in)

    def find(self, username: str) -> ExternalPerson | None:
        """See :class:`apps.accounts.directories.Directory`."""
        return self._answered(self._configured(), lambda pool, server: _found(pool, server, username))

    def confirm(self, identity: Identity) -> Confirmation:
        """See :class:`apps.accounts.directories.Directory`."""
        kept = {}
        with suppress(UndecipherableError, ValueError):
            kept = dict(credentials_of(identity))
        dn, name = str(kept.get("dn", "")), str(kept.get("name", "")) or identity.user.username

        def ask(pool: Pool, server: Server) -> Confirmation:
            entry = _same(pool, server, identity.subject, dn, name)
            person = None if entry is None else _person(pool, server, entry, name)
            return Confirmation(person, credentials=person.credentials if person is not None else None)

        return self._answered(self._configured(), ask)

    def person(self, username: str) -> ExternalPerson | None:
        """See :class:`apps.ldap.types.Engine`."""
        try:
            return self._on_server(self._configured(), lambda pool, server: _found(pool, server, username))
        except AmbiguousNameError as error:
            raise LdapError(Step.SEARCH, str(error)) from error

    def people(self, username: str) -> Sequence[PersonFound]:
        """See :class:`apps.ldap.types.Engine`."""
        configured = self._configured()
        search = people_search(configured, username.strip())
        return [
            PersonFound(
                username=entry.text(configured.uid),
                realname=_realname(entry),
                email=entry.text("mail", "email"),
            )
            for entry in self._all(configured, search)
            if entry.text(configured.uid)
        ]

    def groups(self, name: str) -> Sequence[GroupFound]:
        """See :class:`apps.ldap.types.Engine`."""
        configured = self._configured()
        search = groups_search(configured, name.strip())
        return [_group(configured, entry) for entry in self._all(configured, search)]

    def group(self, dn: str) -> GroupFound | None:
        """See :class:`apps.ldap.types.Engine`."""
        configured = self._configured()
        search = group_search(configured, dn)

        def read(pool: Pool, server: Server) -> Entry | None:
            return _read(pool, server, search)

        entry = self._on_server(configured, read)
        return None if entry is None else _group(configured, entry)

    def ping(self, configured: LdapSettings) -> PingResult:
        """See :class:`apps.ldap.types.Engine`. With several servers one has to be good, and each bad one is told."""
        bad: list[LdapError] = []
        try:
            servers = servers_of(configured.url)
            attribute_checked("ldap_group_membership_attribute", configured.membership_attribute)
            for server in servers:
                try:
                    _try_out(server, configured)
                except LdapError as error:
                    bad.append(error)
        except LdapError as error:
            return PingResult(is_good=False, step=error.step, message=error.message)
        message = "; ".join(error.message for error in bad)
        return PingResult(is_good=len(bad) < len(servers), step=bad[0].step if bad else None, message=message)

    def _configured(self) -> LdapSettings:
        return LdapSettings.of(system_settings(), ca_file=settings.HARBOR.outgoing_ca_file)

    def _all(self, configured: LdapSettings, search: PagedSearch) -> list[Entry]:
        def read(connection: Any) -> list[Entry]:
            return list(search.entries(connection, seconds=configured.seconds))

        return self._on_server(configured, lambda pool, server: pool.use(server, read))

    def _on_server(self, configured: LdapSettings, call: Callable[[Pool, Server], T]) -> T:
        """Ask, with what a server refuses as :class:`LdapError`."""
        try:
            return self._pools.of(configured).on_server(call)
        except ldap.LDAPError as error:
            raise _refused(error) from error
        except (ValueError, TypeError) as error:
            # The library's: half a surrogate pair, or a zero byte in a name.
            raise LdapError(Step.SEARCH, "the name cannot be sent to the directory") from error

    def _answered(self, configured: LdapSettings, call: Callable[[Pool, Server], T]) -> T:
        """Ask for who somebody is: whatever goes wrong is no answer, and not a No."""
        try:
            return self._on_server(configured, call)
        except (LdapError, AmbiguousNameError) as error:
            raise SourceUnreachableError(str(error)) from error


def _refused(error: Exception) -> LdapError:
    match error:
        case ldap.NO_SUCH_OBJECT() | ldap.INVALID_DN_SYNTAX():
            return LdapError(Step.BASE, "the base (ldap_base_dn, ldap_group_base_dn) is not there")
        case ldap.FILTER_ERROR():
            return LdapError(Step.FILTER, "the filter (ldap_filter, ldap_group_search_filter) cannot be read")
        case ldap.SIZELIMIT_EXCEEDED():
            return LdapError(Step.SEARCH, "the directory gives only a part of what there is")
        case _:
            return LdapError(Step.SEARCH, f"the directory refuses the search: {reason_of(error)}")


def _try_out(server: Server, configured: LdapSettings) -> None:
    """Everything that a sign-in needs, at one server and over a connection of its own."""
    connection = open_connection(server, configured)
    try:
        if not configured.base_dn:
            return
        if read_one(connection, entry_search(configured.base_dn), seconds=configured.seconds) is None:
            raise LdapError(Step.BASE, f"{server.place} has no entry {configured.base_dn} (ldap_base_dn)")
        next(people_search(configured, "").entries(connection, seconds=configured.seconds, most=1), None)
        if configured.group_base_dn:
            found = read_one(connection, entry_search(configured.group_base_dn), seconds=configured.seconds)
            if found is None:
                raise LdapError(
                    Step.BASE, f"{server.place} has no entry {configured.group_base_dn} (ldap_group_base_dn)"
                )
            next(groups_search(configured, "").entries(connection, seconds=configured.seconds, most=1), None)
    except DEAD as error:
        raise LdapError(Step.SEARCH, f"{server.place} does not answer: {reason_of(error)}") from error
    except ldap.LDAPError as error:
        raise _refused(error) from error
    except (ValueError, TypeError) as error:
        raise LdapError(Step.BASE, "the base or the filter cannot be sent to the directory") from error
    finally:
        with suppress(Exception):
            connection.unbind_s()


def _found(pool: Pool, server: Server, username: str) -> ExternalPerson | None:
    entry = _one(pool, server, username)
    return None if entry is None else _person(pool, server, entry, username)


def _one(pool: Pool, server: Server, username: str) -> Entry | None:
    """The person of a name who may come in; raises :class:`AmbiguousNameError`."""
    if not username.strip() or "\x00" in username:
        return None
    found = _named(pool, server, username)
    if len(found) > 1:
        raise AmbiguousNameError(f"the directory has several people of the name {username!r}")
    return found[0] if found and not _is_disabled(found[0]) else None


def _named(pool: Pool, server: Server, username: str) -> list[Entry]:
    configured = pool.configured
    search = people_search(configured, username)
    return pool.use(
        server, lambda connection: list(search.entries(connection, seconds=configured.seconds, most=2))
    )


def _same(pool: Pool, server: Server, subject: str, dn: str, username: str) -> Entry | None:
    """The entry of somebody who was here: by their name as at sign-in, or where it was last, if that is still among
    the people who may sign in.
    """
    configured = pool.configured
    found = [entry for entry in _named(pool, server, username) if _subject(entry) == subject]
    if not found and dn and dn_is_below(dn, configured.base_dn):
        search = people_search(configured, "", base=dn, scope=ldap.SCOPE_BASE)
        entry = _read(pool, server, search)
        found = [entry] if entry is not None and _subject(entry) == subject else []
    return found[0] if found and not _is_disabled(found[0]) else None


def _read(pool: Pool, server: Server, search: PagedSearch) -> Entry | None:
    return pool.use(server, lambda connection: read_one(connection, search, seconds=pool.configured.seconds))


def _password_fits(pool: Pool, server: Server, dn: str, password: str) -> bool:
    def bind(connection: Any) -> bool:
        try:
            connection.simple_bind_s(dn, password)
        except (
            ldap.INVALID_CREDENTIALS,
            ldap.INAPPROPRIATE_AUTH,
            ldap.UNWILLING_TO_PERFORM,
            ldap.CONSTRAINT_VIOLATION,
            ldap.INSUFFICIENT_ACCESS,
        ) as error:
            # Also what a policy says of a password that is right: expired, locked, to be changed first.
            logger.info("the directory refuses the password of %s: %s", dn, reason_of(error))
            return False
        return True

    return pool.use(server, bind, searching=False)


def _person(pool: Pool, server: Server, entry: Entry, username: str) -> ExternalPerson:
    configured = pool.configured
    names = entry.texts(configured.uid)
    # As the directory writes it; of several names the one that was typed.
    name = next(
        (one for one in names if one.casefold() == username.casefold()), names[0] if names else username
    )
    name = name.strip()
    held = _groups_held(configured, entry)
    return ExternalPerson(
        source=Source.LDAP,
        subject=_subject(entry),
        username=name,
        # Who has none, and signs in with an address, has that: as in Harbor.
        email=entry.text("mail", "email") or (name if "@" in name else ""),
        realname=_realname(entry),
        groups=_groups(pool, server, held),
        is_admin=any(dn_same(dn, configured.group_admin_dn) for dn in held),
        comment=_COMMENT,
        credentials=json.dumps({"dn": entry.dn, "name": name}),
    )


def _groups_held(configured: LdapSettings, entry: Entry) -> list[str]:
    return list(dict.fromkeys(entry.texts(configured.membership_attribute)))


def _groups(pool: Pool, server: Server, held: list[str]) -> tuple[ExternalGroup, ...]:
    """Those of a person's groups that count: below the base of groups, and matching their filter.

    Without a filter there are none, as in Harbor.
    """
    configured = pool.configured
    if not configured.group_filter.strip():
        return ()
    wanted = [dn for dn in held if dn_is_below(dn, configured.group_base_dn)][:_MOST_GROUPS]
    if not wanted:
        return ()
    searches = [group_search(configured, dn) for dn in wanted]
    side_by_side = _SIDE_BY_SIDE if configured.parallel else 1
    found = pool.use(
        server,
        lambda connection: read_many(
            connection, searches, seconds=2 * configured.seconds, side_by_side=side_by_side
        ),
    )
    groups = (_group(configured, entry) for entry in found if entry is not None)
    return tuple(ExternalGroup(name=group.name, dn=group.dn) for group in groups)


def _group(configured: LdapSettings, entry: Entry) -> GroupFound:
    dn = dn_readable(entry.dn)
    return GroupFound(name=entry.text(configured.group_name_attribute) or dn, dn=dn)


def _realname(entry: Entry) -> str:
    return entry.text("cn", "uid")


def _subject(entry: Entry) -> str:
    """What of somebody never changes: the entry's own id, or where there is none its distinguished name.

    People move to another unit and marry; and their name may be given to somebody else when they have left.
    """
    if own := entry.text("entryUUID"):
        return f"uuid:{own.lower()}"
    guid = entry.values.get("objectguid", ())
    if guid and len(guid[0]) == 16:
        return f"uuid:{uuid.UUID(bytes_le=guid[0])}"
    return dn_normal(entry.dn)


def _is_disabled(entry: Entry) -> bool:
    """Whether Active Directory has switched the account off."""
    control = entry.text("userAccountControl")
    return control.lstrip("-").isdecimal() and bool(int(control) & _DISABLED)
