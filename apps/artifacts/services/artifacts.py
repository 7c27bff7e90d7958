"""Artifacts deleted and copied."""

from django.db.models import Prefetch
from django.utils import timezone

from apps.accounts.security import SecurityContext, require_project
from apps.artifacts.errors import ArtifactReferencedError, ManifestUnknownError
from apps.artifacts.gates import Deletion, gates
from apps.artifacts.models import Artifact, ArtifactBlob, ArtifactReference, Repository, Tag
from apps.artifacts.selectors import artifact_row, repository_row
from apps.artifacts.services.links import project_blobs_release, repository_hold, storage_charge
from apps.common.database import again_after_deadlock, delete_rows, write_atomic
from apps.common.stamps import repository_key, touch
from apps.events.bus import publish
from apps.events.catalogue import ArtifactDeleted


@again_after_deadlock
def artifact_delete(*, actor: SecurityContext, repository_name: str, reference: str) -> None:
    """Delete an artifact and the tags that point to it.

    A child of an index cannot go before it (:class:`ArtifactReferencedError`). What only this artifact needed
    is no longer paid for; the bytes go at collection.
    """
    repository = repository_row(repository_name)
    require_project(
        actor, repository.project_id, public=repository.project.public, resource="artifact", action="delete"
    )
    artifact = artifact_row(repository, reference)
    with write_atomic():
        repository_hold(repository_id=repository.pk)
        locked = Artifact.objects.select_for_update().filter(pk=artifact.pk).only("pk")
        if not locked.exists():
            raise ManifestUnknownError(f"artifact {reference} not found in {repository_name}")
        if ArtifactReference.objects.filter(child=artifact).exists():
            raise ArtifactReferencedError("the deleting artifact is referenced by others")
        tags = tuple(
            Tag.objects.select_for_update()
            .filter(artifact=artifact)
            .order_by("name")
            .values_list("name", flat=True)
        )
        _check(actor.name, repository, artifact.digest, tags)
        touch(repository_key(repository_name))
        blob_ids = list(ArtifactBlob.objects.filter(artifact=artifact).values_list("blob_id", flat=True))
        delete_rows(Tag.objects.filter(artifact=artifact))
        delete_rows(ArtifactBlob.objects.filter(artifact=artifact))
        delete_rows(ArtifactReference.objects.filter(parent=artifact))
        delete_rows(Artifact.objects.filter(pk=artifact.pk))
        publish(
            ArtifactDeleted(
                operator=actor.name,
                project_id=repository.project_id,
                repository_id=repository.pk,
                repository_name=repository_name,
                artifact_id=artifact.pk,
                digest=artifact.digest,
                tags=tags,
            )
        )
        freed = project_blobs_release(
            project_id=repository.project_id, blob_ids=blob_ids, even_if_linked=True
        )
        Repository.objects.filter(pk=repository.pk).update(update_time=timezone.now())
        storage_charge(project_id=repository.project_id, delta=-freed, operator=actor.name)


def artifacts_gate_deletion(*, operator: str, repository: Repository) -> None:
    """Ask the gates about each artifact of a repository that is about to go."""
    if not gates.delete:
        return
    artifacts = (
        Artifact.objects.filter(repository=repository)
        .only("pk", "digest")
        .prefetch_related(Prefetch("tags", Tag.objects.only("artifact_id", "name")))
    )
    for artifact in artifacts.iterator(chunk_size=1000):
        _check(operator, repository, artifact.digest, tuple(tag.name for tag in artifact.tags.all()))


def _check(operator: str, repository: Repository, digest: str, tags: tuple[str, ...]) -> None:
    deletion = Deletion(
        operator=operator,
        project_id=repository.project_id,
        repository_name=repository.name,
        digest=digest,
        tags=tags,
    )
    for gate in gates.delete:
        gate.check_delete(deletion)
