"""Immutable rules as the gates use them, and their words on the wire."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from apps.common.errors import BadRequestError
from apps.common.patterns import matches, pattern_check

ACTION = "immutable"
TEMPLATE = "immutable_template"
KIND = "doublestar"
REPOSITORY = "repository"
MAX_RULES = 15
MAX_SELECTORS = 8

# What a decoration does with a name that the pattern matches: take it, or leave it out.
_TAG_DECORATIONS = {"matches": True, "excludes": False}
_REPOSITORY_DECORATIONS = {"repoMatches": True, "repoExcludes": False}


@dataclass(frozen=True, slots=True)
class Selector:
    """Takes the names that ``pattern`` matches, or with ``wanted`` False those that it does not."""

    pattern: str
    wanted: bool

    def takes(self, name: str) -> bool:
        """Whether ``name`` is one of them."""
        return matches(self.pattern, name) is self.wanted


@dataclass(frozen=True, slots=True)
class Rule:
    """An enabled rule: a tag is immutable that all selectors of both sides take."""

    repositories: tuple[Selector, ...]
    tags: tuple[Selector, ...]

    def holds_repository(self, name: str) -> bool:
        """Whether the rule speaks of the repository, whose ``name`` is without the project."""
        return all(selector.takes(name) for selector in self.repositories)

    def holds_tag(self, name: str) -> bool:
        """Whether the rule speaks of the tag."""
        return all(selector.takes(name) for selector in self.tags)


def tag_selectors_checked(selectors: object) -> list[dict[str, str]]:
    """The tag side of a rule in one writing, so that equal rules are equal; raises :class:`BadRequestError`."""
    return _checked(selectors, _TAG_DECORATIONS, "tag_selectors")


def scope_selectors_checked(selectors: object) -> dict[str, list[dict[str, str]]]:
    """The repository side of a rule in one writing; raises :class:`BadRequestError`."""
    if not isinstance(selectors, dict) or set(selectors) != {REPOSITORY}:
        raise BadRequestError(f"scope_selectors must have {REPOSITORY!r} and nothing else")
    return {
        REPOSITORY: _checked(selectors[REPOSITORY], _REPOSITORY_DECORATIONS, f"scope_selectors.{REPOSITORY}")
    }


def rule_of(tag_selectors: Iterable[dict[str, str]], scope_selectors: dict[str, Any]) -> Rule:
    """A stored rule ready for use."""
    return Rule(
        repositories=_selectors(scope_selectors.get(REPOSITORY, ()), _REPOSITORY_DECORATIONS),
        tags=_selectors(tag_selectors, _TAG_DECORATIONS),
    )


def _selectors(stored: Iterable[dict[str, str]], decorations: dict[str, bool]) -> tuple[Selector, ...]:
    return tuple(Selector(one["pattern"], decorations[one["decoration"]]) for one in stored)


def _checked(selectors: object, decorations: dict[str, bool], where: str) -> list[dict[str, str]]:
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
        or len(extras) > 1024
        or "\0" in pattern + extras
    ):
        raise BadRequestError(f"pattern and extras of a selector in {where} must be texts")
    pattern_check(pattern)
    checked = {"kind": KIND, "decoration": str(decoration), "pattern": pattern}
    return checked | {"extras": extras} if extras else checked
