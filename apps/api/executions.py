"""Work that administrators begin or schedule, such as collections and purges: its shapes and its views."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import LISTED
from apps.api.shapes import NEVER, Input, Shape, TimeField, integer, text
from apps.api.views import HarborView, ListRules
from apps.audit.purge import PURGED_ROWS
from apps.common.query import QueryField, read_int, read_time
from apps.jobs.models import Execution, Schedule
from apps.jobs.system import SystemWork
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

# Harbor tells results of collections only, and a purge's parameters as they were sent.
_UNTOLD = frozenset({PURGED_ROWS})
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
                "job_parameters": _json(
                    {name: value for name, value in instance.extra_attrs.items() if name not in _UNTOLD}
                ),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One kind of work as its views need it: its reads, what begins and what stops it.

    ``request`` takes ``actor``, ``kind``, ``cron``, ``parameters`` and ``action``, ``stop`` takes ``actor`` and
    ``execution_id``; ``id_name`` is what the path calls the latter.
    """

    reads: SystemWork
    request: Callable[..., Execution | None]
    stop: Callable[..., None]
    id_name: str


class WorkListView(HarborView):
    """The executions of a kind of work."""

    work: ClassVar[Work]
    asks = {"get": LISTED}
    answers = {"get": [ExecutionShape]}

    def get(self, _request: Request) -> Response:
        """What has run, and what runs."""
        return self.list_response(self.work.reads.executions(actor=self.actor), EXECUTIONS, ExecutionShape)


class WorkView(HarborView):
    """One execution."""

    work: ClassVar[Work]
    answers = {"get": ExecutionShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One execution."""
        execution_id = self.path_int(self.work.id_name)
        return Response(
            ExecutionShape(self.work.reads.execution(actor=self.actor, execution_id=execution_id)).data
        )

    def put(self, _request: Request, **_: Any) -> Response:
        """Stop it."""
        self.work.stop(actor=self.actor, execution_id=self.path_int(self.work.id_name))
        return Response()


class WorkLogView(HarborView):
    """The log of an execution."""

    work: ClassVar[Work]

    def get(self, _request: Request, **_: Any) -> HttpResponse:
        """What it has written so far."""
        execution_id = self.path_int(self.work.id_name)
        return log_response(self.work.reads.log(actor=self.actor, execution_id=execution_id))


class WorkScheduleView(HarborView):
    """When a kind of work runs by itself."""

    work: ClassVar[Work]
    takes = {"post": ScheduleInput, "put": ScheduleInput}
    answers = {"get": ScheduledShape}
    sends = {"post": ("Location",)}

    def get(self, _request: Request) -> Response:
        """The schedule; empty if there is none."""
        found = self.work.reads.schedule(actor=self.actor)
        return Response({} if found is None else ScheduledShape(found).data)

    def post(self, _request: Request) -> Response:
        """Run it now, by a schedule, or by none any more; ``Location`` is that of the execution or the schedule."""
        begun = self._begin("create")
        place = "schedule" if begun is None else begun.pk
        path = self.request.path.rpartition("/")[0]
        return Response(status=201, headers={"Location": f"{path}/{place}"})

    def put(self, _request: Request) -> Response:
        """The same."""
        self._begin("update")
        return Response()

    def _begin(self, action: str) -> Execution | None:
        values = self.read(ScheduleInput, name="schedule")
        return self.work.request(
            actor=self.actor,
            kind=values["schedule"]["type"],
            cron=values["schedule"]["cron"],
            parameters=values["parameters"],
            action=action,
        )


def log_response(text: str) -> HttpResponse:
    """A log as it is."""
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def _json(values: dict[str, Any]) -> str:
    return orjson.dumps(values).decode()
