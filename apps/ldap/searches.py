"""What a directory is searched for: filters that nobody can break out of, answers in pages, names in one form."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ldap
import ldap.dn
from django_auth_ldap.config import LDAPSearch
from ldap.controls import SimplePagedResultsControl
from ldap.filter import escape_filter_chars

from apps.ldap.types import LdapError, LdapSettings, Step

EVERYTHING = "(objectClass=*)"
PAGE_SIZE = 500
MOST_FOUND = 20_000

_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry with those of its attributes that were asked for, by their names in lower case."""

    dn: str
    values: Mapping[str, tuple[bytes, ...]]

    def texts(self, name: str) -> tuple[str, ...]:
        """The values of an attribute that are text."""
        return tuple(value.decode("utf-8", "replace") for value in self.values.get(name.lower(), ()))

    def text(self, *names: str) -> str:
        """The first value of the first of these attributes that has one, else ""."""
        return next((found for name in names for found in self.texts(name) if found.strip()), "").strip()


class PagedSearch(LDAPSearch):  # type: ignore[misc] # it has no types
    """A search of django-auth-ldap that goes on behind the first page (RFC 2696), and leaves values as they are.

    Its own ``execute`` takes the filter for a format, in which a percent sign of a name is an error, and writes
    distinguished names and binary values anew.
    """

    def entries(self, connection: Any, *, seconds: float, most: int = MOST_FOUND) -> Iterator[Entry]:
        """What is found, ``most`` at the most, in ``seconds`` for each page."""
        control = SimplePagedResultsControl(criticality=False, size=min(PAGE_SIZE, most), cookie="")
        found = 0
        while True:
            asked = connection.search_ext(
                self.base_dn,
                self.scope,
                self.filterstr,
                self.attrlist,
                serverctrls=[control],
                timeout=seconds,
            )
            _, results, _, controls = connection.result3(asked, all=1, timeout=seconds)
            for entry in entries_of(results):
                yield entry
                found += 1
                if found >= most:
                    return
            cookie = next((one.cookie for one in controls if one.controlType == control.controlType), b"")
            if not cookie:
                return
            control.cookie = cookie


def entries_of(results: Iterable[Any]) -> Iterator[Entry]:
    """Entries of a result; references to other servers are left out."""
    for dn, attributes, *_ in results:
        if dn is not None:
            yield Entry(
                dn, {name.partition(";")[0].lower(): tuple(values) for name, values in attributes.items()}
            )


def attribute_checked(setting: str, name: str) -> str:
    """The name of an attribute; raises :class:`LdapError`: what else there is would change a filter."""
    if not _ATTRIBUTE.fullmatch(name):
        raise LdapError(Step.FILTER, f"{name!r} is not the name of an attribute ({setting})")
    return name


def filter_checked(setting: str, text: str) -> str:
    """A filter of a setting, with parentheses; "" for anything. Raises :class:`LdapError` for half of one."""
    text = text.strip()
    if not text:
        return EVERYTHING
    text = text if text.startswith("(") else f"({text})"
    depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            break
    if depth:
        raise LdapError(Step.FILTER, f"the parentheses of the filter do not match ({setting})")
    return text


def people_search(
    configured: LdapSettings, name: str, *, base: str = "", scope: int | None = None
) -> PagedSearch:
    """The people of a name (any for ""), with what is told of them."""
    uid = attribute_checked("ldap_uid", configured.uid)
    whole = PagedSearch(
        base or configured.base_dn,
        configured.scope if scope is None else scope,
        filter_checked("ldap_filter", configured.filter),
        attrlist=person_attributes(configured),
    )
    if name:
        return _typed(whole.search_with_additional_terms({uid: name}))
    return _typed(whole.search_with_additional_term_string(f"({uid}=*)"))


def person_attributes(configured: LdapSettings) -> list[str]:
    """What is read of people."""
    own = [
        attribute_checked("ldap_uid", configured.uid),
        attribute_checked("ldap_group_membership_attribute", configured.membership_attribute),
    ]
    fixed = ["uid", "cn", "mail", "email", "userAccountControl", "entryUUID", "objectGUID"]
    return list({name.lower(): name for name in [*own, *fixed]}.values())


def groups_search(configured: LdapSettings, name: str) -> PagedSearch:
    """The groups whose name contains ``name``, any for ""."""
    attribute = attribute_checked("ldap_group_attribute_name", configured.group_name_attribute)
    term = f"({attribute}=*{escape_filter_chars(name)}*)" if name else f"({attribute}=*)"
    whole = group_search(configured, configured.group_base_dn or configured.base_dn)
    whole.scope = configured.group_scope
    return _typed(whole.search_with_additional_term_string(term))


def group_search(configured: LdapSettings, dn: str) -> PagedSearch:
    """One group, by its distinguished name, if it matches the filter of groups."""
    attribute = attribute_checked("ldap_group_attribute_name", configured.group_name_attribute)
    wanted = filter_checked("ldap_group_search_filter", configured.group_filter)
    return PagedSearch(dn, ldap.SCOPE_BASE, wanted, attrlist=[attribute])


def entry_search(dn: str) -> PagedSearch:
    """One entry, whatever it is."""
    return PagedSearch(dn, ldap.SCOPE_BASE, EVERYTHING, attrlist=["1.1"])


def dn_normal(dn: str) -> str:
    """A distinguished name in one form for comparison: lower case, no blanks around its parts, one way of escaping.

    Raises ValueError for what is none.
    """
    try:
        parts = ldap.dn.str2dn(dn)
    except ldap.LDAPError:
        raise ValueError(f"{dn!r} is not a distinguished name") from None
    folded = [
        sorted((kind.lower(), " ".join(value.split()).casefold(), 1) for kind, value, _ in part)
        for part in parts
    ]
    return str(ldap.dn.dn2str(folded))


def dn_readable(dn: str) -> str:
    """A distinguished name as people write it: OpenLDAP has every umlaut and comma as hexadecimal bytes."""
    try:
        return str(ldap.dn.dn2str(ldap.dn.str2dn(dn)))
    except ldap.LDAPError:
        return dn


def dn_same(one: str, other: str) -> bool:
    """Whether two texts are the same distinguished name."""
    try:
        return bool(one) and dn_normal(one) == dn_normal(other)
    except ValueError:
        return False


def dn_is_below(dn: str, base: str) -> bool:
    """Whether an entry is at or below another; everything is below ""."""
    try:
        own, top = dn_normal(dn), dn_normal(base)
    except ValueError:
        return False
    return not top or own == top or own.endswith(f",{top}")


def read_one(connection: Any, search: PagedSearch, *, seconds: float) -> Entry | None:
    """The entry of a search by distinguished name; None where it is not, does not match or is no name at all."""
    try:
        return next(search.entries(connection, seconds=seconds, most=1), None)
    except (ldap.NO_SUCH_OBJECT, ldap.INVALID_DN_SYNTAX):
        return None


def read_many(
    connection: Any, searches: Iterable[PagedSearch], *, seconds: float, side_by_side: int
) -> list[Entry | None]:
    """The entries of searches by distinguished name, in ``seconds``; so many questions are on their way at a time."""
    wanted = list(searches)
    found: list[Entry | None] = []
    until = time.monotonic() + seconds
    for start in range(0, len(wanted), side_by_side):
        asked = [
            connection.search_ext(search.base_dn, search.scope, search.filterstr, search.attrlist)
            for search in wanted[start : start + side_by_side]
        ]
        found += [_answer(connection, one, until) for one in asked]
    return found


def _answer(connection: Any, asked: int, until: float) -> Entry | None:
    try:
        _, results, _, _ = connection.result3(asked, all=1, timeout=max(until - time.monotonic(), 0.001))
    except (ldap.NO_SUCH_OBJECT, ldap.INVALID_DN_SYNTAX):
        return None
    return next(entries_of(results), None)


def _typed(search: Any) -> PagedSearch:
    assert isinstance(search, PagedSearch)  # noqa: S101 - what is derived from one is of its class
    return search
