"""Changes to immutable rules. They hold from the answer on, in every process."""

from typing import Any

from apps.accounts.security import SecurityContext, require_project
from apps.common.database import again_after_deadlock, write_atomic
from apps.common.errors import BadRequestError, ConflictError, NotFoundError
from apps.common.name_selectors import scope_selectors_checked, tag_selectors_checked
from apps.common.stamps import project_key, touch
from apps.events.bus import publish
from apps.events.catalogue import ImmutableRuleChanged
from apps.immutability.models import ImmutableRule
from apps.immutability.types import MAX_RULES
from apps.projects.models import Project

_INT32 = 2**31


@again_after_deadlock
def immutable_rule_create(
    *,
    actor: SecurityContext,
    project: Project,
    tag_selectors: object,
    scope_selectors: object,
    disabled: bool = False,
    priority: int = 0,
) -> ImmutableRule:
    """A new rule from selectors as the API has them.

    Raises BadRequestError for selectors against the rules and for one rule too many, ConflictError for one that is
    there already.
    """
    require_project(actor, project.pk, public=project.public, resource="immutable-tag", action="create")
    rule = ImmutableRule(project=project)
    _fill(rule, tag_selectors, scope_selectors, disabled, priority)
    with write_atomic():
        others = _others(project, 0)
        if len(others) >= MAX_RULES:
            raise BadRequestError(f"a project has at most {MAX_RULES} immutable rules")
        _require_new(rule, others)
        rule.save(force_insert=True)
        _tell(actor, rule, "create")
    return rule


@again_after_deadlock
def immutable_rule_update(
    *,
    actor: SecurityContext,
    project: Project,
    rule_id: int,
    tag_selectors: object,
    scope_selectors: object,
    disabled: bool = False,
    priority: int = 0,
) -> ImmutableRule:
    """Replace a rule. Raises NotFoundError, and what :func:`immutable_rule_create` does."""
    require_project(actor, project.pk, public=project.public, resource="immutable-tag", action="update")
    rule = _rule(project, rule_id)
    _fill(rule, tag_selectors, scope_selectors, disabled, priority)
    with write_atomic():
        _require_new(rule, _others(project, rule_id))
        # Not save(): a rule that was deleted at this moment must not come back.
        if not ImmutableRule.objects.filter(pk=rule.pk).update(
            tag_selectors=rule.tag_selectors,
            scope_selectors=rule.scope_selectors,
            disabled=rule.disabled,
            priority=rule.priority,
        ):
            raise NotFoundError(f"immutable rule {rule_id} not found")
        _tell(actor, rule, "update")
    return rule


@again_after_deadlock
def immutable_rule_delete(*, actor: SecurityContext, project: Project, rule_id: int) -> None:
    """Delete a rule. Raises NotFoundError."""
    require_project(actor, project.pk, public=project.public, resource="immutable-tag", action="delete")
    rule = _rule(project, rule_id)
    with write_atomic():
        deleted, _ = ImmutableRule.objects.filter(pk=rule.pk).delete()
        if not deleted:
            raise NotFoundError(f"immutable rule {rule_id} not found")
        _tell(actor, rule, "delete")


def _rule(project: Project, rule_id: int) -> ImmutableRule:
    rule = ImmutableRule.objects.filter(pk=rule_id, project=project).first()
    if rule is None:
        raise NotFoundError(f"immutable rule {rule_id} not found")
    rule.project = project
    return rule


def _fill(
    rule: ImmutableRule, tag_selectors: object, scope_selectors: object, disabled: bool, priority: int
) -> None:
    if not -_INT32 <= priority < _INT32:
        raise BadRequestError("the priority of a rule must fit into 32 bits")
    rule.tag_selectors = tag_selectors_checked(tag_selectors)
    rule.scope_selectors = scope_selectors_checked(scope_selectors)
    rule.disabled = disabled
    rule.priority = priority


def _others(project: Project, rule_id: int) -> list[tuple[Any, Any]]:
    """The selectors of the project's other rules; rules of one project are changed one at a time."""
    if not Project.objects.select_for_update(no_key=True).filter(pk=project.pk).exists():
        raise NotFoundError(f"project {project.name} not found")
    rows = ImmutableRule.objects.filter(project=project).exclude(pk=rule_id)
    return list(rows.values_list("tag_selectors", "scope_selectors"))


def _require_new(rule: ImmutableRule, others: list[tuple[Any, Any]]) -> None:
    if (rule.tag_selectors, rule.scope_selectors) in others:
        raise ConflictError("an immutable rule with these selectors is there already")


def _tell(actor: SecurityContext, rule: ImmutableRule, operation: str) -> None:
    touch(project_key(rule.project.name))
    publish(
        ImmutableRuleChanged(
            operator=actor.name,
            operation=operation,
            project_id=rule.project_id,
            project_name=rule.project.name,
            rule_id=rule.pk,
        )
    )
