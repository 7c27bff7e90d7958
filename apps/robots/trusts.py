"""Which tokens of other issuers a robot account takes for its secret: what a trust says, and which tokens it lets in.

A **pattern** is compared with a text as a whole, in its case. ``*`` stands for any characters but ``:`` and ``/``, so
for one part of a subject such as ``repo:org/app:ref:refs/heads/main``; ``**`` stands for any characters at all.
Everything else stands for itself. A pattern without a star is an exact value.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.accounts.issuers import MAX_ISSUER, IssuerUnreachableError, issuer_url_check
from apps.common.errors import BadRequestError

MAX_TRUSTS = 16
MAX_AUDIENCE = 255
MAX_PATTERN = 255
MAX_CLAIMS = 16
MAX_CLAIM_NAME = 255

_MAX_TEXT = 2048
_SEPARATORS = ":/"
_OWN_FIELDS = frozenset({"iss", "aud", "sub", "exp", "nbf", "iat", "jti"})
_PRINTABLE_ASCII_START = 0x20
_DELETE = 0x7F


@dataclass(frozen=True, slots=True)
class Trust:
    """Tokens by ``issuer`` for ``audience`` whose ``sub`` matches ``subject``, and whose ``claims`` match as well."""

    issuer: str
    audience: str
    subject: str
    claims: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _SharedIssuer:
    """An issuer for whoever comes: a trust has to say whose jobs it means.

    By how its subject begins, or by one of ``claims``. ``whose`` shows the beginning to people.
    """

    beginning: re.Pattern[str]
    claims: tuple[str, ...]
    whose: str


_SHARED = {
    "https://token.actions.githubusercontent.com": _SharedIssuer(
        # Newer repositories have ids in it: repo:OWNER@ID/NAME@ID.
        re.compile(r"repo:[^*/:@]+[/@]"),
        (
            "repository",
            "repository_id",
            "repository_owner",
            "repository_owner_id",
            "enterprise",
            "enterprise_id",
        ),
        "repo:OWNER/",
    ),
    "https://gitlab.com": _SharedIssuer(
        re.compile(r"project_path:[^*/:]+/"),
        ("project_path", "project_id", "namespace_path", "namespace_id"),
        "project_path:GROUP/",
    ),
}


def trust_check(trust: Trust) -> Trust:
    """The trust, if it keeps the rules; raises :class:`BadRequestError`, which says the rule."""
    _text_check("the issuer", trust.issuer, MAX_ISSUER)
    try:
        issuer_url_check(trust.issuer)
    except IssuerUnreachableError as error:
        raise BadRequestError(f"the issuer cannot be used: {error}") from None
    if "?" in trust.issuer or "#" in trust.issuer:
        raise BadRequestError("the issuer must be a URL without ? and #")
    _text_check("the audience", trust.audience, MAX_AUDIENCE)
    _text_check("the subject", trust.subject, MAX_PATTERN)
    if len(trust.claims) > MAX_CLAIMS:
        raise BadRequestError(f"a trust has at most {MAX_CLAIMS} claims")
    for name, pattern in trust.claims.items():
        _text_check("the name of a claim", name, MAX_CLAIM_NAME)
        _text_check(f"the claim {name}", pattern, MAX_PATTERN)
        if name in _OWN_FIELDS:
            raise BadRequestError(f"{name} is checked by itself and cannot be among the claims")
    _breadth_check(trust)
    return trust


def _text_check(what: str, value: object, longest: int) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise BadRequestError(f"{what} must be a text of 1 to {longest} characters")
    if value != value.strip() or any(
        ord(one) < _PRINTABLE_ASCII_START or ord(one) == _DELETE for one in value
    ):
        raise BadRequestError(f"{what} must have no blanks around it and no control characters")


def _breadth_check(trust: Trust) -> None:
    """A subject that anybody has is no subject."""
    exact = {name for name, pattern in trust.claims.items() if _names_something(pattern)}
    if not exact and not _names_something(trust.subject):
        raise BadRequestError("a subject of stars alone lets in every token of the issuer: name something")
    shared = _SHARED.get(trust.issuer.rstrip("/"))
    if shared is None or exact.intersection(shared.claims):
        return
    if not shared.beginning.match(trust.subject):
        raise BadRequestError(
            f"this issuer serves everybody: the subject must begin with {shared.whose}, or one of these claims be"
            f" given: {', '.join(shared.claims)}"
        )


def _names_something(pattern: str) -> bool:
    return any(one not in "*:/" for one in pattern)


def trust_of(trusts: Iterable[Trust], claims: Mapping[str, Any]) -> Trust | None:
    """The first trust that lets in a token with these claims, which were verified; None for none."""
    return next((trust for trust in trusts if _lets_in(trust, claims)), None)


def _lets_in(trust: Trust, claims: Mapping[str, Any]) -> bool:
    audience, subject = claims.get("aud"), claims.get("sub")
    audiences = audience if isinstance(audience, list) else [audience]
    return (
        claims.get("iss") == trust.issuer
        and trust.audience in audiences
        and isinstance(subject, str)
        and pattern_matches(trust.subject, subject)
        and all(_claim_matches(pattern, claim_of(claims, name)) for name, pattern in trust.claims.items())
    )


def claim_of(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or one inside others by their names with ``/`` between them; None if it is not there."""
    if name in claims:
        return claims[name]
    # A name inside may have slashes, or dots, itself: "kubernetes.io/namespace".
    head, slash, rest = name.partition("/")
    while slash:
        inner = claims.get(head)
        if isinstance(inner, Mapping):
            return claim_of(inner, rest)
        further, slash, rest = rest.partition("/")
        head = f"{head}/{further}"
    return None


def _claim_matches(pattern: str, value: Any) -> bool:
    """A list matches by one of its texts; numbers and truth values are compared as JSON writes them."""
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    return any(pattern_matches(pattern, text) for one in values if (text := _text_of(one)) is not None)


def _text_of(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def pattern_matches(pattern: str, text: str) -> bool:
    """Whether the whole of a text matches. It takes time in proportion to both, whatever they are."""
    if len(text) > _MAX_TEXT:
        return False
    parts = _parts_of(pattern)
    # The places in the pattern where the text so far can have led to.
    places = _opened(parts, {0})
    for character in text:
        reached = set()
        for place in places:
            part = parts[place] if place < len(parts) else ""
            if part == "**" or (part == "*" and character not in _SEPARATORS):
                reached.add(place)
            elif part == character and part != "*":
                reached.add(place + 1)
        if not reached:
            return False
        places = _opened(parts, reached)
    return len(parts) in places


def _parts_of(pattern: str) -> list[str]:
    found: list[str] = []
    for one in pattern:
        if one == "*" and found and found[-1].startswith("*"):
            found[-1] = "**"
        else:
            found.append(one)
    return found


def _opened(parts: list[str], places: set[int]) -> set[int]:
    """A star may stand for nothing: behind it is a place as well. No two stars follow one another."""
    return places | {place + 1 for place in places if place < len(parts) and parts[place].startswith("*")}
