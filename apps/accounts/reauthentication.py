"""How people prove again who they are, where they have no password of ours: by their source."""

from collections.abc import Callable

from apps.accounts.types import Source

Way = Callable[[str], str]
"""From where the person wants to go on (a path of ours) to the path of ours that leads to their source."""

_WITH_PASSWORDS = frozenset({Source.LOCAL, Source.LDAP, Source.HTTP})
_ways: dict[str, Way] = {}


def register_reauthentication(source: Source, way: Way) -> None:
    """Add the way of a source that signs people in by itself; called from an app's ``ready()``.

    What it leads to begins a new session in place of the old one (:func:`apps.accounts.sessions.session_start`), once
    the provider has had the person prove it anew (``prompt=login``).
    """
    _ways[source] = way


def has_password(source: str) -> bool:
    """Whether people of this source have a password that they can give to us."""
    return source in _WITH_PASSWORDS


def reauthentication_path(source: str, following: str) -> str:
    """The path to go to; "" where there is none but to sign out and in."""
    way = _ways.get(source)
    return "" if way is None else way(following)
