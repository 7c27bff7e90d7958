"""Retention policies made, changed and run."""

import logging
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.security import SecurityContext, require_project
from apps.artifacts.models import Repository
from apps.artifacts.types import repository_path
from apps.common.database import again_after_deadlock, write_atomic
from apps.common.errors import BadRequestError, NotFoundError
from apps.events.bus import publish
from apps.events.catalogue import RetentionPolicyChanged
from apps.jobs.models import Execution
from apps.jobs.schedules import Plan, plan_read, schedule_set
from apps.jobs.selectors import execution_get, execution_list
from apps.jobs.services import NewTask, execution_start, execution_stop, executions_forget
from apps.jobs.types import FINAL, ScheduleType, Trigger, VendorType
from apps.projects.models import Project
from apps.projects.services import metadata_note
from apps.retention.models import RetentionPolicy
from apps.retention.selectors import RESOURCE, policy_require
from apps.retention.types import rule_key, rules_checked, rules_of

logger = logging.getLogger(__name__)

METADATA = "retention_id"
"""The switch of a project that says which policy is its."""


@again_after_deadlock
def policy_create(
    *, actor: SecurityContext, project_id: int, rules: object, cron: str = ""
) -> RetentionPolicy:
    """Give a project its policy; ``cron`` has six fields in UTC, "" for no schedule.

    Raises BadRequestError for rules or a cron against the rules, a project that is not there, and one that has a
    policy; ConflictError for two rules that are the same.
    """
    project = Project.objects.filter(pk=project_id).first()
    require_project(
        actor,
        project_id if project is not None else 0,
        public=project is not None and project.public,
        resource=RESOURCE,
        action="create",
    )
    if project is None:
        raise BadRequestError(f"invalid project id {project_id}")
    checked = rules_checked(rules)
    plan = _plan(cron)
    with write_atomic():
        try:
            with transaction.atomic():
                policy = RetentionPolicy.objects.create(project=project, rules=checked)
        except IntegrityError:
            raise BadRequestError(f"project {project_id} has a retention policy already") from None
        metadata_note(project=project, name=METADATA, value=str(policy.pk))
        schedule_set(vendor_type=VendorType.RETENTION, vendor_id=policy.pk, plan=plan, operator=actor.name)
        _tell(actor.name, policy, "create")
    return policy


@again_after_deadlock
def policy_update(
    *, actor: SecurityContext, policy_id: int, rules: object, cron: str = "", project_id: int = 0
) -> None:
    """Replace rules and schedule. ``project_id`` is the policy's own or 0: a policy stays where it is.

    Raises NotFoundError and what :func:`policy_create` does.
    """
    policy = policy_require(actor=actor, policy_id=policy_id, action="update")
    if project_id not in (0, policy.project_id):
        raise BadRequestError(f"retention policy {policy_id} is not of project {project_id}")
    checked = rules_checked(rules)
    plan = _plan(cron)
    with write_atomic():
        # Not save(): a policy that was deleted at this moment must not come back.
        rows = RetentionPolicy.objects.filter(pk=policy.pk)
        if not rows.update(rules=checked, update_time=timezone.now()):
            raise NotFoundError(f"retention policy {policy_id} not found")
        schedule_set(vendor_type=VendorType.RETENTION, vendor_id=policy.pk, plan=plan, operator=actor.name)
        _tell(actor.name, policy, "update")


@again_after_deadlock
def policy_schedule(*, actor: SecurityContext, policy_id: int, cron: str) -> None:
    """Replace the schedule alone; "" for none. Raises BadRequestError, NotFoundError."""
    policy = policy_require(actor=actor, policy_id=policy_id, action="update")
    plan = _plan(cron)
    with write_atomic():
        _locked(policy_id)
        schedule_set(vendor_type=VendorType.RETENTION, vendor_id=policy_id, plan=plan, operator=actor.name)
        _tell(actor.name, policy, "update")


@again_after_deadlock
def rule_change(
    *, actor: SecurityContext, policy_id: int, rule: Mapping[str, Any] | None, replaces: str = ""
) -> None:
    """Change one rule and leave the others as they are at this moment.

    ``rule`` is added, or stands in the place of the rule whose :func:`rule_key` is ``replaces``; None takes that one
    away. Raises NotFoundError where that is gone or changed meanwhile, and what :func:`policy_create` does.
    """
    policy = policy_require(actor=actor, policy_id=policy_id, action="update")
    with write_atomic():
        rules = list(_locked(policy_id).rules)
        keys = [rule_key(one) for one in rules]
        if replaces and replaces not in keys:
            raise NotFoundError("the retention rule is gone, or somebody has changed it meanwhile")
        place = keys.index(replaces) if replaces else len(rules)
        rules[place : place + 1] = [] if rule is None else [dict(rule)]
        RetentionPolicy.objects.filter(pk=policy_id).update(
            rules=rules_checked(rules), update_time=timezone.now()
        )
        _tell(actor.name, policy, "update")


@again_after_deadlock
def policy_delete(*, actor: SecurityContext, policy_id: int) -> None:
    """Delete a policy with its schedule and its runs; one that is under way ends."""
    policy = policy_require(actor=actor, policy_id=policy_id, action="delete")
    with write_atomic():
        if not RetentionPolicy.objects.filter(pk=policy.pk).delete()[0]:
            raise NotFoundError(f"retention policy {policy_id} not found")
        policy_clear(policy_id=policy_id)
        metadata_note(project=policy.project, name=METADATA, value="")
        _tell(actor.name, policy, "delete", policy_id)


def policy_clear(*, policy_id: int) -> None:
    """Drop what the jobs keep of a policy that goes, inside the caller's transaction."""
    schedule_set(vendor_type=VendorType.RETENTION, vendor_id=policy_id, plan=_plan(""))
    executions_forget(vendor_type=VendorType.RETENTION, vendor_id=policy_id)


@again_after_deadlock
def retention_execute(*, actor: SecurityContext, policy_id: int, dry_run: bool) -> Execution:
    """Run a policy now, or with ``dry_run`` only say what it would do; needs ``tag-retention:update``, as in Harbor."""
    policy = policy_require(actor=actor, policy_id=policy_id, action="update")
    with write_atomic():
        return _begin(policy, Trigger.MANUAL, actor.name, dry_run=dry_run)


def retention_execution_operate(
    *, actor: SecurityContext, policy_id: int, execution_id: int, action: str
) -> None:
    """Stop what is not finished of a run, the only ``action`` there is; what was deleted is in the trash."""
    policy = policy_require(actor=actor, policy_id=policy_id, action="update")
    if action != "stop":
        raise BadRequestError("the action must be stop")
    execution = execution_get(
        vendor_type=VendorType.RETENTION, execution_id=execution_id, vendor_id=policy.pk
    )
    with write_atomic():
        if execution_stop(execution_id=execution.pk):
            _tell(actor.name, policy, "stop")


def scheduled_retention_begin(policy_id: int, _parameters: dict[str, object], operator: str) -> None:
    """Begin the run that a schedule asks for, inside its transaction; not while the one before waits or runs."""
    policy = RetentionPolicy.objects.select_related("project").filter(pk=policy_id).first()
    if policy is None:
        return
    runs = execution_list(vendor_type=VendorType.RETENTION, vendor_id=policy_id)
    if runs.filter(trigger=Trigger.SCHEDULE).exclude(status__in=FINAL).exists():
        logger.warning("retention policy %d is not begun: its last scheduled run goes on", policy_id)
        return
    _begin(policy, Trigger.SCHEDULE, operator, dry_run=False)


def _begin(policy: RetentionPolicy, trigger: Trigger, operator: str, *, dry_run: bool) -> Execution:
    """A task for each repository that an enabled rule speaks of; two of one repository run one after the other."""
    _tell(operator, policy, "dry-run" if dry_run else "run")
    rules = rules_of(policy.rules)
    repositories = Repository.objects.filter(project=policy.project, listed=True).order_by("pk")
    tasks = [
        NewTask(
            parameters={"policy_id": policy.pk, "repository_name": name, "dry_run": dry_run},
            extra_attrs={"repository": path, "dry_run": dry_run},
            order_key=str(pk),
        )
        for pk, name in repositories.values_list("pk", "name")
        if any(rule.holds_repository(path := repository_path(name)) for rule in rules)
    ]
    return execution_start(
        vendor_type=VendorType.RETENTION,
        vendor_id=policy.pk,
        trigger=trigger,
        operator=operator,
        tasks=tasks,
        extra_attrs={"dry_run": dry_run},
    )


def _locked(policy_id: int) -> RetentionPolicy:
    """The policy as it is now, which nobody else changes until the transaction ends."""
    policy = RetentionPolicy.objects.select_for_update(no_key=True).filter(pk=policy_id).first()
    if policy is None:
        raise NotFoundError(f"retention policy {policy_id} not found")
    return policy


def _plan(cron: str) -> Plan:
    return plan_read(kind=ScheduleType.CUSTOM if cron else ScheduleType.NONE, cron=cron)


def _tell(operator: str, policy: RetentionPolicy, operation: str, policy_id: int = 0) -> None:
    publish(
        RetentionPolicyChanged(
            operator=operator,
            operation=operation,
            project_id=policy.project_id,
            project_name=policy.project.name,
            policy_id=policy_id or policy.pk,
        )
    )
