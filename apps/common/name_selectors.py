"""Selectors of a project's rules, ``{kind, decoration, pattern, extras}``: which tags and repositories a rule speaks of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.common.errors import BadRequestError
from apps.common.patterns import matches, pattern_check

KIND = "doublestar"
REPOSITORY = "repository"
MAX_SELECTORS = 8

# What a decoration does with a name that the pattern matches: take it, or leave it out.
TAG_DECORATIONS: Mapping[str, bool] = {"matches": True, "excludes": False}
REPOSITORY_DECORATIONS: Mapping[str, bool] = {"repoMatches": True, "repoExcludes": False}

_LONGEST_EXTRAS = 1024


@dataclass(frozen=True, slots=True)
class Selector:
    """Takes the names that ``pattern`` matches, or with ``wanted`` False those that it does not."""

    pattern: str
    wanted: bool

    def takes(self, name: str) -> bool:
        """Whether ``name`` is one of them."""
        return matches(self.pattern, name) is self.wanted


def tag_selectors_checked(selectors: object) -> list[dict[str, str]]:
    """The tag side of a rule in one writing, so that equal rules are equal; raises :class:`BadRequestError`."""
    return _checked(selectors, TAG_DECORATIONS, "tag_selectors")


def scope_selectors_checked(selectors: object) -> dict[str, list[dict[str, str]]]:
    """The repository side of a rule in one writing; raises :class:`BadRequestError`."""
    if not isinstance(selectors, dict) or set(selectors) != {REPOSITORY}:
        raise BadRequestError(f"scope_selectors must have {REPOSITORY!r} and nothing else")
    return {
        REPOSITORY: _checked(selectors[REPOSITORY], REPOSITORY_DECORATIONS, f"scope_selectors.{REPOSITORY}")
    }


def tag_selectors_of(stored: Iterable[Mapping[str, str]]) -> tuple[Selector, ...]:
    """The checked tag side ready for use."""
    return _selectors(stored, TAG_DECORATIONS)


def repository_selectors_of(stored: Mapping[str, Any]) -> tuple[Selector, ...]:
    """The checked repository side ready for use; names are without the project."""
    return _selectors(stored.get(REPOSITORY, ()), REPOSITORY_DECORATIONS)


def _selectors(stored: Iterable[Mapping[str, str]], decorations: Mapping[str, bool]) -> tuple[Selector, ...]:
    return tuple(Selector(one["pattern"], decorations[one["decoration"]]) for one in stored)


def _checked(selectors: object, decorations: Mapping[str, bool], where: str) -> list[dict[str, str]]:
    if not isinstance(selectors, list) or not 1 <= len(selectors) <= MAX_SELECTORS:
        raise BadRequestError(f"{where} must have 1 to {MAX_SELECTORS} selectors")
    return [_selector_checked(selector, tuple(decorations), where) for selector in selectors]


def _selector_checked(selector: object, decorations: Sequence[str], where: str) -> dict[str, str]:
    if not isinstance(selector, dict):
        raise BadRequestError(f"{where} must be objects")
    if selector.get("kind") != KIND:
        raise BadRequestError(f"the kind of a selector in {where} must be {KIND}")
    if (decoration := selector.get("decoration")) not in decorations:
        raise BadRequestError(f"the decoration of a selector in {where} must be {' or '.join(decorations)}")
    pattern = selector.get("pattern") or ""
    extras = selector.get("extras") or ""
    if (
        not isinstance(pattern, str)
        or not isinstance(extras, str)
        or len(extras) > _LONGEST_EXTRAS
        or "\0" in pattern + extras
    ):
        raise BadRequestError(f"pattern and extras of a selector in {where} must be texts")
    pattern_check(pattern)
    checked = {"kind": KIND, "decoration": str(decoration), "pattern": pattern}
    return checked | {"extras": extras} if extras else checked
