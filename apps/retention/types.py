"""Retention rules on the wire: what they may say, and the one writing that is stored."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.common.errors import BadRequestError, ConflictError
from apps.common.name_selectors import (
    Selector,
    repository_selectors_of,
    scope_selectors_checked,
    tag_selectors_checked,
    tag_selectors_of,
)
from apps.retention.decision import Kind, Rule, TagSelector

ALGORITHM = "or"
ACTION = "retain"
TRIGGER = "Schedule"
LEVEL = "project"
MAX_RULES = 15

_INT32 = 2**31
# Hexadecimal digits, of which fifteen rules need few.
_KEY_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of rule: ``text`` for people, and its number's unit ("" for none), default and greatest value."""

    kind: Kind
    text: str
    unit: str = ""
    default: int = 0
    most: int = 0


# The number is called as its template.
TEMPLATES: Mapping[str, Template] = {
    template.kind: template
    for template in (
        Template(Kind.LATEST_PUSHED, "the most recently pushed # artifacts", "COUNT", 10, 32766),
        Template(Kind.LATEST_PULLED, "the most recently pulled # artifacts", "COUNT", 10, 32766),
        Template(Kind.DAYS_SINCE_PUSH, "pushed within the last # days", "DAYS", 30, 20190904),
        Template(Kind.DAYS_SINCE_PULL, "pulled within the last # days", "DAYS", 30, 20190904),
        Template(Kind.ALWAYS, "always"),
    )
}


@dataclass(frozen=True, slots=True)
class ScopedRule:
    """An enabled rule and the repositories that it speaks of, by their names without the project."""

    repositories: tuple[Selector, ...]
    rule: Rule

    def holds_repository(self, name: str) -> bool:
        """Whether it speaks of this one."""
        return all(selector.takes(name) for selector in self.repositories)


def rules_checked(rules: object) -> list[dict[str, Any]]:
    """Rules as the API has them, as they are stored.

    Raises :class:`BadRequestError` for one against the rules and for one too many, :class:`ConflictError` for two
    that are the same.
    """
    if not isinstance(rules, list):
        raise BadRequestError("the rules of a retention policy must be a list")
    if len(rules) > MAX_RULES:
        raise BadRequestError(f"only {MAX_RULES} tag retention rules are allowed at most")
    checked = [_rule_checked(rule) for rule in rules]
    seen: dict[str, int] = {}
    for number, rule in enumerate(checked):
        key = rule_key(rule)
        if key in seen:
            raise ConflictError(f"rule {number} is the same as rule {seen[key]}")
        seen[key] = number
    return checked


def rule_key(rule: Mapping[str, Any]) -> str:
    """What a stored rule is told from the others of its policy by; it is another one when the rule is changed.

    Not its id, which is what a client has written there.
    """
    return hashlib.sha256(json.dumps({**rule, "id": 0}, sort_keys=True).encode()).hexdigest()[:_KEY_LENGTH]


def rules_of(stored: list[dict[str, Any]]) -> list[ScopedRule]:
    """The enabled ones of stored rules, ready for use."""
    return [_rule_of(rule) for rule in stored if not rule["disabled"]]


def _rule_checked(rule: object) -> dict[str, Any]:
    if not isinstance(rule, dict):
        raise BadRequestError("a retention rule must be an object")
    if (rule.get("action") or ACTION) != ACTION:
        raise BadRequestError(f"the action of a retention rule is {ACTION}")
    template = TEMPLATES.get(str(rule.get("template")))
    if template is None:
        raise BadRequestError(f"the template of a retention rule is one of {', '.join(TEMPLATES)}")
    tag_selectors = tag_selectors_checked(rule.get("tag_selectors"))
    for selector in tag_selectors:
        untagged_matches(selector)
    return {
        "id": _number(rule, "id"),
        "priority": _number(rule, "priority"),
        "disabled": rule.get("disabled") is True,
        "action": ACTION,
        "template": str(template.kind),
        "params": _params_checked(rule.get("params") or {}, template),
        "tag_selectors": tag_selectors,
        "scope_selectors": scope_selectors_checked(rule.get("scope_selectors")),
    }


def _number(rule: Mapping[str, Any], name: str) -> int:
    value = rule.get(name) or 0
    if not isinstance(value, int) or isinstance(value, bool) or not -_INT32 <= value < _INT32:
        raise BadRequestError(f"the {name} of a retention rule must be a number of 32 bits")
    return value


def _params_checked(params: object, template: Template) -> dict[str, int]:
    if not isinstance(params, dict):
        raise BadRequestError("the params of a retention rule must be an object")
    if not template.unit:
        return {}
    value = params.get(template.kind)
    if value is None:
        value = template.default
    # A client that knows no integers may write 3.0.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= template.most:
        raise BadRequestError(
            f"the param {template.kind} of a retention rule must be a number from 0 to {template.most}"
        )
    return {str(template.kind): value}


def untagged_matches(selector: Mapping[str, str]) -> bool:
    """Whether a tag selector counts artifacts without a tag among what its pattern matches."""
    if not (text := selector.get("extras", "")):
        return selector["decoration"] == "matches"
    try:
        extras = json.loads(text)
    except (ValueError, RecursionError):
        extras = None
    untagged = extras.get("untagged", False) if isinstance(extras, dict) else None
    if not isinstance(untagged, bool):
        raise BadRequestError('the extras of a tag selector must be such as {"untagged":true}')
    return untagged


def _rule_of(rule: Mapping[str, Any]) -> ScopedRule:
    kind = Kind(rule["template"])
    stored = rule["tag_selectors"]
    selectors = tuple(
        TagSelector(selector.pattern, selector.wanted, untagged_matches(one))
        for selector, one in zip(tag_selectors_of(stored), stored, strict=True)
    )
    return ScopedRule(
        repository_selectors_of(rule["scope_selectors"]),
        Rule(kind, rule["params"].get(kind, 0), selectors),
    )
