"""Quotas: ``/quotas``."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import PAGED, SORT, text_asked
from apps.api.shapes import Input, Shape, TimeField
from apps.api.views import HarborView, ListRules
from apps.common.errors import BadRequestError
from apps.common.pagination import parse_int64
from apps.common.query import QueryField, read_int
from apps.quotas.models import Quota
from apps.quotas.selectors import quota_get, quota_list
from apps.quotas.services import quota_update

QUOTAS = ListRules(
    order=("id",),
    fields={
        "id": QueryField("id", read_int),
        "hard.storage": QueryField("hard", read_int),
        "used.storage": QueryField("used", read_int),
    },
)


class QuotaShape(Shape):
    id = serializers.IntegerField()
    ref = serializers.SerializerMethodField()
    hard = serializers.SerializerMethodField()
    used = serializers.SerializerMethodField()
    creation_time = TimeField()
    update_time = TimeField()

    def get_ref(self, quota: Quota) -> dict[str, Any]:
        """The project that the quota is of."""
        project = quota.project
        return {"id": project.pk, "name": project.name, "owner_name": project.owner.username}

    def get_hard(self, quota: Quota) -> dict[str, int]:
        """The limit in bytes, -1 for none."""
        return {"storage": quota.hard}

    def get_used(self, quota: Quota) -> dict[str, int]:
        """What the project holds, in bytes."""
        return {"storage": quota.used}


class QuotaInput(Input):
    hard = serializers.DictField(
        child=serializers.IntegerField(min_value=-(2**63), max_value=2**63 - 1), required=False, default=dict
    )


class QuotasView(HarborView):
    """``/quotas``."""

    asks = {
        "get": (
            *PAGED,
            SORT,
            text_asked("reference", description="`project`: there are no other quotas."),
            text_asked("reference_id", description="A project's id."),
        )
    }
    answers = {"get": [QuotaShape]}

    def get(self, request: Request) -> Response:
        """Every quota, or that of ``reference_id``."""
        rows = quota_list(actor=self.actor)
        if request.query_params.get("reference", "project") != "project":
            rows = rows.none()
        if reference := request.query_params.get("reference_id"):
            rows = rows.filter(project_id=parse_int64(reference, name="reference_id", place="query"))
        return self.list_response(rows, QUOTAS, QuotaShape)


class QuotaView(HarborView):
    """``/quotas/{id}``."""

    takes = {"put": QuotaInput}
    answers = {"get": QuotaShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One quota."""
        return Response(QuotaShape(quota_get(actor=self.actor, quota_id=self.path_int("id"))).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Set the limit."""
        hard = self.read(QuotaInput, name="hard")["hard"]
        if set(hard) != {"storage"}:
            raise BadRequestError("hard must set storage, and nothing else")
        quota_update(actor=self.actor, quota_id=self.path_int("id"), hard=hard["storage"])
        return Response()
