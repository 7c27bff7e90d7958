"""Retention of tags: ``/retentions``."""

from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.executions import log_response
from apps.api.immutable import SelectorInput, SelectorShape
from apps.api.parameters import Parameter
from apps.api.shapes import Input, Shape, TimeField, flag, integer, text
from apps.api.views import HarborView, ListRules
from apps.common.errors import BadRequestError
from apps.common.name_selectors import KIND, REPOSITORY_DECORATIONS, TAG_DECORATIONS
from apps.jobs.logs import log_text
from apps.jobs.models import Execution, Task
from apps.jobs.types import Status
from apps.retention.selectors import (
    ScheduledPolicy,
    policy_get,
    retention_execution_list,
    retention_task_get,
    retention_task_list,
)
from apps.retention.services import (
    policy_create,
    policy_delete,
    policy_update,
    retention_execute,
    retention_execution_operate,
)
from apps.retention.types import ACTION, ALGORITHM, LEVEL, TEMPLATES, TRIGGER

# Without a size every row comes.
PAGED = (
    Parameter(name="page", kind="integer", description="Counts from 1."),
    Parameter(name="page_size", kind="integer", description="Without it every row comes."),
)
_CODES: dict[str, int] = {Status.PENDING: 0, Status.SCHEDULED: 1, Status.RUNNING: 2}
_OVER = 3
EXECUTIONS = ListRules(order=("-start_time", "-id"), default_size=0)
TASKS = ListRules(order=("-id",), default_size=0)


class RetentionParamMetadataShape(Shape):
    type = serializers.CharField()
    unit = serializers.CharField()
    required = serializers.BooleanField()  # type: ignore[assignment] # hides an attribute of the same name


class RetentionTemplateShape(Shape):
    lists: ClassVar[frozenset[str]] = frozenset({"params"})

    rule_template = serializers.CharField()
    display_text = serializers.CharField()
    action = serializers.CharField()
    params = RetentionParamMetadataShape(many=True)


class RetentionSelectorMetadataShape(Shape):
    display_text = serializers.CharField()
    kind = serializers.CharField()
    decorations = serializers.ListField(child=serializers.CharField())


class RetentionMetadataShape(Shape):
    templates = RetentionTemplateShape(many=True)
    scope_selectors = RetentionSelectorMetadataShape(many=True)
    tag_selectors = RetentionSelectorMetadataShape(many=True)


_METADATA = {
    "templates": [
        {
            "rule_template": template.kind,
            "display_text": template.text,
            "action": ACTION,
            "params": [{"type": "int", "unit": template.unit, "required": True}] if template.unit else [],
        }
        for template in TEMPLATES.values()
    ],
    "scope_selectors": [
        {"display_text": "Repositories", "kind": KIND, "decorations": list(REPOSITORY_DECORATIONS)}
    ],
    "tag_selectors": [{"display_text": "Tags", "kind": KIND, "decorations": list(TAG_DECORATIONS)}],
}


class RetentionRuleShape(Shape):
    id = serializers.IntegerField()
    priority = serializers.IntegerField()
    disabled = serializers.BooleanField()
    action = serializers.CharField()
    template = serializers.CharField()
    params = serializers.DictField(child=serializers.IntegerField())
    tag_selectors = SelectorShape(many=True)
    scope_selectors = serializers.DictField(child=SelectorShape(many=True))


class RetentionTriggerShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"settings", "references"})

    kind = serializers.CharField()
    settings = serializers.DictField()
    references = serializers.DictField()


class RetentionScopeShape(Shape):
    level = serializers.CharField()
    ref = serializers.IntegerField()


class RetentionPolicyShape(Shape):
    lists: ClassVar[frozenset[str]] = frozenset({"rules"})

    id = serializers.IntegerField()
    algorithm = serializers.CharField()
    rules = RetentionRuleShape(many=True)
    trigger = RetentionTriggerShape()
    scope = RetentionScopeShape()

    def to_representation(self, instance: ScheduledPolicy) -> dict[str, Any]:
        """The policy with its schedule as a dictionary."""
        schedule = instance.schedule
        settings: dict[str, Any] = {"cron": schedule.cron if schedule else ""}
        if schedule is not None:
            settings["next_scheduled_time"] = TimeField().to_representation(schedule.next_time)
        return super().to_representation(
            {
                "id": instance.policy.pk,
                "algorithm": ALGORITHM,
                "rules": instance.policy.rules,
                "trigger": {
                    "kind": TRIGGER,
                    "settings": settings,
                    "references": {"job_id": schedule.pk} if schedule else {},
                },
                "scope": {"level": LEVEL, "ref": instance.policy.project_id},
            }
        )


class RetentionExecutionShape(Shape):
    id = serializers.IntegerField()
    policy_id = serializers.IntegerField(source="vendor_id")
    start_time = TimeField()
    end_time = TimeField()
    status = serializers.CharField()
    trigger = serializers.CharField()
    dry_run = serializers.SerializerMethodField()

    def get_dry_run(self, execution: Execution) -> bool:
        """Whether nothing is deleted."""
        return execution.extra_attrs.get("dry_run") is True


class RetentionTaskShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"status_code", "total", "retained"})

    id = serializers.IntegerField()
    execution_id = serializers.IntegerField()
    repository = serializers.SerializerMethodField()
    job_id = serializers.CharField(source="pk")
    status = serializers.CharField()
    status_code = serializers.SerializerMethodField()
    status_revision = serializers.IntegerField(source="revision")
    start_time = TimeField()
    end_time = TimeField()
    total = serializers.SerializerMethodField()
    retained = serializers.SerializerMethodField()

    def get_repository(self, task: Task) -> str:
        """Its name without the project."""
        return str(task.extra_attrs["repository"])

    def get_status_code(self, task: Task) -> int:
        """0 waits, 1 was given to a worker, 2 runs, 3 is over."""
        return _CODES.get(task.status, _OVER)

    def get_total(self, task: Task) -> int:
        """Artifacts that it decided on."""
        return int(task.extra_attrs.get("total", 0))

    def get_retained(self, task: Task) -> int:
        """Those of them that stayed."""
        return int(task.extra_attrs.get("retained", 0))


class RetentionRuleInput(Input):
    """What a rule says is the app's to check."""

    id = integer()
    priority = integer()
    disabled = flag()
    action = text()
    template = text()
    params = serializers.DictField(child=serializers.JSONField(), required=False, default=dict)
    tag_selectors = SelectorInput(many=True, required=False, default=list)
    scope_selectors = serializers.DictField(child=SelectorInput(many=True), required=False, default=dict)


class RetentionTriggerInput(Input):
    kind = text(default=TRIGGER)
    settings = serializers.DictField(required=False, default=dict)
    references = serializers.DictField(required=False, default=dict)

    def validate_kind(self, value: str) -> str:
        """Nothing else begins a run by itself."""
        if value not in ("", TRIGGER):
            raise BadRequestError(f"the kind of a retention policy's trigger is {TRIGGER}")
        return value

    def validate_settings(self, value: dict[str, Any]) -> dict[str, Any]:
        """``cron`` has to be a text."""
        if not isinstance(value.get("cron") or "", str):
            raise BadRequestError("the cron of a retention policy's trigger must be a text")
        return value


class RetentionScopeInput(Input):
    level = text()
    ref = integer()

    def validate_level(self, value: str) -> str:
        """A policy is of a project."""
        if value != LEVEL:
            raise BadRequestError(f"the level of a retention policy's scope is {LEVEL}")
        return value


class RetentionPolicyInput(Input):
    id = integer()
    algorithm = text(default=ALGORITHM)
    rules = RetentionRuleInput(many=True, required=False, default=list)
    trigger = RetentionTriggerInput(required=False, default=dict)
    scope = RetentionScopeInput(required=False, default=dict)

    def validate_algorithm(self, value: str) -> str:
        """What one rule keeps is kept."""
        if value not in ("", ALGORITHM):
            raise BadRequestError(f"the algorithm of a retention policy is {ALGORITHM}")
        return value


class RetentionRunInput(Input):
    dry_run = flag()


class RetentionOperationInput(Input):
    action = text()


class RetentionMetadataView(HarborView):
    """``/retentions/metadatas``."""

    answers = {"get": RetentionMetadataShape}

    def get(self, _request: Request) -> Response:
        """What rules can say."""
        return Response(RetentionMetadataShape(_METADATA).data)


class _PolicyBase(HarborView):
    def values(self) -> dict[str, Any]:
        """The policy of the request, as the services take it."""
        values = self.read(RetentionPolicyInput, name="policy")
        settings = values["trigger"].get("settings") or {}
        return {
            "project_id": values["scope"].get("ref", 0),
            "rules": values["rules"],
            "cron": settings.get("cron") or "",
        }


class RetentionsView(_PolicyBase):
    """``/retentions``."""

    takes = {"post": RetentionPolicyInput}

    def post(self, _request: Request) -> Response:
        """Give a project its policy."""
        self.require_signed_in()
        return self.created(policy_create(actor=self.actor, **self.values()).pk)


class RetentionView(_PolicyBase):
    """``/retentions/{id}``."""

    takes = {"put": RetentionPolicyInput}
    answers = {"get": RetentionPolicyShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """The policy."""
        return Response(
            RetentionPolicyShape(policy_get(actor=self.actor, policy_id=self.path_int("id"))).data
        )

    def put(self, _request: Request, **_: Any) -> Response:
        """Replace its rules and its schedule."""
        self.require_signed_in()
        policy_update(actor=self.actor, policy_id=self.path_int("id"), **self.values())
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Delete it with its history."""
        policy_delete(actor=self.actor, policy_id=self.path_int("id"))
        return Response()


class RetentionExecutionsView(HarborView):
    """``/retentions/{id}/executions``."""

    asks = {"get": PAGED}
    takes = {"post": RetentionRunInput}
    answers = {"get": [RetentionExecutionShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """The runs there were."""
        rows = retention_execution_list(actor=self.actor, policy_id=self.path_int("id"))
        return self.list_response(rows, EXECUTIONS, RetentionExecutionShape)

    def post(self, _request: Request, **_: Any) -> Response:
        """Run it now."""
        self.require_signed_in()
        values = self.read(RetentionRunInput, name="body")
        begun = retention_execute(actor=self.actor, policy_id=self.path_int("id"), dry_run=values["dry_run"])
        return self.created(begun.pk)


class RetentionExecutionView(HarborView):
    """``/retentions/{id}/executions/{eid}``."""

    takes = {"patch": RetentionOperationInput}

    def patch(self, _request: Request, **_: Any) -> Response:
        """Stop it."""
        self.require_signed_in()
        action = self.read(RetentionOperationInput, name="body")["action"]
        retention_execution_operate(
            actor=self.actor, policy_id=self.path_int("id"), execution_id=self.path_int("eid"), action=action
        )
        return Response()


class RetentionTasksView(HarborView):
    """``/retentions/{id}/executions/{eid}/tasks``."""

    asks = {"get": PAGED}
    answers = {"get": [RetentionTaskShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """The repositories of a run."""
        rows = retention_task_list(
            actor=self.actor, policy_id=self.path_int("id"), execution_id=self.path_int("eid")
        )
        return self.list_response(rows, TASKS, RetentionTaskShape)


class RetentionTaskLogView(HarborView):
    """``/retentions/{id}/executions/{eid}/tasks/{tid}``."""

    def get(self, _request: Request, **_: Any) -> HttpResponse:
        """What it has written so far."""
        task = retention_task_get(
            actor=self.actor,
            policy_id=self.path_int("id"),
            execution_id=self.path_int("eid"),
            task_id=self.path_int("tid"),
        )
        return log_response(log_text(task_ids=[task.pk]))
