"""Repositories: made by the first push, described, deleted."""

from django.db import connection
from django.utils import timezone

from apps.accounts.security import SecurityContext
from apps.artifacts.errors import RepositoryUnknownError
from apps.artifacts.models import (
    Artifact,
    ArtifactBlob,
    ArtifactLabel,
    ArtifactReference,
    Repository,
    RepositoryBlob,
    Tag,
    TrashEntry,
)
from apps.artifacts.selectors import repository_find, repository_require
from apps.artifacts.services.artifacts import artifacts_gate_deletion
from apps.artifacts.services.history import REASONS_OF_TRASH, repository_tags_gone_record
from apps.artifacts.services.links import project_blobs_release, repository_hold, storage_charge
from apps.artifacts.services.trash import chunks, trash_put
from apps.common.database import again_after_deadlock, delete_rows, sql_time, write_atomic
from apps.common.stamps import repository_key, touch
from apps.events.bus import publish
from apps.events.catalogue import RepositoryDeleted, RepositoryUpdated
from apps.projects.types import ProjectRef


def repository_ensure(*, project: ProjectRef, name: str) -> int:
    """The id of a repository, made if it is not there and held until commit. Only inside a transaction, first."""
    if (found := repository_find(name)) and repository_hold(repository_id=found.id):
        return found.id
    now = sql_time(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO repository (project_id, name, description, pull_count, listed, creation_time, update_time)"
            " VALUES (%s, %s, '', 0, %s, %s, %s) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
            [project.id, name, False, now, now],
        )
        return int(cursor.fetchone()[0])


def repository_update(*, actor: SecurityContext, repository_name: str, description: str) -> None:
    """Change the description."""
    row = repository_require(actor=actor, name=repository_name, resource="repository", action="update")
    with write_atomic():
        Repository.objects.filter(pk=row.pk).update(description=description, update_time=timezone.now())
        publish(
            RepositoryUpdated(operator=actor.name, project_id=row.project_id, repository_name=repository_name)
        )


@again_after_deadlock
def repository_delete(
    *, actor: SecurityContext, repository_name: str, reason: str = TrashEntry.PERSON
) -> None:
    """Move a repository with its artifacts and tags into the trash; the gates may refuse each of them.

    ``reason`` is one of ``TrashEntry.REASONS``. What only began to be pushed (``listed`` is False) leaves no entry.
    """
    row = repository_require(actor=actor, name=repository_name, resource="repository", action="delete")
    with write_atomic():
        locked = Repository.objects.select_for_update().filter(pk=row.pk).first()
        if locked is None:
            raise RepositoryUnknownError(f"repository {repository_name} not found")
        _contents_hold(locked)
        artifacts_gate_deletion(operator=actor.name, repository=locked)
        at = timezone.now()
        if locked.listed:
            trash_put(
                operator=actor.name,
                reason=reason,
                repository=locked,
                kind=TrashEntry.REPOSITORY,
                at=at,
            )
        repository_tags_gone_record(
            operator=actor.name,
            project_id=locked.project_id,
            repository_id=locked.pk,
            repository_name=repository_name,
            reason=REASONS_OF_TRASH[reason],
            at=at,
        )
        blob_ids = _repository_drop(locked)
        publish(
            RepositoryDeleted(
                operator=actor.name,
                occurred_at=at,
                project_id=locked.project_id,
                repository_id=row.pk,
                repository_name=repository_name,
            )
        )
        # In order of the blobs, as their locks are taken.
        freed = sum(
            project_blobs_release(project_id=locked.project_id, blob_ids=ids, even_if_linked=False)
            for ids in chunks(blob_ids)
        )
        storage_charge(project_id=locked.project_id, delta=-freed, operator=actor.name)
        touch(repository_key(repository_name))


def _contents_hold(row: Repository) -> None:
    """Let nobody label an artifact or remove a tag until commit: those who do have no lock on the repository."""
    held = (Artifact.objects.order_by("pk"), Tag.objects.order_by("name"))
    for rows in held:
        list(rows.select_for_update().filter(repository=row).values_list("pk", flat=True))


def _repository_drop(row: Repository) -> set[int]:
    """Delete a repository's rows, a statement a table; returns the blobs that it linked or needed."""
    artifacts = Artifact.objects.filter(repository_id=row.pk)
    needed = ArtifactBlob.objects.filter(artifact__in=artifacts)
    linked = RepositoryBlob.objects.filter(repository_id=row.pk)
    blob_ids = {*needed.values_list("blob_id", flat=True), *linked.values_list("blob_id", flat=True)}
    delete_rows(Tag.objects.filter(repository_id=row.pk))
    delete_rows(ArtifactLabel.objects.filter(artifact__in=artifacts))
    delete_rows(needed)
    delete_rows(ArtifactReference.objects.filter(parent__in=artifacts))
    delete_rows(artifacts)
    delete_rows(linked)
    delete_rows(Repository.objects.filter(pk=row.pk))
    return blob_ids
