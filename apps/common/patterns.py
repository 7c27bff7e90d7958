r"""Doublestar patterns, as Harbor's rules have them: of repositories, tags, media types.

``*`` stands for any characters but ``/``, ``**`` as a whole part between slashes for any number of parts, ``?`` for one
character but ``/``, ``[abc]``, ``[a-z]``, ``[^x]`` and ``[!x]`` for one of a class, ``{a,b}`` for either, and ``\`` takes
the meaning from what follows. The whole text has to match, in its case. An empty pattern matches everything.

wcmatch translates them. What it and doublestar understand differently is rewritten before: ``{x}`` is ``x``, ``{1..3}``
is no range, ``$`` is a plain character, and braces inside a class are characters.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

import bracex
from wcmatch import glob

from apps.common.errors import BadRequestError

# A person writes short patterns. What these limits leave over cannot keep a process busy: `*` costs no more than
# its text is long (wcmatch makes it atomic), `**` multiplies, and so does each alternative.
MAX_LENGTH = 512
MAX_ALTERNATIVES = 64
MAX_EXPANDED_LENGTH = 4096
MAX_INNER_DOUBLESTARS = 2

_FLAGS = glob.GLOBSTAR | glob.FORCEUNIX | glob.DOTGLOB | glob.CASE
_INNER_DOUBLESTAR = re.compile(r"(?:^|/)(?:\*\*/)+(?=[^/])")


def matches(pattern: str, text: str) -> bool:
    """Whether the whole of ``text`` matches; :class:`BadRequestError` for a pattern that cannot be parsed."""
    return not pattern or any(expression.fullmatch(text) for expression in _compiled(pattern))


def any_matches(patterns: Iterable[str], text: str) -> bool:
    """Whether ``text`` matches one of them; False for none."""
    return any(matches(pattern, text) for pattern in patterns)


def pattern_check(pattern: str) -> None:
    """Raise :class:`BadRequestError` for a pattern that cannot be parsed, or is too long or too costly to be honest."""
    if pattern:
        _compiled(pattern)


def pattern_alternatives(pattern: str) -> int:
    """How many patterns without braces a pattern stands for, each of which has to be tried; raises as above."""
    return len(_compiled(pattern))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> tuple[re.Pattern[str], ...]:
    if len(pattern) > MAX_LENGTH:
        raise BadRequestError(f"a pattern has at most {MAX_LENGTH} characters")
    try:
        alternatives = bracex.expand(_normalised(pattern), keep_escapes=True, limit=MAX_ALTERNATIVES)
        if sum(map(len, alternatives)) > MAX_EXPANDED_LENGTH:
            raise BadRequestError(f"the alternatives of the pattern {pattern!r} are too long together")
        compiled = tuple(re.compile(glob.translate(one, flags=_FLAGS)[0][0]) for one in alternatives)
    except bracex.ExpansionLimitException:
        raise BadRequestError(
            f"the pattern {pattern!r} stands for more than {MAX_ALTERNATIVES} alternatives"
        ) from None
    except (re.error, ValueError, RecursionError) as error:
        raise BadRequestError(f"the pattern {pattern!r} cannot be parsed: {error}") from None
    if any(len(_INNER_DOUBLESTAR.findall(one)) > MAX_INNER_DOUBLESTARS for one in alternatives):
        raise BadRequestError(f"the pattern {pattern!r} has more than {MAX_INNER_DOUBLESTARS} inner **")
    return compiled


def _normalised(pattern: str) -> str:
    """The pattern in wcmatch's words; refuses what is left open."""
    out: list[str] = []
    # For each open brace: where it stands in `out`, and whether it has a comma.
    braces: list[tuple[int, bool]] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "\\":
            if position == len(pattern):
                raise BadRequestError(f"the pattern {pattern!r} ends in the middle of an escape")
            out.append("\\" + pattern[position])
            position += 1
        elif character == "[":
            text, position = _class(pattern, position)
            out.append(text)
        elif character == "{":
            braces.append((len(out), False))
            out.append("{")
        elif character == "," and braces:
            braces[-1] = (braces[-1][0], True)
            out.append(",")
        elif character == "}" and braces:
            opened, choice = braces.pop()
            out.append("}" if choice else "")
            out[opened] = "{" if choice else ""
        else:
            out.append("\\" + character if character in "}$" else character)
    if braces:
        raise BadRequestError(f"the pattern {pattern!r} has an open brace")
    return "".join(out)


def _class(pattern: str, start: int) -> tuple[str, int]:
    """The character class whose content starts at ``start``, and where the pattern goes on."""
    out = ["["]
    position = start
    if pattern[position : position + 1] in ("^", "!"):
        out.append("!")
        position += 1
    first = position
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "]" and position - 1 > first:
            return "".join([*out, "]"]), position
        if character == "\\":
            character = pattern[position : position + 1]
            position += 1
            out.append("\\" + character if not character.isalnum() else character)
        elif character == "/":
            break
        else:
            out.append("\\" + character if character in "[]{},$&~|^!" else character)
    raise BadRequestError(f"the pattern {pattern!r} has an open class")
