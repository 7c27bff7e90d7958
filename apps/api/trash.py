"""What was deleted, and back again: ``/projects/{project_name_or_id}/trash``; beyond Harbor.

Whoever may delete artifacts sees it, as an auditor does, and whoever may push them too may restore from it. To forget
for ever is the project administrators'.
"""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import LISTED
from apps.api.shapes import Shape, TimeField
from apps.api.views import HarborView, ListRules
from apps.artifacts.models import TrashEntry
from apps.artifacts.selectors import (
    require_repository,
    trash_action,
    trash_entry_list,
    trash_entry_row,
    trash_missing,
    trashed_artifact_list,
)
from apps.artifacts.services.restores import trash_restore
from apps.artifacts.services.trash import trash_forget
from apps.common.query import QueryField, read_int, read_time

TRASH = ListRules(
    order=("-deleted_at", "-id"),
    fields={
        "id": QueryField("id", read_int),
        "kind": QueryField("kind"),
        "repository": QueryField("repository_name"),
        "repository_name": QueryField("repository_name"),
        "tag": QueryField("tag"),
        "digest": QueryField("digest"),
        "operator": QueryField("operator"),
        "reason": QueryField("reason"),
        "deleted_at": QueryField("deleted_at", read_time),
    },
)

_MOST_ARTIFACTS = 100


class TrashShape(Shape):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    repository_name = serializers.CharField()
    description = serializers.CharField()
    digest = serializers.CharField()
    tag = serializers.CharField()
    reason = serializers.CharField()
    operator = serializers.CharField()
    deleted_at = TimeField()


class TrashedTagShape(Shape):
    name = serializers.CharField()
    push_time = serializers.DateTimeField()
    pull_time = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class TrashedArtifactShape(Shape):
    digest = serializers.CharField()
    media_type = serializers.CharField()
    type = serializers.CharField()
    subject_digest = serializers.CharField()
    size = serializers.IntegerField()
    tags = TrashedTagShape(many=True)


class TrashDetailShape(TrashShape):
    """Context: ``artifacts``, the first hundred, ``count`` of them all, and ``missing``: what is gone that it needs."""

    keep: ClassVar[frozenset[str]] = frozenset({"restorable", "artifact_count"})

    artifact_count = serializers.SerializerMethodField()
    artifacts = serializers.SerializerMethodField()
    restorable = serializers.SerializerMethodField()
    missing_blobs = serializers.SerializerMethodField()

    def get_artifact_count(self, _entry: TrashEntry) -> int:
        """How many there are."""
        count: int = self.context["count"]
        return count

    @extend_schema_field(TrashedArtifactShape(many=True))
    def get_artifacts(self, _entry: TrashEntry) -> list[Any]:
        """By digest."""
        return list(TrashedArtifactShape(self.context["artifacts"], many=True).data)

    def get_restorable(self, _entry: TrashEntry) -> bool:
        """Whether all that is needed is there: false for a tag whose artifact is forgotten."""
        return not self.context["missing"]

    def get_missing_blobs(self, _entry: TrashEntry) -> list[str]:
        """What is not: the digest of that artifact."""
        missing: list[str] = self.context["missing"]
        return missing


class RestoredShape(Shape):
    lists: ClassVar[frozenset[str]] = frozenset({"artifacts", "tags", "skipped_tags"})

    repository_name = serializers.CharField()
    artifacts = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    skipped_tags = serializers.ListField(child=serializers.CharField(), source="skipped")


class TrashView(HarborView):
    """``/projects/{project_name_or_id}/trash``."""

    asks: ClassVar = {"get": LISTED}
    answers = {"get": [TrashShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """What was deleted and is not forgotten."""
        project = self.project(resource="artifact", action=trash_action(self.actor))
        return self.list_response(trash_entry_list(actor=self.actor, project=project), TRASH, TrashShape)


class TrashEntryView(HarborView):
    """``…/trash/{trash_id}``."""

    answers = {"get": TrashDetailShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One deletion with its artifacts and tags, and whether it can be undone now."""
        project = self.project(resource="artifact", action=trash_action(self.actor))
        entry = trash_entry_row(project_id=project.pk, entry_id=self.path_int("trash_id"))
        require_repository(
            self.actor,
            project.ref,
            entry.repository_name,
            resource="artifact",
            action=trash_action(self.actor),
        )
        rows = trashed_artifact_list(entry)
        context = {
            "artifacts": rows[:_MOST_ARTIFACTS],
            "count": rows.count(),
            "missing": trash_missing(entry),
        }
        return Response(TrashDetailShape(entry, context=context).data)

    def delete(self, _request: Request, **_: Any) -> Response:
        """Forget it for ever."""
        project = self.project(resource="", action="update")
        trash_forget(actor=self.actor, project_id=project.pk, entry_id=self.path_int("trash_id"))
        return Response()


class TrashRestoreView(HarborView):
    """``…/trash/{trash_id}/restore``."""

    answers = {"post": RestoredShape}
    statuses = {"post": 200}

    def post(self, _request: Request, **_: Any) -> Response:
        """Undo it: artifacts, tags and labels come back."""
        project = self.project(resource="artifact", action="delete")
        restored = trash_restore(actor=self.actor, project_id=project.pk, entry_id=self.path_int("trash_id"))
        return Response(RestoredShape(restored).data)
