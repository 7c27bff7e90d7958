"""Immutable rules as the gates use them, and their words on the wire."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.common.name_selectors import Selector, repository_selectors_of, tag_selectors_of

ACTION = "immutable"
TEMPLATE = "immutable_template"
MAX_RULES = 15


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


def rule_of(tag_selectors: Iterable[dict[str, str]], scope_selectors: dict[str, Any]) -> Rule:
    """A stored rule ready for use."""
    return Rule(repositories=repository_selectors_of(scope_selectors), tags=tag_selectors_of(tag_selectors))
