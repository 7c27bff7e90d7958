"""The dashboard of jobs: ``/jobservice`` and ``/schedules``."""

from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.executions import log_response
from apps.api.parameters import PAGED
from apps.api.shapes import Input, OptionalTimeField, Shape, TimeField, text
from apps.api.views import HarborView, ListRules
from apps.jobs import dashboard

SCHEDULES = ListRules(order=("id",))


class PoolShape(Shape):
    pid = serializers.IntegerField()
    worker_pool_id = serializers.CharField(source="id")
    start_at = TimeField()
    heartbeat_at = TimeField()
    concurrency = serializers.IntegerField()
    host = serializers.CharField()


class WorkerShape(Shape):
    id = serializers.CharField()
    pool_id = serializers.CharField()
    job_name = serializers.CharField()
    job_id = serializers.CharField()
    start_at = OptionalTimeField()
    check_in = serializers.CharField(default="")
    checkin_at = OptionalTimeField(default="")


class QueueShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"paused"})

    job_type = serializers.CharField()
    count = serializers.IntegerField()
    latency = serializers.IntegerField()
    paused = serializers.BooleanField()


class ScheduleTaskShape(Shape):
    id = serializers.IntegerField()
    vendor_type = serializers.CharField()
    vendor_id = serializers.IntegerField()
    cron = serializers.CharField()
    update_time = TimeField()


class PausedShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"paused"})

    paused = serializers.BooleanField()


class ActionInput(Input):
    action = text()


class PoolsView(HarborView):
    """``/jobservice/pools``."""

    answers = {"get": [PoolShape]}

    def get(self, _request: Request) -> Response:
        """The worker pools that are alive."""
        return Response(PoolShape(dashboard.dashboard_pools(actor=self.actor), many=True).data)


class WorkersView(HarborView):
    """``/jobservice/pools/{pool_id}/workers``."""

    answers = {"get": [WorkerShape]}

    def get(self, _request: Request, pool_id: str) -> Response:
        """The workers of a pool, or of all, with what they do."""
        found = dashboard.dashboard_hands(actor=self.actor, pool_id=pool_id)
        return Response(WorkerShape(found, many=True).data)


class JobView(HarborView):
    """``/jobservice/jobs/{job_id}``."""

    def put(self, _request: Request, job_id: str) -> Response:
        """Stop it; the only thing that can be asked, so that the body is not read."""
        dashboard.dashboard_job_stop(actor=self.actor, job_id=job_id)
        return Response()


class JobLogView(HarborView):
    """``/jobservice/jobs/{job_id}/log``."""

    def get(self, _request: Request, job_id: str) -> HttpResponse:
        """What it has written so far."""
        return log_response(dashboard.dashboard_job_log(actor=self.actor, job_id=job_id))


class QueuesView(HarborView):
    """``/jobservice/queues``."""

    answers = {"get": [QueueShape]}

    def get(self, _request: Request) -> Response:
        """Every queue."""
        return Response(QueueShape(dashboard.dashboard_queues(actor=self.actor), many=True).data)


class QueueView(HarborView):
    """``/jobservice/queues/{job_type}``."""

    takes = {"put": ActionInput}

    def put(self, _request: Request, job_type: str) -> Response:
        """Stop what waits in it, pause it, resume it."""
        action = self.read(ActionInput, name="action_request")["action"]
        dashboard.dashboard_queue_act(actor=self.actor, job_type=job_type, action=action)
        return Response()


class SchedulesView(HarborView):
    """``/schedules``."""

    asks = {"get": PAGED}
    answers = {"get": [ScheduleTaskShape]}

    def get(self, _request: Request) -> Response:
        """Every schedule."""
        rows = dashboard.dashboard_schedules(actor=self.actor)
        return self.list_response(rows, SCHEDULES, ScheduleTaskShape)


class SchedulesPausedView(HarborView):
    """``/schedules/{job_type}/paused``."""

    answers = {"get": PausedShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """Whether schedules begin nothing now."""
        paused = dashboard.dashboard_schedules_paused(actor=self.actor, job_type=self.kwargs["job_type"])
        return Response(PausedShape({"paused": paused}).data)
