"""Manifests pushed: checked, linked, tagged, told, paid for, in one transaction."""

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError
from django.utils import timezone

from apps.accounts.security import SecurityContext
from apps.artifacts.accessories import AccessoryLink, accessory_link
from apps.artifacts.contents import Content, annotations_shown, content_of
from apps.artifacts.errors import ManifestBlobUnknownError, RepositoryUnknownError
from apps.artifacts.gates import Push, gates
from apps.artifacts.models import Artifact, ArtifactBlob, ArtifactReference, Repository, TagMove
from apps.artifacts.selectors import children_find, manifest_find, repository_find, require_repository
from apps.artifacts.services.expiry import expiry_of_image
from apps.artifacts.services.links import (
    blob_ensure,
    blobs_hold,
    project_blobs_link,
    repository_blobs_link,
    storage_charge,
    storage_refusal_recorded,
)
from apps.artifacts.services.repositories import repository_ensure
from apps.artifacts.services.tags import TagPlace, Target, tags_point
from apps.artifacts.types import BlobRef, PushResult
from apps.common.database import again_after_deadlock, release_connection, write_atomic
from apps.common.fields import json_storable
from apps.common.stamps import repository_key, touch
from apps.common.steps import step
from apps.events.bus import publish
from apps.events.catalogue import ArtifactPushed
from apps.oci.digests import parse_digest
from apps.oci.errors import ManifestInvalidError
from apps.oci.manifests import Manifest, parse_manifest
from apps.projects.types import ProjectRef

_ATTEMPTS = 3


def manifest_push(
    *,
    actor: SecurityContext,
    project: ProjectRef,
    repository_name: str,
    manifest: Manifest,
    tags: tuple[str, ...],
) -> PushResult:
    """Store a manifest in a repository and point ``tags`` to it.

    Every blob that it needs must be in the repository (:class:`ManifestBlobUnknownError` names those that are
    not) with the size that it says; children of an index and the subject may come later. What the gates refuse
    is raised, and nothing is changed then.
    """
    require_repository(actor, project, repository_name, resource="repository", action="push")
    content = content_of(manifest, lambda digest: _child(repository_name, digest))
    for _ in range(_ATTEMPTS):
        try:
            return _push(actor, project, repository_name, manifest, content, tags)
        except IntegrityError:
            # Another push of the same manifest came first, or a deletion: look again at what is there.
            continue
        finally:
            release_connection()
    raise RepositoryUnknownError(
        f"project {project.name}, the repository or a blob of it was deleted during the push; push again"
    )


def _child(repository_name: str, digest: str) -> Manifest | None:
    """A manifest that an index being pushed names, if it has come before it."""
    repository = repository_find(repository_name)
    found = manifest_find(repository.id, digest) if repository else None
    if found is None:
        return None
    algorithm = parse_digest(digest).algorithm
    return parse_manifest(found.raw, content_type=found.media_type, algorithm=algorithm)


@again_after_deadlock
def _push(
    actor: SecurityContext,
    project: ProjectRef,
    repository_name: str,
    manifest: Manifest,
    content: Content,
    tags: tuple[str, ...],
) -> PushResult:
    with (
        storage_refusal_recorded(project_id=project.id, operator=actor.name, repository_name=repository_name),
        write_atomic(),
    ):
        blobs = _required_blobs(repository_name, manifest)
        step("manifest: blobs held")
        push = Push(
            operator=actor.name,
            project_id=project.id,
            repository_name=repository_name,
            manifest=manifest,
            tags=tags,
        )
        for gate in gates.push:
            gate.check_push(push)
        return _store(actor.name, project, repository_name, manifest, content, blobs, tags)


def _required_blobs(repository_name: str, manifest: Manifest) -> dict[str, BlobRef]:
    wanted = {str(descriptor.digest): descriptor for descriptor in manifest.blobs}
    repository = repository_find(repository_name)
    found = blobs_hold(repository_id=repository.id, digests=wanted) if repository else {}
    missing = [digest for digest in wanted if digest not in found]
    if missing:
        # Where a collector died between its commit and this, other processes still say that the blobs are there.
        touch(repository_key(repository_name))
        raise ManifestBlobUnknownError(
            f"blobs that the manifest needs are not in {repository_name}: {', '.join(missing)}",
            detail=[{"digest": digest} for digest in missing],
        )
    for digest, descriptor in wanted.items():
        if found[digest].size != descriptor.size:
            raise ManifestInvalidError(
                f"{digest} has {found[digest].size} bytes, the manifest says {descriptor.size}"
            )
    return found


def _store(
    operator: str,
    project: ProjectRef,
    repository_name: str,
    manifest: Manifest,
    content: Content,
    blobs: Mapping[str, BlobRef],
    tags: tuple[str, ...],
) -> PushResult:
    now = timezone.now()
    digest = str(manifest.digest)
    repository_id = repository_ensure(project=project, name=repository_name)
    touch(repository_key(repository_name))
    artifact_id = Artifact.objects.filter(repository_id=repository_id, digest=digest).values_list(
        "pk", flat=True
    )
    existing = artifact_id.select_for_update(no_key=True).first()
    manifest_blob = blob_ensure(digest=digest, size=len(manifest.raw), stored=False)
    sizes = {blob.id: blob.size for blob in blobs.values()} | {manifest_blob: len(manifest.raw)}
    link = accessory_link(manifest, tags)
    if existing is None:
        created = _insert(project.id, repository_id, manifest, content, link, list(sizes), now)
    elif link is not None and manifest.subject is None:
        # A signature that came without the tag by which it is one.
        Artifact.objects.filter(pk=existing).update(
            subject_digest=link.subject_digest, accessory_type=link.type
        )
    target = Target(existing or created, digest)
    place = TagPlace(
        operator=operator,
        project_id=project.id,
        repository_id=repository_id,
        repository_name=repository_name,
        at=now,
        reason=TagMove.PUSHED,
    )
    moved = tags_point(
        place=place,
        targets=dict.fromkeys(tags, target),
        expires_at=expiry_of_image(content.extra_attrs, now=now),
    )
    if existing is None or moved:
        _tell(place, target, tags)
    repository_blobs_link(repository_id=repository_id, blob_ids=[blob.id for blob in blobs.values()])
    added = project_blobs_link(project_id=project.id, sizes=sizes)
    # Late, like the quota: pushes to one repository wait for each other from here on.
    Repository.objects.filter(pk=repository_id).update(update_time=now, listed=True)
    storage_charge(project_id=project.id, delta=added, operator=operator, repository_name=repository_name)
    step("manifest: stored")
    return PushResult(artifact_id=target.artifact_id, created=existing is None)


def _tell(place: TagPlace, target: Target, tags: tuple[str, ...]) -> None:
    publish(
        ArtifactPushed(
            operator=place.operator,
            occurred_at=place.at,
            project_id=place.project_id,
            repository_id=place.repository_id,
            repository_name=place.repository_name,
            artifact_id=target.artifact_id,
            digest=target.digest,
            tags=tags,
        )
    )


def _insert(
    project_id: int,
    repository_id: int,
    manifest: Manifest,
    content: Content,
    link: AccessoryLink | None,
    blob_ids: list[int],
    now: datetime,
) -> int:
    digest = str(manifest.digest)
    children = children_find(repository_id, [str(child.digest) for child in manifest.manifests])
    artifact = Artifact.objects.create(
        repository_id=repository_id,
        project_id=project_id,
        digest=digest,
        media_type=manifest.media_type,
        artifact_type=manifest.artifact_type or "",
        config_media_type=content.media_type,
        type=content.type,
        manifest=manifest.raw,
        size=manifest.total_size + sum(child.size for child in children.values()),
        annotations=json_storable(annotations_shown(manifest.annotations)),
        extra_attrs=json_storable(content.extra_attrs),
        icon=content.icon,
        subject_digest=link.subject_digest if link else "",
        accessory_type=link.type if link else "",
        push_time=now,
    )
    ArtifactBlob.objects.bulk_create(ArtifactBlob(artifact=artifact, blob_id=blob_id) for blob_id in blob_ids)
    if manifest.manifests:
        ArtifactReference.objects.bulk_create(
            ArtifactReference(
                parent=artifact,
                child_id=children[str(child.digest)].id if str(child.digest) in children else None,
                child_digest=str(child.digest),
                platform=json_storable(child.platform or {}),
                annotations=json_storable(child.annotations),
                urls=json_storable(child.urls),
            )
            for child in manifest.manifests
        )
    # An index that came before this child knows it from now on.
    ArtifactReference.objects.filter(
        child_digest=digest, child=None, parent__repository_id=repository_id
    ).update(child=artifact)
    return artifact.pk
