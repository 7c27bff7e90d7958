"""Garbage collection: ``/system/gc``."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.executions import EXECUTIONS, ExecutionShape, ScheduledShape, ScheduleInput
from apps.api.parameters import LISTED
from apps.api.views import HarborView
from apps.gc import selectors, services

TEXT = "text/plain; charset=utf-8"


class CollectionsView(HarborView):
    """``/system/gc``."""

    asks = {"get": LISTED}
    answers = {"get": [ExecutionShape]}

    def get(self, _request: Request) -> Response:
        """The collections there were."""
        return self.list_response(selectors.collection_list(actor=self.actor), EXECUTIONS, ExecutionShape)


class CollectionView(HarborView):
    """``/system/gc/{gc_id}``."""

    answers = {"get": ExecutionShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One collection."""
        found = selectors.collection_get(actor=self.actor, collection_id=self.path_int("gc_id"))
        return Response(ExecutionShape(found).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Stop it."""
        services.collection_stop(actor=self.actor, collection_id=self.path_int("gc_id"))
        return Response()


class CollectionLogView(HarborView):
    """``/system/gc/{gc_id}/log``."""

    def get(self, _request: Request, **_: Any) -> HttpResponse:
        """What it has written so far."""
        log = selectors.collection_log(actor=self.actor, collection_id=self.path_int("gc_id"))
        return HttpResponse(log, content_type=TEXT)


class CollectionScheduleView(HarborView):
    """``/system/gc/schedule``."""

    takes = {"post": ScheduleInput, "put": ScheduleInput}
    answers = {"get": ScheduledShape}
    sends = {"post": ("Location",)}

    def get(self, _request: Request) -> Response:
        """The schedule; empty if there is none."""
        found = selectors.collection_schedule(actor=self.actor)
        return Response({} if found is None else ScheduledShape(found).data)

    def post(self, _request: Request) -> Response:
        """Collect now, by a schedule, or by none any more; ``Location`` is that of the collection or the schedule."""
        collection_id = self._request_collection("create")
        place = "schedule" if collection_id is None else collection_id
        path = self.request.path.rpartition("/")[0]
        return Response(status=201, headers={"Location": f"{path}/{place}"})

    def put(self, _request: Request) -> Response:
        """The same."""
        self._request_collection("update")
        return Response()

    def _request_collection(self, action: str) -> int | None:
        values = self.read(ScheduleInput, name="schedule")
        begun = services.collection_request(
            actor=self.actor,
            kind=values["schedule"]["type"],
            cron=values["schedule"]["cron"],
            parameters=values["parameters"],
            action=action,
        )
        return None if begun is None else begun.pk
