"""Copies between repositories: links and rows, never bytes."""

from apps.accounts.security import SecurityContext
from apps.artifacts.accessories import HARD_TYPES
from apps.artifacts.errors import AccessoryAloneError, ArtifactDeactivatedError
from apps.artifacts.models import Artifact, ArtifactReference
from apps.artifacts.selectors import (
    artifact_row,
    blobs_find,
    deactivation_of,
    repository_find,
    repository_require,
    require_repository,
)
from apps.artifacts.services.blobs import blob_mount
from apps.artifacts.services.manifests import manifest_push
from apps.oci.digests import parse_digest
from apps.oci.manifests import parse_manifest
from apps.projects.types import ProjectRef


def artifact_copy(
    *,
    actor: SecurityContext,
    source_repository: str,
    source_reference: str,
    project: ProjectRef,
    target_repository: str,
) -> str:
    """Copy an artifact, with its children and accessories and, if ``source_reference`` is a tag, that tag.

    Returns its digest. Labels stay behind. The gates of the target hold as for a push; a deactivated artifact, or
    child of one, is an :class:`ArtifactDeactivatedError`, a signature alone an :class:`AccessoryAloneError`. Killed
    half-way it leaves links and children, no broken index: children go before their index.
    """
    source = repository_require(actor=actor, name=source_repository, resource="repository", action="pull")
    require_repository(actor, project, target_repository, resource="artifact", action="create")
    artifact = artifact_row(source, source_reference)
    if artifact.accessory_type in HARD_TYPES:
        raise AccessoryAloneError("the operation isn't supported for an artifact accessory")
    tags = () if ":" in source_reference else (source_reference,)
    _refuse_deactivated(artifact)
    copy = _Copy(actor, source_repository, project, target_repository)
    copy.artifact(artifact.pk, tags)
    return artifact.digest


def _refuse_deactivated(artifact: Artifact) -> None:
    ids = [artifact.pk]
    seen: set[int] = set()
    while ids:
        seen.update(ids)
        rows = Artifact.objects.filter(pk__in=ids, deactivated_at__isnull=False)
        columns = ("digest", "deactivated_at", "deactivated_by", "deactivated_reason")
        for row in rows.values_list(*columns)[:1]:
            raise ArtifactDeactivatedError(deactivation_of(*row))
        children = ArtifactReference.objects.filter(parent_id__in=ids).values_list("child_id", flat=True)
        ids = [pk for pk in set(children) if pk is not None and pk not in seen]


class _Copy:
    """One copy under way; an artifact that several others lead to is copied once."""

    def __init__(self, actor: SecurityContext, source: str, project: ProjectRef, target: str) -> None:
        self._actor = actor
        self._source = source
        self._project = project
        self._target = target
        self._seen: set[int] = set()

    def artifact(self, artifact_id: int, tags: tuple[str, ...]) -> None:
        """Children, the artifact, then its accessories."""
        if artifact_id in self._seen:
            return
        self._seen.add(artifact_id)
        children = ArtifactReference.objects.filter(parent_id=artifact_id, child__isnull=False)
        for child_id in children.values_list("child_id", flat=True).distinct():
            if child_id is not None:
                self.artifact(child_id, ())
        row = Artifact.objects.only("manifest", "media_type", "digest", "repository_id").get(pk=artifact_id)
        self._push(row, tags)
        accessories = Artifact.objects.filter(
            repository_id=row.repository_id, subject_digest=row.digest, deactivated_at=None
        )
        for accessory in accessories.only("pk").prefetch_related("tags").order_by("pk"):
            # Some signatures are known to be one by such a tag alone.
            named = row.digest.replace(":", "-")
            names = (tag.name for tag in accessory.tags.all())
            self.artifact(accessory.pk, tuple(name for name in names if name.startswith(named)))

    def _push(self, row: Artifact, tags: tuple[str, ...]) -> None:
        algorithm = parse_digest(row.digest).algorithm
        manifest = parse_manifest(bytes(row.manifest), content_type=row.media_type, algorithm=algorithm)
        source, there = repository_find(self._source), repository_find(self._target)
        present = blobs_find(there, [str(blob.digest) for blob in manifest.blobs]) if there else {}
        for blob in manifest.blobs:
            if str(blob.digest) not in present:
                blob_mount(
                    actor=self._actor,
                    project=self._project,
                    repository_name=self._target,
                    digest=blob.digest,
                    source=source,
                )
        manifest_push(
            actor=self._actor,
            project=self._project,
            repository_name=self._target,
            manifest=manifest,
            tags=tags,
        )
