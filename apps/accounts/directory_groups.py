"""Groups of a directory by their distinguished name, where one is there to say whether it knows them."""

from collections.abc import Callable

from apps.accounts.directories import ExternalGroup, enabled_sources
from apps.accounts.types import Source
from apps.common.database import release_connection
from apps.common.errors import BadRequestError

Finder = Callable[[str], ExternalGroup | None]

_finders: list[Finder] = []


def register_group_finder(finder: Finder) -> None:
    """Called once, from an app's ``ready()``. It raises a domain error where the directory cannot be asked."""
    _finders[:] = [finder]


def directory_group(dn: str) -> ExternalGroup | None:
    """The group of a distinguished name; None where people do not come from a directory that has such names.

    Raises BadRequestError for a group that is not there. It waits for the network: never call it inside a transaction.
    """
    if Source.LDAP not in enabled_sources() or not _finders:
        return None
    release_connection()
    found = _finders[0](dn)
    if found is None:
        raise BadRequestError(f"the directory has no group {dn}")
    return found
