"""Patterns of repositories, which narrow what a member or a robot account may do in a project."""

from collections.abc import Iterable

from apps.common.errors import BadRequestError
from apps.common.patterns import pattern_alternatives

MAX_PATTERNS = 64
MAX_ALTERNATIVES = 128
"""Of all patterns together: a list tries each on the name of every repository."""


def repository_patterns_clean(patterns: Iterable[str]) -> tuple[str, ...]:
    """The patterns, each once; they are of repositories without their project.

    Raises :class:`BadRequestError` for more than 64, for braces that make more than 128 of them, and for one that is
    empty or cannot be a pattern of a name.
    """
    found = tuple(dict.fromkeys(patterns))
    if len(found) > MAX_PATTERNS:
        raise BadRequestError(f"there can be at most {MAX_PATTERNS} patterns of repositories")
    for pattern in found:
        # An empty pattern would match everything, which no pattern at all says better.
        if not pattern or not pattern.isascii() or not pattern.isprintable():
            raise BadRequestError("a pattern of repositories must be printable ASCII text, such as base/**")
    if sum(map(pattern_alternatives, found)) > MAX_ALTERNATIVES:
        raise BadRequestError(
            f"the patterns of repositories stand for more than {MAX_ALTERNATIVES} alternatives together"
        )
    return found
