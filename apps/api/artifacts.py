"""Artifacts: ``/projects/{project_name}/repositories/{repository_name}/artifacts``."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.repositories import RepositoryScopedView
from apps.api.shapes import Shape, TimeField
from apps.api.tags import TagShape
from apps.api.views import ListRules
from apps.artifacts.models import Artifact
from apps.artifacts.selectors import artifact_list, artifact_row, repository_get
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.copies import artifact_copy
from apps.catalog.artifacts import accessories_of, filter_artifacts
from apps.common.errors import BadRequestError, UnprocessableError
from apps.common.query import QueryField, parse_query, read_int, read_time
from apps.oci.references import check_repository_name
from apps.projects.selectors import project_require
from apps.projects.types import ProjectRef

ARTIFACTS = ListRules(
    order=("-push_time", "-id"),
    fields={
        "id": QueryField("id", read_int),
        "type": QueryField("type"),
        "media_type": QueryField("config_media_type"),
        "manifest_media_type": QueryField("media_type"),
        "artifact_type": QueryField("artifact_type"),
        "digest": QueryField("digest"),
        "size": QueryField("size", read_int),
        "push_time": QueryField("push_time", read_time),
        "pull_time": QueryField("pull_time", read_time),
        "repository_name": QueryField("repository__name", sortable=False),
    },
)

# `from` of a copy: project/repository, then :tag or @digest, or neither for `latest`.
_SOURCE = re.compile(r"(?P<repository>[^:@]+)(?:@(?P<digest>[^@]+)|:(?P<tag>[^:@]+))?\Z")


class PlatformShape(Shape):
    architecture = serializers.CharField()
    os = serializers.CharField()
    variant = serializers.CharField()

    def to_representation(self, instance: dict[str, Any]) -> dict[str, Any]:
        """Two of the keys have a dot, which no attribute can have."""
        known = {name: instance.get(name, "") for name in ("architecture", "os", "variant")}
        shown = super().to_representation(known)
        if version := instance.get("os.version"):
            shown["os.version"] = version
        shown["os.features"] = instance.get("os.features") or None
        return shown


class ReferenceShape(Shape):
    parent_id = serializers.IntegerField()
    child_id = serializers.IntegerField()
    child_digest = serializers.CharField()
    platform = PlatformShape()
    annotations = serializers.JSONField()
    urls = serializers.ListField()


class AccessoryShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset(
        {"artifact_id", "subject_artifact_digest", "subject_artifact_repo", "size", "digest", "type", "icon"}
    )

    id = serializers.IntegerField()
    artifact_id = serializers.IntegerField()
    subject_artifact_id = serializers.IntegerField()
    subject_artifact_digest = serializers.CharField()
    subject_artifact_repo = serializers.CharField()
    size = serializers.IntegerField()
    digest = serializers.CharField()
    type = serializers.CharField()
    creation_time = TimeField()


class ArtifactShape(Shape):
    """Context: ``repository_name``, ``with_tag``, and ``accessories`` by artifact id if they were asked for."""

    id = serializers.IntegerField()
    type = serializers.CharField()
    media_type = serializers.CharField(source="config_media_type")
    manifest_media_type = serializers.CharField(source="media_type")
    artifact_type = serializers.CharField()
    project_id = serializers.IntegerField()
    repository_id = serializers.IntegerField()
    repository_name = serializers.SerializerMethodField()
    digest = serializers.CharField()
    size = serializers.IntegerField()
    push_time = TimeField()
    pull_time = TimeField()
    extra_attrs = serializers.JSONField()
    annotations = serializers.JSONField()
    references = ReferenceShape(many=True)
    tags = serializers.SerializerMethodField()
    labels = serializers.SerializerMethodField()
    accessories = serializers.SerializerMethodField()

    def get_repository_name(self, _artifact: Artifact) -> str:
        """All artifacts of an answer are of one repository."""
        name: str = self.context["repository_name"]
        return name

    def get_tags(self, artifact: Artifact) -> list[Any]:
        """Newest first, from the prefetched rows."""
        if not self.context["with_tag"]:
            return []
        return list(TagShape(artifact.tags.all(), many=True).data)

    def get_labels(self, _artifact: Artifact) -> list[Any]:
        """There are no labels yet; Harbor shows null for none."""
        return []

    def get_accessories(self, artifact: Artifact) -> list[Any]:
        """Signatures and the like."""
        return list(AccessoryShape(self.context["accessories"].get(artifact.pk, []), many=True).data)


class ArtifactScopedView(RepositoryScopedView):
    """What the list and the single artifact have in common."""

    def shape_context(self, repository_name: str, artifacts: Sequence[Artifact]) -> dict[str, Any]:
        """The context of :class:`ArtifactShape` by the ``with_…`` parameters."""
        with_accessory = self.query_flag("with_accessory")
        return {
            "repository_name": repository_name,
            "with_tag": self.query_flag("with_tag", default=True),
            "accessories": accessories_of(artifacts) if with_accessory else {},
        }


class ArtifactsView(ArtifactScopedView):
    """``…/artifacts``."""

    answers = {"get": [ArtifactShape]}

    def get(self, request: Request, **_: Any) -> Response:
        """The artifacts of a repository."""
        name = self.repository_name(resource="artifact", action="list")
        rows = artifact_list(repository_get(name))
        rows = filter_artifacts(rows, parse_query(request.query_params.get("q", "")))
        return self.list_response(
            rows, ARTIFACTS, ArtifactShape, batch=lambda artifacts: self.shape_context(name, artifacts)
        )

    def post(self, request: Request, **_: Any) -> Response:
        """Copy an artifact here ``from`` another repository, by links."""
        name = check_repository_name(self.repository_name(resource="artifact", action="create"))
        project = self.project(resource="artifact", action="create")
        source = request.query_params.get("from", "")
        if not source:
            raise UnprocessableError("from in query is required")
        if (found := _SOURCE.match(source)) is None or "/" not in found["repository"] or "\x00" in source:
            raise BadRequestError(f"invalid source of the copy: {source[:255]}")
        # Checked here as well, before the source is looked up: who may not see a project learns nothing of it.
        project_require(
            actor=self.actor,
            name_or_id=found["repository"].partition("/")[0],
            is_name=True,
            resource="repository",
            action="pull",
        )
        reference = found["digest"] or found["tag"] or "latest"
        artifact_copy(
            actor=self.actor,
            source_repository=found["repository"],
            source_reference=reference,
            project=ProjectRef(project.pk, project.name, project.public),
            target_repository=name,
        )
        return self.created(reference)


class ArtifactView(ArtifactScopedView):
    """``…/artifacts/{reference}``."""

    answers = {"get": ArtifactShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One artifact by tag or digest."""
        name = self.repository_name(resource="artifact", action="read")
        artifact = artifact_row(repository_get(name), self.kwargs["reference"])
        return Response(ArtifactShape(artifact, context=self.shape_context(name, [artifact])).data)

    def delete(self, _request: Request, **_: Any) -> Response:
        """Delete it with its tags."""
        name = self.repository_name(resource="artifact", action="delete")
        artifact_delete(actor=self.actor, repository_name=name, reference=self.kwargs["reference"])
        return Response()
