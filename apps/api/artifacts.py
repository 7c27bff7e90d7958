"""Artifacts: ``/projects/{project_name}/repositories/{repository_name}/artifacts``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.artifact_shapes import AccessoryRowShape, ArtifactShape
from apps.api.parameters import ACCEPT_VULNERABILITIES, LISTED, PAGED, Parameter, flag_asked, text_asked
from apps.api.repositories import RepositoryScopedView
from apps.api.views import HarborView, ListRules
from apps.artifacts.models import Artifact, Repository
from apps.artifacts.selectors import artifact_list, artifact_row, artifacts_whole, repository_get
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.copies import artifact_copy
from apps.artifacts.types import repository_path
from apps.artifacts.visibility import visible_repositories_of
from apps.catalog.artifacts import (
    accessories_of,
    accessory_list,
    filter_artifacts,
    immutable_tags_of,
    inherited_accessories_of,
    labels_of,
    latest_artifacts,
)
from apps.common.errors import BadRequestError, UnprocessableError
from apps.common.query import QueryField, parse_query, read_int, read_time
from apps.oci.references import check_repository_name
from apps.projects.selectors import project_require

ARTIFACTS = ListRules(
    order=("-push_time", "-id"),
    # Each with its tags, annotations and attributes.
    most_rows=1000,
    fields={
        "id": QueryField("id", read_int),
        "type": QueryField("type"),
        "media_type": QueryField("config_media_type"),
        "manifest_media_type": QueryField("media_type"),
        "artifact_type": QueryField("artifact_type"),
        "digest": QueryField("digest"),
        "icon": QueryField("icon"),
        "size": QueryField("size", read_int),
        "push_time": QueryField("push_time", read_time),
        "pull_time": QueryField("pull_time", read_time),
        "deactivated_at": QueryField("deactivated_at", read_time),
        "deactivated_by": QueryField("deactivated_by"),
        "repository_id": QueryField("repository_id", read_int, sortable=False),
        "repository_name": QueryField("repository__name", sortable=False),
    },
)

# A project can have very many artifacts; it has an index of one order.
PROJECT_ARTIFACTS = ListRules(
    order=ARTIFACTS.order,
    most_rows=ARTIFACTS.most_rows,
    fields={
        key: field if key in {"id", "push_time"} else replace(field, sortable=False)
        for key, field in ARTIFACTS.fields.items()
    },
)
ACCESSORIES = ListRules(
    order=("id",),
    fields={
        "id": QueryField("id", read_int),
        "artifact_id": QueryField("id", read_int),
        "type": QueryField("accessory_type"),
        "digest": QueryField("digest"),
        "size": QueryField("size", read_int),
        "creation_time": QueryField("push_time", read_time),
    },
)

_WITH: Sequence[Parameter] = (
    ACCEPT_VULNERABILITIES,
    flag_asked("with_tag", default=True, description="Whether to show tags."),
    flag_asked("with_label", description="Whether to show labels."),
    flag_asked("with_scan_overview", description="Whether to show what a scanner found."),
    flag_asked("with_sbom_overview", description="Whether to show the making of an SBOM."),
    flag_asked("with_immutable_status", description="Whether tags say that a rule keeps them."),
    flag_asked("with_accessory", description="Whether to show signatures and the like."),
    flag_asked("with_inherited_accessory", description="Whether to show those of the indexes above it."),
)
_LATEST = flag_asked(
    "latest_in_repository",
    description="Only the last one of each repository; needs media_type or artifact_type in q.",
)

# `from` of a copy: project/repository, then :tag or @digest, or neither for `latest`.
_SOURCE = re.compile(r"(?P<repository>[^:@]+)(?:@(?P<digest>[^@]+)|:(?P<tag>[^:@]+))?\Z")


class ArtifactListing(HarborView):
    """What the answers with artifacts have in common."""

    def shape_context(self, artifacts: Sequence[Artifact], names: Mapping[int, str]) -> dict[str, Any]:
        """The context of :class:`ArtifactShape` by the ``with_…`` parameters; ``names`` of repositories by id.

        Each relation costs one statement for all rows, and none when it is not asked for.
        """
        asked = {
            parameter.name: self.query_flag(parameter) for parameter in _WITH if parameter.kind == "boolean"
        }
        with_immutable = asked["with_tag"] and asked["with_immutable_status"]
        return {
            "shapes": {},
            "repository_names": names,
            "with_tag": asked["with_tag"],
            "labels": labels_of(artifacts) if asked["with_label"] else {},
            "accessories": accessories_of(artifacts) if asked["with_accessory"] else {},
            "inherited": inherited_accessories_of(artifacts) if asked["with_inherited_accessory"] else {},
            "immutable": immutable_tags_of(artifacts, names) if with_immutable else set(),
        }


class ProjectArtifactsView(ArtifactListing):
    """``/projects/{project_name_or_id}/artifacts``."""

    asks: ClassVar = {
        "get": (
            *LISTED,
            *_WITH,
            _LATEST,
        )
    }
    answers = {"get": [ArtifactShape]}

    def get(self, request: Request, **_: Any) -> Response:
        """The artifacts of all repositories of a project."""
        project = self.project(resource="artifact", action="list")
        conditions = parse_query(request.query_params.get("q", ""))
        rows = Artifact.objects.filter(project=project)
        if self.actor.is_narrowed_in(project.pk):
            seen = visible_repositories_of(
                self.actor,
                Repository.objects.filter(project=project),
                project_id=project.pk,
                public=project.public,
            )
            rows = rows.filter(repository__in=seen)
        if self.query_flag(_LATEST):
            rows = rows.filter(pk__in=latest_artifacts(project.pk, conditions).values("pk"))
        rows = filter_artifacts(artifacts_whole(rows), conditions)
        return self.list_response(rows, PROJECT_ARTIFACTS, ArtifactShape, batch=self._context)

    def _context(self, artifacts: Sequence[Artifact]) -> dict[str, Any]:
        repositories = Repository.objects.filter(pk__in={artifact.repository_id for artifact in artifacts})
        return self.shape_context(artifacts, dict(repositories.values_list("pk", "name")))


class ArtifactsView(ArtifactListing, RepositoryScopedView):
    """``…/artifacts``."""

    asks: ClassVar = {
        "get": (*LISTED, *_WITH),
        "post": (text_asked("from", required=True, description="project/repository, with :tag or @digest."),),
    }
    answers = {"get": [ArtifactShape]}

    def get(self, request: Request, **_: Any) -> Response:
        """The artifacts of a repository."""
        repository = repository_get(self.repository_name(resource="artifact", action="list"))
        rows = artifact_list(repository)
        rows = filter_artifacts(rows, parse_query(request.query_params.get("q", "")))
        names = {repository.pk: repository.name}
        return self.list_response(
            rows, ARTIFACTS, ArtifactShape, batch=lambda artifacts: self.shape_context(artifacts, names)
        )

    def post(self, request: Request, **_: Any) -> Response:
        """Copy an artifact here ``from`` another repository, by links."""
        name = check_repository_name(self.repository_name(resource="artifact", action="create"))
        project = self.project(resource="artifact", action="create", repository=self.repository_path)
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
            repository=repository_path(found["repository"]),
        )
        reference = found["digest"] or found["tag"] or "latest"
        artifact_copy(
            actor=self.actor,
            source_repository=found["repository"],
            source_reference=reference,
            project=project.ref,
            target_repository=name,
        )
        return self.created(reference)


class ArtifactView(ArtifactListing, RepositoryScopedView):
    """``…/artifacts/{reference}``."""

    asks: ClassVar = {
        "get": (*PAGED, *_WITH, flag_asked("with_signature", description="Taken and not used any more.")),
    }
    answers = {"get": ArtifactShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One artifact by tag or digest."""
        repository = repository_get(self.repository_name(resource="artifact", action="read"))
        artifact = artifact_row(repository, self.kwargs["reference"])
        context = self.shape_context([artifact], {repository.pk: repository.name})
        return Response(ArtifactShape(artifact, context=context).data)

    def delete(self, _request: Request, **_: Any) -> Response:
        """Delete it with its tags."""
        name = self.repository_name(resource="artifact", action="delete")
        artifact_delete(actor=self.actor, repository_name=name, reference=self.kwargs["reference"])
        return Response()


class AccessoriesView(RepositoryScopedView):
    """``…/artifacts/{reference}/accessories``."""

    asks: ClassVar = {"get": LISTED}
    answers = {"get": [AccessoryRowShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """Signatures and the like of an artifact."""
        name = self.repository_name(resource="accessory", action="list")
        subject = artifact_row(repository_get(name), self.kwargs["reference"])
        return self.list_response(
            accessory_list(subject),
            ACCESSORIES,
            AccessoryRowShape,
            batch=lambda _rows: {"subject_id": subject.pk},
        )
