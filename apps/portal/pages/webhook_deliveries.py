"""What a webhook has sent and has to send."""

import json
from collections.abc import Mapping
from typing import Any

from django.urls import path
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from apps.jobs.logs import log_text
from apps.jobs.models import Execution, Task
from apps.jobs.types import Status, VendorType
from apps.portal.executions import (
    EXECUTIONS,
    LOG_SHOWN,
    ExecutionRow,
    LogFragment,
    LogView,
    executions_part,
)
from apps.portal.lists import TablePage, table_page
from apps.portal.live import LiveMixin, Part
from apps.portal.navigation import Text
from apps.portal.pages.webhooks import NOTIFY_TYPES, ROOT, WebhooksBase, event_name
from apps.portal.templatetags.portal import moment
from apps.webhooks.selectors import (
    RESOURCE,
    sees_secrets,
    task_of_each,
    webhook_execution_get,
    webhook_execution_list,
)
from apps.webhooks.types import NotifyType

_TYPES = {
    VendorType.WEBHOOK: NOTIFY_TYPES[NotifyType.HTTP],
    VendorType.SLACK: NOTIFY_TYPES[NotifyType.SLACK],
}


def _event(execution: Execution) -> str:
    return event_name(str(execution.extra_attrs.get("event_type", "")))


def _attempts(task: Task | None) -> int:
    """How often it was begun. ``attempts`` counts those failures after which it was to be tried again."""
    if task is None:
        return 0
    is_begun = task.status in {Status.RUNNING, Status.SUCCESS, Status.ERROR}
    return task.attempts + (1 if is_begun else 0)


def _next_attempt(task: Task | None) -> object:
    """When it is tried again, if it failed before and waits."""
    if task is None or not task.attempts or task.status not in {Status.PENDING, Status.SCHEDULED}:
        return "-"
    return moment(task.due_time)


class PolicyPage(LiveMixin, WebhooksBase):
    """``…/webhook/POLICY``: the policy and its deliveries."""

    template = "portal/webhook.html"
    page: TablePage[Execution]

    def part(self) -> Part:
        """The deliveries."""
        rows = webhook_execution_list(
            actor=self.actor, project=self.project, policy_id=self.kwargs["policy_id"]
        )
        self.page = table_page(self.request, rows, EXECUTIONS)
        tasks = task_of_each(self.page.rows)
        lines = []
        for execution in self.page.rows:
            task = tasks.get(execution.pk)
            lines.append(
                ExecutionRow(
                    work=execution,
                    url=self.url("delivery", execution.vendor_id, execution.pk),
                    cells=[
                        _event(execution),
                        _TYPES[VendorType(execution.vendor_type)],
                        _attempts(task),
                        _next_attempt(task),
                    ],
                )
            )
        heads: list[Text] = [_("Event"), _("Type"), _("Attempts"), _("Next attempt")]
        return executions_part(lines, page=self.page, heads=heads)

    def part_url(self) -> str:
        """See :class:`LiveMixin`."""
        return self.url("live", self.kwargs["policy_id"])

    def around(self) -> Mapping[str, Any]:
        """What the policy says."""
        policy = self.policy
        return {
            "title": policy.name,
            "policy": policy,
            "targets": [
                (target, bool(stored["auth_header"]))
                for target, stored in zip(
                    policy.targets_shown(with_secrets=False), policy.targets, strict=True
                )
            ],
            "events": [event_name(one) for one in policy.event_types],
            "page": self.page,
            "list_url": self.list_url(),
            "sees_header": sees_secrets(actor=self.actor, project=self.project),
            "may_update": self.may(RESOURCE, "update"),
        }


class DeliveryPage(LogFragment, WebhooksBase):
    """``…/webhook/POLICY/executions/EXECUTION``: one delivery, which has one task."""

    @cached_property
    def execution(self) -> Execution:
        """It; raises :class:`NotFoundError`."""
        return webhook_execution_get(
            actor=self.actor,
            project=self.project,
            policy_id=self.kwargs["policy_id"],
            execution_id=self.kwargs["execution_id"],
        )

    def log(self) -> LogView:
        """See :class:`LogFragment`."""
        execution = self.execution
        task = task_of_each([execution]).get(execution.pk)
        policy = execution.vendor_id
        api = f"/api/v2.0/projects/{self.project.pk}/webhook/policies/{policy}/executions/{execution.pk}"
        return LogView(
            work=execution,
            text="" if task is None else log_text(task_ids=[task.pk], most=LOG_SHOWN),
            facts=[
                (_("Event"), _event(execution)),
                (_("Type"), _TYPES[VendorType(execution.vendor_type)]),
                (_("Attempts"), _attempts(task)),
                (_("Next attempt"), _next_attempt(task)),
            ],
            whole_url="" if task is None else f"{api}/tasks/{task.pk}/log",
        )

    def part(self) -> Part:
        """With what is sent."""
        part = super().part()
        payload = str(self.execution.extra_attrs.get("payload", ""))
        return Part(
            template="portal/parts/webhook_delivery.html",
            context={**part.context, "payload": _indented(payload)},
            is_finished=part.is_finished,
        )

    def part_url(self) -> str:
        """See :class:`LiveMixin`."""
        return self.url("delivery-live", self.kwargs["policy_id"], self.kwargs["execution_id"])

    def around(self) -> Mapping[str, Any]:
        """See :class:`LiveMixin`."""
        return {
            "title": _("Delivery %(number)d") % {"number": self.execution.pk},
            "back": self.policy.name,
            "back_url": self.policy_url(),
        }


def _indented(payload: str) -> str:
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except ValueError:
        return payload


_POLICY = f"{ROOT}/<int:policy_id>"
_DELIVERY = f"{_POLICY}/executions/<int:execution_id>"

urlpatterns = [
    path(_POLICY, PolicyPage.as_view(), name="project-webhook"),
    path(f"{_POLICY}/live", PolicyPage.as_view(is_part=True), name="project-webhook-live"),
    path(_DELIVERY, DeliveryPage.as_view(), name="project-webhook-delivery"),
    path(f"{_DELIVERY}/live", DeliveryPage.as_view(is_part=True), name="project-webhook-delivery-live"),
]
