"""From what a provider says of a person to who they are here."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import re2

from apps.accounts.directories import ExternalGroup, ExternalPerson
from apps.accounts.types import Source
from apps.config.selectors import system_settings
from apps.config.types import SystemSettings

_MAX_TEXT = 255
_MAX_CLAIM = 1024
_MAX_GROUPS = 1000
# Where no claim is set: as Harbor does, then what other providers have.
_NAMES = ("name", "preferred_username", "nickname", "email")


def person_from(
    issuer: str, identity: Mapping[str, Any], userinfo: Mapping[str, Any] | None, *, is_fresh: bool = True
) -> ExternalPerson:
    """The person of an ID token's claims and of a userinfo, which is None where it could not be read.

    ``is_fresh`` is False where there was no new ID token: what would be in that is not known then.
    """
    values = system_settings()
    merged = {**identity, **(userinfo or {})}
    groups = _groups(values, merged, is_whole=is_fresh and userinfo is not None)
    return ExternalPerson(
        source=Source.OIDC,
        issuer=issuer,
        subject=str(identity["sub"]),
        username=_username(values, identity, userinfo or {}),
        email="" if merged.get("email_verified") is False else _text(merged, "email"),
        realname=_text(merged, "name")[:_MAX_TEXT],
        groups=None if groups is None else tuple(map(ExternalGroup, _filtered(values, groups))),
        is_admin=_is_admin(values, groups),
    )


def _username(values: SystemSettings, identity: Mapping[str, Any], userinfo: Mapping[str, Any]) -> str:
    """By the claim of the setting, else the person's name."""
    claims = ((values.oidc_user_claim,) if values.oidc_user_claim else ()) + _NAMES
    for claim in claims:
        # The ID token is signed: where the setting names a claim, it comes first, as in Harbor.
        sources = (identity, userinfo) if claim == values.oidc_user_claim else (userinfo, identity)
        for source in sources:
            if name := _text(source, claim):
                return name.replace(" ", "_")
    return ""


def _groups(values: SystemSettings, claims: Mapping[str, Any], *, is_whole: bool) -> tuple[str, ...] | None:
    """Their names; None if nothing is known of them. A provider may leave out a list that is empty."""
    if not values.oidc_groups_claim:
        return ()
    found = claims.get(values.oidc_groups_claim)
    if found is None:
        return () if is_whole else None
    listed: Iterable[Any] = found if isinstance(found, list) else [found]
    names = [name for name in listed if isinstance(name, str) and 0 < len(name) <= _MAX_TEXT]
    return tuple(dict.fromkeys(names))


def _filtered(values: SystemSettings, groups: Iterable[str]) -> tuple[str, ...]:
    if not values.oidc_group_filter:
        return tuple(groups)[:_MAX_GROUPS]
    pattern = _pattern(values.oidc_group_filter)
    return tuple(group for group in groups if pattern.search(group))[:_MAX_GROUPS]


def _is_admin(values: SystemSettings, groups: tuple[str, ...] | None) -> bool | None:
    """By all groups: the one of the administrators need not pass the filter."""
    if not values.oidc_admin_group:
        return False
    return None if groups is None else values.oidc_admin_group in groups


@lru_cache(maxsize=16)
def _pattern(text: str) -> Any:
    """RE2: the expressions that Harbor takes, in time that grows with the text alone."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error:
        # It was checked when it was set. What cannot be read lets nothing through.
        return re2.compile(r"^\b$", options)


def _text(claims: Mapping[str, Any], name: str) -> str:
    text = claims.get(name)
    return text.strip() if isinstance(text, str) and len(text) <= _MAX_CLAIM else ""
