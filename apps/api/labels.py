"""Labels: ``/labels``, and those on an artifact."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import LISTED, Parameter, text_asked
from apps.api.repositories import RepositoryScopedView
from apps.api.shapes import Input, Shape, TimeField, integer, text
from apps.api.views import HarborView, ListRules
from apps.artifacts.services.labels import artifact_label_add, artifact_label_remove
from apps.common.pagination import parse_int64
from apps.common.query import QueryField, read_int, read_time
from apps.projects.labels import label_create, label_delete, label_get, label_list, label_update

LABELS = ListRules(
    order=("id",),
    fields={
        "id": QueryField("id", read_int),
        "name": QueryField("name"),
        "description": QueryField("description"),
        "color": QueryField("color"),
        "creation_time": QueryField("creation_time", read_time),
        "update_time": QueryField("update_time", read_time),
    },
)


class LabelShape(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    color = serializers.CharField()
    scope = serializers.CharField()
    project_id = serializers.IntegerField()
    creation_time = TimeField()
    update_time = TimeField()


class LabelInput(Input):
    """``id``, ``creation_time`` and ``update_time`` come back from clients and mean nothing here."""

    id = integer()
    name = text()
    description = text()
    color = text()
    scope = text()
    project_id = integer()
    creation_time = serializers.DateTimeField(required=False, read_only=True)
    update_time = serializers.DateTimeField(required=False, read_only=True)


class LabelsView(HarborView):
    """``/labels``."""

    asks: ClassVar = {
        "get": (
            *LISTED,
            text_asked("name", description="A part of the name."),
            text_asked(
                "scope", description="`g` for labels of the installation, `p` for those of a project."
            ),
            Parameter(name="project_id", kind="integer", description="Needed with scope `p`."),
        )
    }
    takes = {"post": LabelInput}
    answers = {"get": [LabelShape]}

    def get(self, request: Request) -> Response:
        """The labels of a scope."""
        query = request.query_params
        project_id = parse_int64(query.get("project_id") or "0", name="project_id", place="query")
        name = query.get("name", "")
        rows = label_list(actor=self.actor, scope=query.get("scope", ""), project_id=project_id, name=name)
        return self.list_response(rows, LABELS, LabelShape)

    def post(self, _request: Request) -> Response:
        """A new label."""
        values = self.read(LabelInput, name="label")
        values.pop("id")
        return self.created(label_create(actor=self.actor, **values).pk)


class LabelView(HarborView):
    """``/labels/{label_id}``."""

    takes = {"put": LabelInput}
    answers = {"get": LabelShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One label."""
        return Response(LabelShape(label_get(actor=self.actor, label_id=self.path_int("label_id"))).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Change name, description and colour."""
        label_id = self.path_int("label_id")
        values = self.read(LabelInput, name="label")
        kept = {name: values[name] for name in ("name", "description", "color")}
        label_update(actor=self.actor, label_id=label_id, **kept)
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Delete it; artifacts lose it."""
        label_delete(actor=self.actor, label_id=self.path_int("label_id"))
        return Response()


class ArtifactLabelsView(RepositoryScopedView):
    """``…/artifacts/{reference}/labels``."""

    takes = {"post": LabelInput}
    statuses: ClassVar = {"post": 200}

    def post(self, _request: Request, **_: Any) -> Response:
        """Put a label, named by its id, on the artifact."""
        name = self.repository_name(resource="artifact-label", action="create")
        values = self.read(LabelInput, name="label")
        artifact_label_add(
            actor=self.actor,
            repository_name=name,
            reference=self.kwargs["reference"],
            label_id=values["id"],
        )
        return Response()


class ArtifactLabelView(RepositoryScopedView):
    """``…/artifacts/{reference}/labels/{label_id}``."""

    def delete(self, _request: Request, **_: Any) -> Response:
        """Take a label off the artifact."""
        name = self.repository_name(resource="artifact-label", action="delete")
        artifact_label_remove(
            actor=self.actor,
            repository_name=name,
            reference=self.kwargs["reference"],
            label_id=self.path_int("label_id"),
        )
        return Response()
