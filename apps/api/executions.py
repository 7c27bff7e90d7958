"""What the API shows of work that administrators begin or schedule: collections, purges."""

from typing import Any

import orjson
from rest_framework import serializers

from apps.api.shapes import NEVER, Input, Shape, TimeField, integer, text
from apps.api.views import ListRules
from apps.common.query import QueryField, read_int, read_time
from apps.jobs.models import Execution, Schedule
from apps.jobs.types import ScheduleType, Trigger

EXECUTIONS = ListRules(
    order=("-start_time", "-id"),
    fields={
        "id": QueryField("id", read_int),
        "status": QueryField("status"),
        "trigger": QueryField("trigger"),
        "creation_time": QueryField("start_time", read_time),
        "start_time": QueryField("start_time", read_time),
        "update_time": QueryField("update_time", read_time),
        "end_time": QueryField("end_time", read_time),
    },
)

# As the description names what began it: "Schedule" only in a history.
_TYPES = {Trigger.MANUAL: "Manual", Trigger.SCHEDULE: "Schedule"}


class ScheduleShape(Shape):
    type = serializers.CharField()
    cron = serializers.CharField()
    next_scheduled_time = TimeField()


class JobShape(Shape):
    """An execution, or the schedule of such; ``job_parameters`` is JSON in a string."""

    id = serializers.IntegerField()
    job_name = serializers.CharField()
    job_kind = serializers.CharField()
    job_parameters = serializers.CharField()
    schedule = ScheduleShape()
    job_status = serializers.CharField()
    deleted = serializers.BooleanField()
    creation_time = TimeField()
    update_time = TimeField()


class ExecutionShape(JobShape):
    """An execution as a row of a history."""

    def to_representation(self, instance: Execution) -> dict[str, Any]:
        """The execution as a dictionary."""
        kind = _TYPES.get(Trigger(instance.trigger), "")
        return super().to_representation(
            {
                "id": instance.pk,
                "job_name": instance.vendor_type,
                "job_kind": instance.trigger,
                "job_parameters": _json(instance.extra_attrs),
                "schedule": {"type": kind, "cron": "", "next_scheduled_time": NEVER},
                "job_status": instance.status,
                "deleted": False,
                "creation_time": instance.start_time,
                "update_time": instance.update_time,
            }
        )


class ScheduledShape(JobShape):
    """The schedule of something."""

    def to_representation(self, instance: Schedule) -> dict[str, Any]:
        """The schedule as a dictionary."""
        return super().to_representation(
            {
                "id": instance.pk,
                "job_name": instance.vendor_type,
                "job_kind": instance.cron_type,
                "job_parameters": _json(instance.parameters),
                "schedule": {
                    "type": instance.cron_type,
                    "cron": instance.cron,
                    "next_scheduled_time": instance.next_time,
                },
                "job_status": "",
                "deleted": False,
                "creation_time": instance.creation_time,
                "update_time": instance.update_time,
            }
        )


class PlanInput(Input):
    type = text(default=ScheduleType.NONE.value)
    cron = text()
    next_scheduled_time = text()


class ScheduleInput(Input):
    """``{schedule: {type, cron}, parameters: {…}}``; the rest comes back from clients that send what they got."""

    id = integer()
    status = text()
    creation_time = text()
    update_time = text()
    schedule = PlanInput(required=False, default={"type": ScheduleType.NONE.value, "cron": ""})
    parameters = serializers.DictField(required=False, default=dict)


def _json(values: dict[str, Any]) -> str:
    return orjson.dumps(values).decode()
