"""Tags: ``…/artifacts/{reference}/tags``."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.repositories import RepositoryScopedView
from apps.api.shapes import Input, Shape, TimeField, text
from apps.api.views import ListRules
from apps.artifacts.models import Tag
from apps.artifacts.selectors import artifact_row, repository_get, tag_list
from apps.artifacts.services.tags import tag_create, tag_delete
from apps.common.query import QueryField, read_int, read_time

TAGS = ListRules(
    order=("-push_time", "-id"),
    fields={
        "id": QueryField("id", read_int),
        "name": QueryField("name"),
        "push_time": QueryField("push_time", read_time),
        "pull_time": QueryField("pull_time", read_time),
    },
)


class TagShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"immutable"})

    id = serializers.IntegerField()
    repository_id = serializers.IntegerField()
    artifact_id = serializers.IntegerField()
    name = serializers.CharField()
    push_time = TimeField()
    pull_time = TimeField()
    immutable = serializers.SerializerMethodField()

    def get_immutable(self, _tag: Tag) -> bool:
        """There are no rules of immutability yet."""
        return False


class TagInput(Input):
    name = text()


class TagsView(RepositoryScopedView):
    """``…/tags``."""

    takes = {"post": TagInput}
    answers = {"get": [TagShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """The tags of an artifact."""
        name = self.repository_name(resource="tag", action="list")
        artifact = artifact_row(repository_get(name), self.kwargs["reference"])
        return self.list_response(tag_list(artifact), TAGS, TagShape)

    def post(self, _request: Request, **_: Any) -> Response:
        """One more tag. Harbor sends no Location here."""
        name = self.repository_name(resource="tag", action="create")
        values = self.read(TagInput, name="tag")
        tag_create(
            actor=self.actor, repository_name=name, reference=self.kwargs["reference"], tag=values["name"]
        )
        return Response(status=201)


class TagView(RepositoryScopedView):
    """``…/tags/{tag_name}``."""

    def delete(self, _request: Request, **_: Any) -> Response:
        """Remove the tag; the artifact stays."""
        name = self.repository_name(resource="tag", action="delete")
        tag_delete(
            actor=self.actor,
            repository_name=name,
            reference=self.kwargs["reference"],
            tag=self.kwargs["tag_name"],
        )
        return Response()
