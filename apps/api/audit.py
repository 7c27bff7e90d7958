"""The audit log: ``/auditlog-exts``, the older ``/audit-logs``, and both of one project."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.security import require_system
from apps.api.parameters import LISTED
from apps.api.shapes import Shape, TimeField
from apps.api.views import HarborView, ListRules
from apps.audit.models import AuditLog
from apps.audit.selectors import audit_list
from apps.audit.types import EVENT_TYPES
from apps.common.query import QueryField, read_bool, read_int, read_time

# Sorted only by what has an index: to sort ten million rows for one page would take seconds.
AUDIT = ListRules(
    order=("-op_time", "-id"),
    ties=("op_time", "id"),
    fields={
        "id": QueryField("id", read_int),
        "username": QueryField("username"),
        "resource": QueryField("resource", sortable=False),
        "resource_type": QueryField("resource_type", sortable=False),
        "operation": QueryField("operation", sortable=False),
        "operation_description": QueryField("operation_description", sortable=False),
        "operation_result": QueryField("operation_result", read_bool, sortable=False),
        "op_time": QueryField("op_time", read_time),
        "project_id": QueryField("project_id", read_int, sortable=False),
        "address": QueryField("address", sortable=False),
        "method": QueryField("method", sortable=False),
        "credential": QueryField("credential", sortable=False),
    },
    # The log grows without bound: "every row" would be an answer without bound.
    most_rows=1000,
)

# What the older lists knew: changes of projects and what is in them, that were done.
_OLDER_TYPES = ("artifact", "project", "repository", "tag")


class OlderAuditShape(Shape):
    id = serializers.IntegerField()
    username = serializers.CharField()
    resource = serializers.CharField()
    resource_type = serializers.CharField()
    operation = serializers.CharField()
    op_time = TimeField()


class AuditShape(OlderAuditShape):
    keep: ClassVar[frozenset[str]] = frozenset({"operation_result"})

    operation_description = serializers.CharField()
    operation_result = serializers.BooleanField()
    # Beyond Harbor: where it came from; left out where it is not known.
    address = serializers.CharField()
    method = serializers.CharField()
    credential = serializers.CharField()


class AuditView(HarborView):
    """``/auditlog-exts``."""

    asks = {"get": LISTED}
    answers = {"get": [AuditShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """The rows that the caller may see."""
        return self.list_response(self.rows(), AUDIT, AuditShape)

    def rows(self) -> QuerySet[AuditLog]:
        """Of the whole installation, or of the project in the path."""
        if "project_name" not in self.kwargs:
            return audit_list(actor=self.actor)
        project = self.project(resource="log", action="list")
        return audit_list(actor=self.actor, project=project.ref)


class OlderAuditView(AuditView):
    """``/audit-logs``: the same rows in the older shape."""

    answers = {"get": [OlderAuditShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """Those rows that the older list had."""
        rows = self.rows().filter(operation_result=True, resource_type__in=_OLDER_TYPES)
        return self.list_response(rows, AUDIT, OlderAuditShape)


class EventTypeShape(Shape):
    event_type = serializers.CharField()


class EventTypesView(HarborView):
    """``/auditlog-exts/events``."""

    answers = {"get": [EventTypeShape]}

    def get(self, _request: Request) -> Response:
        """The names of what can be purged or switched off."""
        require_system(self.actor, "audit-log", "list")
        return Response([{"event_type": name} for name in EVENT_TYPES])
