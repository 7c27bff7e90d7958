"""Reads of immutable rules: lists for people, and from memory for every push and every list of tags."""

from collections.abc import Iterable

from django.db.models import QuerySet

from apps.accounts.security import SecurityContext, require_project
from apps.common.caches import StampedCache
from apps.common.errors import NotFoundError
from apps.common.stamps import project_key
from apps.immutability.models import ImmutableRule
from apps.immutability.types import Rule, rule_of
from apps.projects.models import Project

# A project without rules is remembered too, as an empty tuple.
_rules: StampedCache[tuple[Rule, ...]] = StampedCache(max_entries=4096, max_age=60)


def immutable_rule_list(*, actor: SecurityContext, project: Project) -> QuerySet[ImmutableRule]:
    """The rules of a project, oldest first; needs ``immutable-tag:list``."""
    require_project(actor, project.pk, public=project.public, resource="immutable-tag", action="list")
    return ImmutableRule.objects.filter(project=project).order_by("id")


def immutable_rule_get(*, actor: SecurityContext, project: Project, rule_id: int) -> ImmutableRule:
    """One rule; needs ``immutable-tag:list``. Raises :class:`NotFoundError`."""
    rule = immutable_rule_list(actor=actor, project=project).filter(pk=rule_id).first()
    if rule is None:
        raise NotFoundError(f"immutable rule {rule_id} not found")
    return rule


def immutable_tags(*, project_id: int, repository_name: str, tags: Iterable[str]) -> set[str]:
    """Those of ``tags`` that a rule keeps where they are; ``repository_name`` is with the project. No SQL when warm."""
    project_name, _, path = repository_name.partition("/")
    rules = _rules.get(project_id, (project_key(project_name),), lambda: _load(project_id)) or ()
    if not rules:
        return set()
    here = [rule for rule in rules if rule.holds_repository(path)]
    return {tag for tag in tags if any(rule.holds_tag(tag) for rule in here)}


def _load(project_id: int) -> tuple[Rule, ...]:
    rows = ImmutableRule.objects.filter(project_id=project_id, disabled=False)
    return tuple(rule_of(*row) for row in rows.values_list("tag_selectors", "scope_selectors"))
