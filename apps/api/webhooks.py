"""Webhooks of a project: ``/projects/{project}/webhook``."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.executions import log_response
from apps.api.parameters import LISTED, Parameter
from apps.api.shapes import Input, OptionalTimeField, Shape, TimeField, flag, integer, text
from apps.api.views import HarborView, ListRules
from apps.common.errors import UnprocessableError
from apps.common.pagination import parse_int64
from apps.common.query import QueryField, read_bool, read_int, read_time
from apps.jobs.models import Execution, Task
from apps.jobs.types import Status, VendorType
from apps.projects.models import Project
from apps.webhooks import selectors, services
from apps.webhooks.models import WebhookPolicy
from apps.webhooks.types import EventType, NotifyType, PayloadFormat

POLICIES = ListRules(
    order=("-creation_time", "-id"),
    fields={
        "id": QueryField("id", read_int),
        "name": QueryField("name"),
        "enabled": QueryField("enabled", read_bool),
        "creator": QueryField("creator"),
        "creation_time": QueryField("creation_time", read_time),
        "update_time": QueryField("update_time", read_time),
    },
)
EXECUTIONS = ListRules(
    order=("-start_time", "-id"),
    fields={
        "id": QueryField("id", read_int),
        "vendor_type": QueryField("vendor_type"),
        "status": QueryField("status"),
        "trigger": QueryField("trigger"),
        "event_type": QueryField("extra_attrs__event_type", sortable=False),
        "start_time": QueryField("start_time", read_time),
        "end_time": QueryField("end_time", read_time),
    },
)
# Not by their start, which they get while somebody reads.
TASKS = ListRules(
    order=("-id",),
    fields={
        "id": QueryField("id", read_int),
        "status": QueryField("status"),
        "start_time": QueryField("start_time", read_time),
        "end_time": QueryField("end_time", read_time),
    },
)
_NO_USE = frozenset({"id", "project_id", "creator", "creation_time", "update_time"})
_NOTIFY_TYPES = {VendorType.WEBHOOK: NotifyType.HTTP, VendorType.SLACK: NotifyType.SLACK}
_METRICS = {
    f"{name}_task_count": status
    for name, status in (
        ("success", Status.SUCCESS),
        ("error", Status.ERROR),
        ("pending", Status.PENDING),
        ("running", Status.RUNNING),
        ("scheduled", Status.SCHEDULED),
        ("stopped", Status.STOPPED),
    )
}


class TargetShape(Shape):
    type = serializers.CharField()
    address = serializers.CharField()
    auth_header = serializers.CharField()
    skip_cert_verify = serializers.BooleanField()
    payload_format = serializers.CharField()


class PolicyShape(Shape):
    """``auth_header`` of its targets is there for those who may change it."""

    keep: ClassVar[frozenset[str]] = frozenset({"enabled"})

    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    project_id = serializers.IntegerField()
    targets = serializers.SerializerMethodField()
    event_types = serializers.ListField(child=serializers.CharField())
    creator = serializers.CharField()
    creation_time = TimeField()
    update_time = TimeField()
    enabled = serializers.BooleanField()

    @extend_schema_field(TargetShape(many=True))
    def get_targets(self, policy: WebhookPolicy) -> Any:
        """The targets, with their secrets or without."""
        targets = policy.targets_shown(with_secrets=self.context["sees_secrets"])
        return TargetShape(targets, many=True).data


class TargetInput(Input):
    type = text()
    address = text()
    auth_header = text()
    skip_cert_verify = flag()
    payload_format = text()


class PolicyInput(Input):
    """What we know ourselves is taken and has no use: clients send back what they have read."""

    id = integer()
    name = text()
    description = text()
    project_id = integer()
    targets = TargetInput(many=True, required=False, default=list)
    event_types = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    creator = text()
    creation_time = serializers.DateTimeField(required=False)
    update_time = serializers.DateTimeField(required=False)
    enabled = flag()


class MetricsShape(Shape):
    task_count = serializers.IntegerField()
    success_task_count = serializers.IntegerField()
    error_task_count = serializers.IntegerField()
    pending_task_count = serializers.IntegerField()
    running_task_count = serializers.IntegerField()
    scheduled_task_count = serializers.IntegerField()
    stopped_task_count = serializers.IntegerField()


class DeliveryShape(Shape):
    id = serializers.IntegerField()
    vendor_type = serializers.CharField()
    vendor_id = serializers.IntegerField()
    status = serializers.CharField()
    status_message = serializers.CharField()
    metrics = serializers.SerializerMethodField()
    trigger = serializers.CharField()
    extra_attrs = serializers.DictField()
    start_time = TimeField()
    end_time = OptionalTimeField()

    @extend_schema_field(MetricsShape)
    def get_metrics(self, execution: Execution) -> Any:
        """How many tasks it has by status."""
        counts: dict[str, int] = self.context["counts"][execution.pk]
        values = {name: counts.get(status, 0) for name, status in _METRICS.items()}
        return MetricsShape(values | {"task_count": sum(counts.values())}).data


class DeliveryTaskShape(Shape):
    id = serializers.IntegerField()
    execution_id = serializers.IntegerField()
    status = serializers.CharField()
    status_message = serializers.CharField()
    run_count = serializers.SerializerMethodField()
    extra_attrs = serializers.DictField()
    creation_time = TimeField()
    update_time = TimeField()
    start_time = OptionalTimeField()
    end_time = OptionalTimeField()

    def get_run_count(self, task: Task) -> int:
        """How often it has been begun."""
        return task.attempts + task.losses + (1 if task.start_time else 0)


class JobShape(Shape):
    id = serializers.IntegerField()
    policy_id = serializers.IntegerField(source="vendor_id")
    event_type = serializers.SerializerMethodField()
    notify_type = serializers.SerializerMethodField()
    status = serializers.CharField()
    job_detail = serializers.SerializerMethodField()
    creation_time = TimeField(source="start_time")
    update_time = TimeField()

    def get_event_type(self, execution: Execution) -> str:
        """What was told."""
        return str(execution.extra_attrs.get("event_type", ""))

    def get_notify_type(self, execution: Execution) -> str:
        """How it was told."""
        return _NOTIFY_TYPES[VendorType(execution.vendor_type)]

    def get_job_detail(self, execution: Execution) -> str:
        """What was sent."""
        return str(execution.extra_attrs.get("payload", ""))


class TriggerShape(Shape):
    policy_name = serializers.CharField()
    event_type = serializers.CharField()
    enabled = serializers.BooleanField()
    creation_time = TimeField()
    last_trigger_time = TimeField()


class FormatsShape(Shape):
    notify_type = serializers.CharField()
    formats = serializers.ListField(child=serializers.CharField())


class EventTypesShape(Shape):
    event_type = serializers.ListField(child=serializers.CharField())
    notify_type = serializers.ListField(child=serializers.CharField())
    payload_formats = FormatsShape(many=True)


class _WebhookView(HarborView):
    @property
    def policy_id(self) -> int:
        """The policy of the path."""
        return self.path_int("webhook_policy_id")

    def values(self) -> dict[str, Any]:
        """The policy of the request, as the services take it."""
        values = self.read(PolicyInput, name="policy")
        return {name: value for name, value in values.items() if name not in _NO_USE}

    def secrets(self, project: Project) -> dict[str, Any]:
        """The context of :class:`PolicyShape`."""
        return {"sees_secrets": selectors.sees_secrets(actor=self.actor, project=project)}


def _counted(rows: Sequence[Execution]) -> dict[str, Any]:
    return {"counts": selectors.task_counts(rows)}


class PoliciesView(_WebhookView):
    """``/projects/{project_name_or_id}/webhook/policies``."""

    asks = {"get": LISTED}
    takes = {"post": PolicyInput}
    answers = {"get": [PolicyShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """The policies of the project."""
        project = self.project(resource=selectors.RESOURCE, action="list")
        rows = selectors.webhook_policy_list(actor=self.actor, project=project)
        return self.list_response(rows, POLICIES, PolicyShape, batch=lambda _rows: self.secrets(project))

    def post(self, _request: Request, **_: Any) -> Response:
        """A new policy."""
        project = self.project(resource=selectors.RESOURCE, action="create")
        policy = services.webhook_policy_create(actor=self.actor, project=project, **self.values())
        return self.created(policy.pk)


class PolicyView(_WebhookView):
    """``/projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}``."""

    takes = {"put": PolicyInput}
    answers = {"get": PolicyShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One policy."""
        project = self.project(resource=selectors.RESOURCE, action="read")
        policy = selectors.webhook_policy_get(actor=self.actor, project=project, policy_id=self.policy_id)
        return Response(PolicyShape(policy, context=self.secrets(project)).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Replace it."""
        project = self.project(resource=selectors.RESOURCE, action="update")
        services.webhook_policy_update(
            actor=self.actor, project=project, policy_id=self.policy_id, **self.values()
        )
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Delete it, with its history."""
        project = self.project(resource=selectors.RESOURCE, action="delete")
        services.webhook_policy_delete(actor=self.actor, project=project, policy_id=self.policy_id)
        return Response()


class PolicyTestView(_WebhookView):
    """``/projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/test``, beyond Harbor."""

    answers = {"post": [DeliveryShape]}
    statuses = {"post": 202}

    def post(self, _request: Request, **_: Any) -> Response:
        """Send an event that did not happen to each target; the executions that do it."""
        project = self.project(resource=selectors.RESOURCE, action="update")
        begun = services.webhook_policy_test(actor=self.actor, project=project, policy_id=self.policy_id)
        return Response(DeliveryShape(begun, many=True, context=_counted(begun)).data, status=202)


class ExecutionsView(_WebhookView):
    """``/projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/executions``."""

    asks = {"get": LISTED}
    answers = {"get": [DeliveryShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """What the policy has sent and has to send."""
        project = self.project(resource=selectors.RESOURCE, action="read")
        rows = selectors.webhook_execution_list(actor=self.actor, project=project, policy_id=self.policy_id)
        return self.list_response(rows, EXECUTIONS, DeliveryShape, batch=_counted)


class TasksView(_WebhookView):
    """``/projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/executions/{execution_id}/tasks``."""

    asks = {"get": LISTED}
    answers = {"get": [DeliveryTaskShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """The task of a delivery."""
        rows = selectors.webhook_task_list(
            actor=self.actor,
            project=self.project(resource=selectors.RESOURCE, action="read"),
            policy_id=self.policy_id,
            execution_id=self.path_int("execution_id"),
        )
        return self.list_response(rows, TASKS, DeliveryTaskShape)


class TaskLogView(_WebhookView):
    """``/projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/executions/{execution_id}/tasks/{task_id}/log``."""

    def get(self, _request: Request, **_: Any) -> HttpResponse:
        """What a delivery has written so far."""
        log = selectors.webhook_task_log(
            actor=self.actor,
            project=self.project(resource=selectors.RESOURCE, action="read"),
            policy_id=self.policy_id,
            execution_id=self.path_int("execution_id"),
            task_id=self.path_int("task_id"),
        )
        return log_response(log)


class LastTriggerView(_WebhookView):
    """``/projects/{project_name_or_id}/webhook/lasttrigger``."""

    answers = {"get": [TriggerShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """When each event was last told."""
        project = self.project(resource=selectors.RESOURCE, action="read")
        found = selectors.webhook_last_triggers(actor=self.actor, project=project)
        return Response(TriggerShape(found, many=True).data)


class EventTypesView(_WebhookView):
    """``/projects/{project_name_or_id}/webhook/events``."""

    answers = {"get": EventTypesShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """Which events there are, and how they can be told."""
        project = self.project(resource=selectors.RESOURCE, action="read")
        selectors.webhook_events_require(actor=self.actor, project=project)
        found = {
            "event_type": list(EventType),
            "notify_type": list(NotifyType),
            "payload_formats": [{"notify_type": NotifyType.HTTP, "formats": list(PayloadFormat)}],
        }
        return Response(EventTypesShape(found).data)


class JobsView(_WebhookView):
    """``/projects/{project_name_or_id}/webhook/jobs``."""

    asks = {
        "get": (
            *LISTED,
            Parameter(name="policy_id", kind="integer", required=True, description="Of which policy."),
            Parameter(name="status", many=True, description="Only those in one of these."),
        )
    }
    answers = {"get": [JobShape]}

    def get(self, request: Request, **_: Any) -> Response:
        """What a policy has sent and has to send, as older clients ask for it."""
        asked = request.query_params.get("policy_id", "")
        if not asked:
            raise UnprocessableError("policy_id in query is required")
        rows = selectors.webhook_execution_list(
            actor=self.actor,
            project=self.project(resource=selectors.RESOURCE, action="list"),
            policy_id=parse_int64(asked, name="policy_id", place="query"),
            action="list",
        )
        statuses = [one for text in request.query_params.getlist("status") for one in text.split(",") if one]
        if statuses:
            rows = rows.filter(status__in=statuses)
        return self.list_response(rows, EXECUTIONS, JobShape)
