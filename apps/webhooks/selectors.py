"""Reads of policies and of what they have sent; and from memory, for every event, of who wants to know."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.fields.json import KT

from apps.accounts.security import SecurityContext, require_project
from apps.common.caches import StampedCache
from apps.common.errors import NotFoundError
from apps.common.stamps import project_key
from apps.jobs.logs import log_text
from apps.jobs.models import Execution, Task
from apps.jobs.selectors import task_list
from apps.jobs.types import UNFINISHED, VendorType
from apps.projects.models import Project
from apps.webhooks.models import WebhookPolicy

logger = logging.getLogger(__name__)

RESOURCE = "notification-policy"
VENDORS = (VendorType.WEBHOOK, VendorType.SLACK)
# So many deliveries of one policy wait at most, or a receiver that is gone for ever would fill the database.
MOST_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """An enabled policy, as events look at it. ``targets`` are (type, payload format)."""

    id: int
    event_types: frozenset[str]
    targets: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LastTrigger:
    """When an event was last told by a policy."""

    policy_name: str
    event_type: str
    enabled: bool
    creation_time: datetime
    last_trigger_time: datetime | None


# A project without policies is remembered too, as an empty tuple; and what waits is counted again after a minute.
_active: StampedCache[tuple[ActivePolicy, ...]] = StampedCache(max_entries=4096, max_age=60)


def webhook_policy_list(*, actor: SecurityContext, project: Project) -> QuerySet[WebhookPolicy]:
    """The policies of a project, the newest first; needs ``notification-policy:list``."""
    _require(actor, project, "list")
    return WebhookPolicy.objects.filter(project=project).order_by("-creation_time", "-id")


def webhook_policy_get(*, actor: SecurityContext, project: Project, policy_id: int) -> WebhookPolicy:
    """One policy; needs ``notification-policy:read``. Raises :class:`NotFoundError`."""
    _require(actor, project, "read")
    return policy_row(project, policy_id)


def sees_secrets(*, actor: SecurityContext, project: Project) -> bool:
    """Whether the caller is shown the ``auth_header`` of targets: who may change them."""
    return actor.can_project(project.pk, public=project.public, resource=RESOURCE, action="update")


def webhook_execution_list(
    *, actor: SecurityContext, project: Project, policy_id: int, action: str = "read"
) -> QuerySet[Execution]:
    """The deliveries of a policy, the newest first. Raises :class:`NotFoundError`."""
    _require(actor, project, action)
    policy = policy_row(project, policy_id)
    rows = Execution.objects.filter(vendor_type__in=VENDORS, vendor_id=policy.pk)
    return rows.order_by("-start_time", "-id")


def webhook_execution_get(
    *, actor: SecurityContext, project: Project, policy_id: int, execution_id: int
) -> Execution:
    """One delivery. Raises :class:`NotFoundError`."""
    executions = webhook_execution_list(actor=actor, project=project, policy_id=policy_id)
    execution = executions.filter(pk=execution_id).first()
    if execution is None:
        raise NotFoundError(f"execution {execution_id} not found in policy {policy_id}")
    return execution


def webhook_task_list(
    *, actor: SecurityContext, project: Project, policy_id: int, execution_id: int
) -> QuerySet[Task]:
    """The task of a delivery. Raises :class:`NotFoundError`."""
    execution = webhook_execution_get(
        actor=actor, project=project, policy_id=policy_id, execution_id=execution_id
    )
    return task_list(execution=execution)


def webhook_task_log(
    *, actor: SecurityContext, project: Project, policy_id: int, execution_id: int, task_id: int
) -> str:
    """What a delivery has written so far. Raises :class:`NotFoundError`."""
    tasks = webhook_task_list(actor=actor, project=project, policy_id=policy_id, execution_id=execution_id)
    if not tasks.filter(pk=task_id).exists():
        raise NotFoundError(f"task {task_id} not found in execution {execution_id}")
    return log_text(task_ids=[task_id])


def webhook_last_triggers(*, actor: SecurityContext, project: Project) -> list[LastTrigger]:
    """For each event type of each policy when it was last told, as far as the history goes back."""
    _require(actor, project, "read")
    policies = list(WebhookPolicy.objects.filter(project=project).order_by("-creation_time", "-id"))
    rows = Execution.objects.filter(vendor_type__in=VENDORS, vendor_id__in=[one.pk for one in policies])
    last: dict[tuple[int, str], datetime] = {
        (policy_id, event_type): at
        for policy_id, event_type, at in rows.annotate(event_type=KT("extra_attrs__event_type"))
        .values_list("vendor_id", "event_type")
        .annotate(Max("start_time"))
        .order_by()
    }
    return [
        LastTrigger(
            policy.name, event_type, policy.enabled, policy.creation_time, last.get((policy.pk, event_type))
        )
        for policy in policies
        for event_type in policy.event_types
    ]


def webhook_events_require(*, actor: SecurityContext, project: Project) -> None:
    """Whether the caller may be told which events there are: ``notification-policy:read``."""
    _require(actor, project, "read")


def task_counts(executions: Sequence[Execution]) -> dict[int, dict[str, int]]:
    """How many tasks each execution has by status."""
    found: dict[int, dict[str, int]] = {one.pk: {} for one in executions}
    rows = Task.objects.filter(execution_id__in=list(found)).values_list("execution_id", "status")
    for execution_id, status, count in rows.annotate(Count("pk")).order_by():
        found[execution_id][status] = count
    return found


def task_of_each(executions: Sequence[Execution]) -> dict[int, Task]:
    """The task of each delivery, by the delivery's id, for a caller that has read the deliveries."""
    rows = Task.objects.filter(execution_id__in=[one.pk for one in executions])
    return {task.execution_id: task for task in rows.order_by("pk")}


def policies_active(*, project_id: int, project_name: str) -> tuple[ActivePolicy, ...]:
    """The policies of a project that are enabled, and whose receivers keep up. No SQL when warm."""
    return _active.get(project_id, (project_key(project_name),), lambda: _load(project_id)) or ()


def policy_row(project: Project, policy_id: int) -> WebhookPolicy:
    """One policy of a project, for a caller that has authorised the reader. Raises :class:`NotFoundError`."""
    policy = WebhookPolicy.objects.filter(pk=policy_id, project=project).first()
    if policy is None:
        raise NotFoundError(f"webhook policy {policy_id} not found in project {project.name}")
    return policy


def _require(actor: SecurityContext, project: Project, action: str) -> None:
    require_project(actor, project.pk, public=project.public, resource=RESOURCE, action=action)


def _load(project_id: int) -> tuple[ActivePolicy, ...]:
    policies = list(WebhookPolicy.objects.filter(project_id=project_id, enabled=True).order_by("id"))
    if not policies:
        return ()
    waiting = _waiting_for([policy.pk for policy in policies])
    for policy in policies:
        if waiting.get(policy.pk, 0) >= MOST_WAITING:
            logger.warning("webhook policy %d gets no more deliveries: too many wait", policy.pk)
    return tuple(
        ActivePolicy(
            policy.pk,
            frozenset(policy.event_types),
            tuple((target["type"], target["payload_format"]) for target in policy.targets),
        )
        for policy in policies
        if waiting.get(policy.pk, 0) < MOST_WAITING
    )


def _waiting_for(policy_ids: list[int]) -> dict[int, int]:
    unfinished = Q(vendor_type__in=VENDORS, status__in=UNFINISHED, execution__vendor_id__in=policy_ids)
    rows = Task.objects.filter(unfinished).values_list("execution__vendor_id").annotate(Count("pk"))
    return dict(rows.order_by())
