"""Copies between repositories: links and rows, never bytes."""

from apps.accounts.security import SecurityContext, require_project
from apps.artifacts.models import Artifact, ArtifactReference
from apps.artifacts.selectors import artifact_row, blobs_find, repository_find, repository_row
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
    """Copy an artifact, with its children and, if ``source_reference`` is a tag, that tag; returns its digest.

    The gates of the target hold as for a push. Killed half-way it leaves links and children, no broken index:
    children go before their index.
    """
    source = repository_row(source_repository)
    require_project(
        actor, source.project_id, public=source.project.public, resource="repository", action="pull"
    )
    require_project(actor, project.id, public=project.public, resource="artifact", action="create")
    artifact = artifact_row(source, source_reference)
    tags = () if ":" in source_reference else (source_reference,)
    _copy(actor, artifact.pk, source_repository, project, target_repository, tags)
    return artifact.digest


def _copy(
    actor: SecurityContext,
    artifact_id: int,
    source_repository: str,
    project: ProjectRef,
    target: str,
    tags: tuple[str, ...],
) -> None:
    children = ArtifactReference.objects.filter(parent_id=artifact_id, child__isnull=False)
    for child_id in children.values_list("child_id", flat=True).distinct():
        if child_id is not None:
            _copy(actor, child_id, source_repository, project, target, ())
    row = Artifact.objects.only("manifest", "media_type", "digest").get(pk=artifact_id)
    digest = parse_digest(row.digest)
    manifest = parse_manifest(bytes(row.manifest), content_type=row.media_type, algorithm=digest.algorithm)
    source = repository_find(source_repository)
    there = repository_find(target)
    present = blobs_find(there, [str(blob.digest) for blob in manifest.blobs]) if there else {}
    for blob in manifest.blobs:
        if str(blob.digest) not in present:
            blob_mount(
                actor=actor, project=project, repository_name=target, digest=blob.digest, source=source
            )
    manifest_push(actor=actor, project=project, repository_name=target, manifest=manifest, tags=tags)
