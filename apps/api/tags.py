"""Tags: ``…/artifacts/{reference}/tags``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import LISTED, flag_asked
from apps.api.repositories import RepositoryScopedView
from apps.api.shapes import Input, OptionalTimeField, Shape, TimeField, text
from apps.api.views import ListRules
from apps.artifacts.models import Tag
from apps.artifacts.selectors import artifact_row, repository_get, tag_list
from apps.artifacts.services.expiry import expiry_read, tag_expiry_set
from apps.artifacts.services.tags import tag_create, tag_delete
from apps.common.query import QueryField, read_int, read_time
from apps.immutability.selectors import immutable_tags

TAGS = ListRules(
    order=("-push_time", "-id"),
    fields={
        "id": QueryField("id", read_int),
        "name": QueryField("name"),
        "push_time": QueryField("push_time", read_time),
        "pull_time": QueryField("pull_time", read_time),
        "expires_at": QueryField("expires_at", read_time),
    },
)
_WITH_IMMUTABLE = flag_asked("with_immutable_status", description="Whether to say that a rule keeps it.")


class TagShape(Shape):
    """Context ``immutable``, if that was asked for: (repository id, tag) of those that a rule keeps."""

    keep: ClassVar[frozenset[str]] = frozenset({"immutable"})

    id = serializers.IntegerField()
    repository_id = serializers.IntegerField()
    artifact_id = serializers.IntegerField()
    name = serializers.CharField()
    push_time = TimeField()
    pull_time = TimeField()
    expires_at = OptionalTimeField()
    immutable = serializers.SerializerMethodField()

    def get_immutable(self, tag: Tag) -> bool:
        """Whether a rule keeps it where it is."""
        return (tag.repository_id, tag.name) in self.context.get("immutable", ())


class ExpiryInput(Input):
    """When the tag ends: at a time or after a while; never when both are empty."""

    expires_at = text()
    expires_after = text()


class TagInput(ExpiryInput):
    name = text()


class TagsView(RepositoryScopedView):
    """``…/tags``."""

    asks: ClassVar = {
        "get": (
            *LISTED,
            _WITH_IMMUTABLE,
        )
    }
    takes = {"post": TagInput}
    answers = {"get": [TagShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """The tags of an artifact."""
        name = self.repository_name(resource="tag", action="list")
        artifact = artifact_row(repository_get(name), self.kwargs["reference"])
        with_immutable = self.query_flag(_WITH_IMMUTABLE)

        def context(tags: Sequence[Tag]) -> dict[str, Any]:
            names = [tag.name for tag in tags] if with_immutable else []
            kept = immutable_tags(project_id=artifact.project_id, repository_name=name, tags=names)
            return {"immutable": {(artifact.repository_id, tag) for tag in kept}}

        return self.list_response(tag_list(artifact), TAGS, TagShape, batch=context)

    def post(self, _request: Request, **_: Any) -> Response:
        """One more tag. Harbor sends no Location here."""
        name = self.repository_name(resource="tag", action="create")
        values = self.read(TagInput, name="tag")
        tag_create(
            actor=self.actor,
            repository_name=name,
            reference=self.kwargs["reference"],
            tag=values["name"],
            expires_at=_expiry(values),
        )
        return Response(status=201)


def _expiry(values: Mapping[str, str]) -> datetime | None:
    return expiry_read(expires_at=values["expires_at"], expires_after=values["expires_after"])


class TagView(RepositoryScopedView):
    """``…/tags/{tag_name}``."""

    takes = {"put": ExpiryInput}

    def put(self, _request: Request, **_: Any) -> Response:
        """Let the tag end at a time, or never; beyond Harbor. It needs the right to delete tags."""
        name = self.repository_name(resource="tag", action="delete")
        tag_expiry_set(
            actor=self.actor,
            repository_name=name,
            reference=self.kwargs["reference"],
            tag=self.kwargs["tag_name"],
            expires_at=_expiry(self.read(ExpiryInput, name="tag")),
        )
        return Response()

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
