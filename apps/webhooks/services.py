"""Changes to webhook policies. They hold from the answer on, in every process."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from apps.accounts.security import SecurityContext, require_project
from apps.common.database import again_after_deadlock, write_atomic
from apps.common.errors import BadRequestError, ConflictError, NotFoundError
from apps.common.stamps import project_key, touch
from apps.events.bus import publish
from apps.events.catalogue import WebhookPolicyChanged
from apps.jobs.models import Execution
from apps.jobs.services import executions_forget
from apps.jobs.types import Trigger
from apps.projects.models import Project
from apps.webhooks.deliveries import deliveries_begin
from apps.webhooks.formats import Notice
from apps.webhooks.models import WebhookPolicy
from apps.webhooks.payloads import artifact_data
from apps.webhooks.selectors import RESOURCE, VENDORS, ActivePolicy, policy_row
from apps.webhooks.types import (
    MAX_POLICIES,
    EventType,
    description_checked,
    event_types_checked,
    name_checked,
    targets_checked,
)

_TEST_DIGEST = f"sha256:{'0' * 64}"


@again_after_deadlock
def webhook_policy_create(
    *,
    actor: SecurityContext,
    project: Project,
    name: str,
    targets: Sequence[Mapping[str, Any]],
    event_types: Sequence[str],
    description: str = "",
    enabled: bool = False,
) -> WebhookPolicy:
    """A new policy; targets as the API has them, with every key.

    Raises BadRequestError for what is against the rules and for one policy too many, ConflictError for a name in use.
    """
    _require(actor, project, "create")
    policy = WebhookPolicy(project=project, creator=actor.name)
    _fill(policy, name, targets, event_types, description, enabled=enabled)
    try:
        with write_atomic():
            _lock(project)
            if WebhookPolicy.objects.filter(project=project).count() >= MAX_POLICIES:
                raise BadRequestError(f"a project has at most {MAX_POLICIES} webhook policies")
            policy.save(force_insert=True)
            _tell(actor, project, policy, "create")
    except IntegrityError:
        raise ConflictError(f"the webhook policy {name} exists already in project {project.name}") from None
    return policy


@again_after_deadlock
def webhook_policy_update(
    *,
    actor: SecurityContext,
    project: Project,
    policy_id: int,
    name: str,
    targets: Sequence[Mapping[str, Any]],
    event_types: Sequence[str],
    description: str = "",
    enabled: bool = False,
) -> WebhookPolicy:
    """Replace a policy. Raises NotFoundError, and what :func:`webhook_policy_create` does."""
    _require(actor, project, "update")
    policy = policy_row(project, policy_id)
    _fill(policy, name, targets, event_types, description, enabled=enabled)
    policy.update_time = timezone.now()
    try:
        with write_atomic():
            _lock(project)
            # Not save(): a policy that was deleted at this moment must not come back.
            if not WebhookPolicy.objects.filter(pk=policy.pk).update(
                name=policy.name,
                description=policy.description,
                targets=policy.targets,
                event_types=policy.event_types,
                enabled=policy.enabled,
                update_time=policy.update_time,
            ):
                raise NotFoundError(f"webhook policy {policy_id} not found in project {project.name}")
            _tell(actor, project, policy, "update")
    except IntegrityError:
        raise ConflictError(f"the webhook policy {name} exists already in project {project.name}") from None
    return policy


@again_after_deadlock
def webhook_policy_delete(*, actor: SecurityContext, project: Project, policy_id: int) -> None:
    """Delete a policy with its history; what it still had to send is not sent. Raises NotFoundError."""
    _require(actor, project, "delete")
    policy = policy_row(project, policy_id)
    with write_atomic():
        deleted, _ = WebhookPolicy.objects.filter(pk=policy.pk).delete()
        if not deleted:
            raise NotFoundError(f"webhook policy {policy_id} not found in project {project.name}")
        deliveries_forget(policy_id=policy_id)
        _tell(actor, project, policy, "delete")


def webhook_policy_test(*, actor: SecurityContext, project: Project, policy_id: int) -> list[Execution]:
    """Send an event that did not happen to every target of a policy, whether it is enabled or not.

    An execution each. It says ``"test": "true"`` in its custom attributes. Raises NotFoundError.
    """
    _require(actor, project, "update")
    policy = policy_row(project, policy_id)
    data = artifact_data(
        name=f"{project.name}/webhook-test",
        digest=_TEST_DIGEST,
        tags=("test",),
        project=project,
        created=None,
    )
    notice = Notice(
        event_type=EventType(policy.event_types[0]),
        project_id=project.pk,
        subject="test",
        operator=actor.name,
        occurred_at=timezone.now(),
        data=data | {"custom_attributes": {"test": "true"}},
    )
    with write_atomic():
        return deliveries_begin(
            notices=[notice], policies=[_active(policy)], trigger=Trigger.MANUAL, is_test=True
        )


def deliveries_forget(*, policy_id: int) -> None:
    """Forget what a policy has sent and has to send, inside the transaction in which it goes."""
    for vendor_type in VENDORS:
        executions_forget(vendor_type=vendor_type, vendor_id=policy_id)


def _active(policy: WebhookPolicy) -> ActivePolicy:
    targets = tuple((target["type"], target["payload_format"]) for target in policy.targets)
    return ActivePolicy(policy.pk, frozenset(policy.event_types), targets)


def _require(actor: SecurityContext, project: Project, action: str) -> None:
    require_project(actor, project.pk, public=project.public, resource=RESOURCE, action=action)


def _fill(
    policy: WebhookPolicy,
    name: str,
    targets: Sequence[Mapping[str, Any]],
    event_types: Sequence[str],
    description: str,
    *,
    enabled: bool,
) -> None:
    policy.name = name_checked(name)
    policy.description = description_checked(description)
    policy.event_types = event_types_checked(event_types)
    policy.targets_set(targets_checked(targets))
    policy.enabled = enabled


def _lock(project: Project) -> None:
    """The policies of one project are changed one at a time."""
    if not Project.objects.select_for_update(no_key=True).filter(pk=project.pk).exists():
        raise NotFoundError(f"project {project.name} not found")


def _tell(actor: SecurityContext, project: Project, policy: WebhookPolicy, operation: str) -> None:
    touch(project_key(project.name))
    publish(
        WebhookPolicyChanged(
            operator=actor.name,
            operation=operation,
            project_id=project.pk,
            project_name=project.name,
            policy_id=policy.pk,
            policy_name=policy.name,
        )
    )
