"""A project's switches one by one: ``/projects/{project_name_or_id}/metadatas/``."""

from http import HTTPStatus
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.shapes import Input, Shape, text
from apps.api.views import HarborView
from apps.common.errors import BadRequestError, UnprocessableError
from apps.projects.metadata import metadata_names
from apps.projects.selectors import metadata_get, metadata_list
from apps.projects.services import metadata_add, metadata_delete, metadata_update


class MetadataShape(Shape):
    """The switches, by name."""

    def get_fields(self) -> dict[str, Any]:
        """Each of them is text."""
        return {name: serializers.CharField(required=False) for name in metadata_names()}


class MetadataInput(Input):
    """One switch; :meth:`MetadataBaseView.read_entry` reads it."""

    def get_fields(self) -> dict[str, Any]:
        """Each of them is text."""
        return {name: text() for name in metadata_names()}


class MetadataBaseView(HarborView):
    """Reads the one-entry object that the operations take."""

    def read_entry(self, request: Request) -> tuple[str, str]:
        """The only key of the body and its value."""
        if request.META.get("CONTENT_LENGTH") in (None, "", "0"):
            raise UnprocessableError("metadata in body is required")
        field = serializers.DictField(child=serializers.CharField(allow_blank=True))
        values: dict[str, str] = field.run_validation(request.data)
        if len(values) != 1:
            raise BadRequestError("only allow to add or update one metadata at a time")
        return next(iter(values.items()))


class AllMetadataView(MetadataBaseView):
    """``…/metadatas/``."""

    takes = {"post": MetadataInput}
    answers = {"get": MetadataShape}
    statuses = {"post": HTTPStatus.OK}

    def get(self, _request: Request, **_: Any) -> Response:
        """Every switch that is set."""
        project = self.project(resource="metadata", action="list")
        return Response(metadata_list(actor=self.actor, project=project))

    def post(self, request: Request, **_: Any) -> Response:
        """Set one that is not set."""
        project = self.project(resource="metadata", action="create")
        name, value = self.read_entry(request)
        metadata_add(actor=self.actor, project_id=project.pk, name=name, value=value)
        return Response()


class MetadataView(MetadataBaseView):
    """``…/metadatas/{meta_name}``."""

    takes = {"put": MetadataInput}
    answers = {"get": MetadataShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One switch as an object."""
        project = self.project(resource="metadata", action="read")
        name = self.kwargs["meta_name"]
        return Response({name: metadata_get(actor=self.actor, project=project, name=name)})

    def put(self, request: Request, **_: Any) -> Response:
        """Change one; the key of the body must be that of the path."""
        project = self.project(resource="metadata", action="update")
        name, value = self.read_entry(request)
        if name != self.kwargs["meta_name"]:
            raise BadRequestError(f"the body must set {self.kwargs['meta_name']}")
        metadata_update(actor=self.actor, project_id=project.pk, name=name, value=value)
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Unset one."""
        project = self.project(resource="metadata", action="delete")
        metadata_delete(actor=self.actor, project_id=project.pk, name=self.kwargs["meta_name"])
        return Response()
