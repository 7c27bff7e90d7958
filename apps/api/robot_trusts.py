"""What a robot account trusts: ``/robots/{robot_id}/trusts``; beyond Harbor."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import LISTED
from apps.api.shapes import Input, Shape, TimeField, text
from apps.api.views import HarborView, ListRules
from apps.common.query import QueryField, read_int, read_time
from apps.robots.models import RobotTrust
from apps.robots.trust_services import (
    robot_trust_add,
    robot_trust_get,
    robot_trust_list,
    robot_trust_remove,
    robot_trusts_replace,
)
from apps.robots.trusts import Trust

TRUSTS = ListRules(
    order=("id",),
    fields={
        "id": QueryField("id", read_int),
        "issuer": QueryField("issuer"),
        "audience": QueryField("audience"),
        "subject": QueryField("subject"),
        "creation_time": QueryField("creation_time", read_time),
    },
)


class TrustShape(Shape):
    """``subject`` and the values of ``claims`` are patterns: ``*`` for one part, ``**`` for anything."""

    keep: ClassVar[frozenset[str]] = frozenset({"claims"})

    id = serializers.IntegerField()
    issuer = serializers.CharField()
    audience = serializers.CharField()
    subject = serializers.CharField()
    claims = serializers.DictField(child=serializers.CharField())
    creation_time = TimeField()


class TrustInput(Input):
    issuer = text()
    audience = text()
    subject = text()
    claims = serializers.DictField(
        child=serializers.CharField(trim_whitespace=False), required=False, default=dict
    )


class TrustsInput(Input):
    """All that it is to trust."""

    trusts = TrustInput(many=True)


class TrustsShape(Shape):
    """All that it trusts now."""

    lists: ClassVar[frozenset[str]] = frozenset({"trusts"})

    trusts = TrustShape(many=True)


class RobotTrustsView(HarborView):
    """``/robots/{robot_id}/trusts``."""

    asks = {"get": LISTED}
    takes = {"post": TrustInput, "put": TrustsInput}
    answers = {"get": [TrustShape], "post": TrustShape, "put": TrustsShape}
    dangerous = frozenset({"post", "put"})

    def get(self, _request: Request, **_: Any) -> Response:
        """Whose tokens the robot account takes for its secret."""
        rows = robot_trust_list(actor=self.actor, robot_id=self.path_int("robot_id"))
        return self.list_response(rows, TRUSTS, TrustShape)

    def post(self, _request: Request, **_: Any) -> Response:
        """Have it trust some tokens of an issuer."""
        values = self.read(TrustInput, name="trust")
        row: RobotTrust = robot_trust_add(
            actor=self.actor, robot_id=self.path_int("robot_id"), trust=Trust(**values)
        )
        response = self.created(row.pk)
        response.data = TrustShape(row).data
        return response

    def put(self, _request: Request, **_: Any) -> Response:
        """Have it trust these and nothing else."""
        values = self.read(TrustsInput, name="trusts")
        rows = robot_trusts_replace(
            actor=self.actor,
            robot_id=self.path_int("robot_id"),
            trusts=[Trust(**one) for one in values["trusts"]],
        )
        return Response(TrustsShape({"trusts": rows}).data)


class RobotTrustView(HarborView):
    """``/robots/{robot_id}/trusts/{trust_id}``."""

    answers = {"get": TrustShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One trust."""
        row = robot_trust_get(
            actor=self.actor, robot_id=self.path_int("robot_id"), trust_id=self.path_int("trust_id")
        )
        return Response(TrustShape(row).data)

    def delete(self, _request: Request, **_: Any) -> Response:
        """End it, and what was signed in by it."""
        robot_trust_remove(
            actor=self.actor, robot_id=self.path_int("robot_id"), trust_id=self.path_int("trust_id")
        )
        return Response()
