"""Purges of the audit log: ``/system/purgeaudit``."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.executions import EXECUTIONS, ExecutionShape, ScheduledShape, ScheduleInput
from apps.api.parameters import LISTED
from apps.api.views import HarborView
from apps.audit import purge

TEXT = "text/plain; charset=utf-8"


class PurgesView(HarborView):
    """``/system/purgeaudit``."""

    asks = {"get": LISTED}
    answers = {"get": [ExecutionShape]}

    def get(self, _request: Request) -> Response:
        """The purges there were."""
        return self.list_response(purge.purge_list(actor=self.actor), EXECUTIONS, ExecutionShape)


class PurgeView(HarborView):
    """``/system/purgeaudit/{purge_id}``."""

    answers = {"get": ExecutionShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One purge."""
        found = purge.purge_get(actor=self.actor, execution_id=self.path_int("purge_id"))
        return Response(ExecutionShape(found).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Stop it."""
        purge.purge_stop(actor=self.actor, execution_id=self.path_int("purge_id"))
        return Response()


class PurgeLogView(HarborView):
    """``/system/purgeaudit/{purge_id}/log``."""

    def get(self, _request: Request, **_: Any) -> HttpResponse:
        """What it has written so far."""
        log = purge.purge_log(actor=self.actor, execution_id=self.path_int("purge_id"))
        return HttpResponse(log, content_type=TEXT)


class PurgeScheduleView(HarborView):
    """``/system/purgeaudit/schedule``."""

    takes = {"post": ScheduleInput, "put": ScheduleInput}
    answers = {"get": ScheduledShape}
    sends = {"post": ("Location",)}

    def get(self, _request: Request) -> Response:
        """The schedule; empty if there is none."""
        found = purge.purge_schedule(actor=self.actor)
        return Response({} if found is None else ScheduledShape(found).data)

    def post(self, _request: Request) -> Response:
        """Purge now, by a schedule, or by none any more; ``Location`` is that of the purge or the schedule."""
        execution_id = self._request_purge("create")
        place = "schedule" if execution_id is None else execution_id
        path = self.request.path.rpartition("/")[0]
        return Response(status=201, headers={"Location": f"{path}/{place}"})

    def put(self, _request: Request) -> Response:
        """The same."""
        self._request_purge("update")
        return Response()

    def _request_purge(self, action: str) -> int | None:
        values = self.read(ScheduleInput, name="schedule")
        begun = purge.purge_request(
            actor=self.actor,
            kind=values["schedule"]["type"],
            cron=values["schedule"]["cron"],
            parameters=values["parameters"],
            action=action,
        )
        return None if begun is None else begun.pk
