"""What may be pushed into a project: ``/projects/{project}/push-rules``; beyond Harbor."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.shapes import Input, Shape, flag
from apps.api.views import HarborView
from apps.push_rules.selectors import push_rules_get
from apps.push_rules.services import push_rules_delete, push_rules_set
from apps.push_rules.types import PushRulesValues


class PushRulesShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"allow_foreign_urls", "allow_sparse_indexes"})
    lists: ClassVar[frozenset[str]] = frozenset({"media_types", "required_annotations"})

    media_types = serializers.ListField(child=serializers.CharField())
    required_annotations = serializers.ListField(child=serializers.CharField())
    allow_foreign_urls = serializers.BooleanField()
    allow_sparse_indexes = serializers.BooleanField()


class PushRulesInput(Input):
    media_types = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    required_annotations = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    allow_foreign_urls = flag(default=True)
    allow_sparse_indexes = flag(default=True)


class PushRulesView(HarborView):
    """``/projects/{project_name_or_id}/push-rules``."""

    takes = {"put": PushRulesInput}
    answers = {"get": PushRulesShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """The rules; those that allow everything where none were set."""
        project = self.project(resource="metadata", action="read")
        return Response(PushRulesShape(push_rules_get(actor=self.actor, project=project)).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Replace the rules; what is absent allows everything."""
        project = self.project(resource="metadata", action="update")
        values = self.read(PushRulesInput, name="rules")
        rules = PushRulesValues(
            media_types=tuple(values["media_types"]),
            required_annotations=tuple(values["required_annotations"]),
            allow_foreign_urls=values["allow_foreign_urls"],
            allow_sparse_indexes=values["allow_sparse_indexes"],
        )
        push_rules_set(actor=self.actor, project=project, values=rules)
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Allow everything again."""
        project = self.project(resource="metadata", action="update")
        push_rules_delete(actor=self.actor, project=project)
        return Response()
