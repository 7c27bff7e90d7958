"""Reads of retention policies and their executions."""

from dataclasses import dataclass

from django.db.models import QuerySet

from apps.accounts.security import SecurityContext, require_project
from apps.common.errors import NotFoundError
from apps.jobs.models import Execution, Schedule, Task
from apps.jobs.selectors import execution_get, execution_list, schedule_find, task_get, task_list
from apps.jobs.types import VendorType
from apps.projects.models import Project
from apps.retention.models import RetentionPolicy

RESOURCE = "tag-retention"


@dataclass(frozen=True, slots=True)
class ScheduledPolicy:
    """A policy and when it runs by itself."""

    policy: RetentionPolicy
    schedule: Schedule | None


def policy_require(*, actor: SecurityContext, policy_id: int, action: str) -> RetentionPolicy:
    """A policy with its project, if ``actor`` may do this with it.

    Raises :class:`NotFoundError` only for those who could see any policy.
    """
    policy = RetentionPolicy.objects.select_related("project").filter(pk=policy_id).first()
    if policy is None:
        require_project(actor, 0, public=False, resource=RESOURCE, action=action)
        raise NotFoundError(f"retention policy {policy_id} not found")
    project = policy.project
    require_project(actor, project.pk, public=project.public, resource=RESOURCE, action=action)
    return policy


def policy_get(*, actor: SecurityContext, policy_id: int) -> ScheduledPolicy:
    """A policy; needs ``tag-retention:read``."""
    policy = policy_require(actor=actor, policy_id=policy_id, action="read")
    return ScheduledPolicy(policy, schedule_find(vendor_type=VendorType.RETENTION, vendor_id=policy.pk))


def policy_of_project(*, actor: SecurityContext, project: Project) -> ScheduledPolicy | None:
    """The policy of a project, None if it has none; needs ``tag-retention:read``."""
    require_project(actor, project.pk, public=project.public, resource=RESOURCE, action="read")
    policy = RetentionPolicy.objects.filter(project=project).first()
    if policy is None:
        return None
    policy.project = project
    return ScheduledPolicy(policy, schedule_find(vendor_type=VendorType.RETENTION, vendor_id=policy.pk))


def retention_execution_list(*, actor: SecurityContext, policy_id: int) -> QuerySet[Execution]:
    """Runs of a policy, the newest first; needs ``tag-retention:list``."""
    policy = policy_require(actor=actor, policy_id=policy_id, action="list")
    return execution_list(vendor_type=VendorType.RETENTION, vendor_id=policy.pk)


def retention_execution_get(*, actor: SecurityContext, policy_id: int, execution_id: int) -> Execution:
    """One run; needs ``tag-retention:list``. Raises :class:`NotFoundError`."""
    policy = policy_require(actor=actor, policy_id=policy_id, action="list")
    return _execution(policy, execution_id)


def retention_task_list(*, actor: SecurityContext, policy_id: int, execution_id: int) -> QuerySet[Task]:
    """The repositories of a run; needs ``tag-retention:list``."""
    policy = policy_require(actor=actor, policy_id=policy_id, action="list")
    return task_list(execution=_execution(policy, execution_id))


def retention_task_get(*, actor: SecurityContext, policy_id: int, execution_id: int, task_id: int) -> Task:
    """One repository of a run, whose log may be read; needs ``tag-retention:read``."""
    policy = policy_require(actor=actor, policy_id=policy_id, action="read")
    return task_get(execution=_execution(policy, execution_id), task_id=task_id)


def _execution(policy: RetentionPolicy, execution_id: int) -> Execution:
    return execution_get(vendor_type=VendorType.RETENTION, execution_id=execution_id, vendor_id=policy.pk)
