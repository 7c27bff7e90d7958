"""Repositories: made by the first push, described, deleted."""

from django.db import connection
from django.utils import timezone

from apps.accounts.security import SecurityContext, require_project
from apps.artifacts.errors import RepositoryUnknownError
from apps.artifacts.models import Artifact, ArtifactBlob, ArtifactReference, Repository, RepositoryBlob, Tag
from apps.artifacts.selectors import repository_find, repository_row
from apps.artifacts.services.artifacts import artifacts_gate_deletion
from apps.artifacts.services.links import project_blobs_release, repository_hold, storage_charge
from apps.common.database import again_after_deadlock, write_atomic
from apps.common.stamps import repository_key, touch
from apps.events.bus import publish
from apps.events.catalogue import RepositoryDeleted, RepositoryUpdated
from apps.projects.types import ProjectRef


def repository_ensure(*, project: ProjectRef, name: str) -> int:
    """The id of a repository, made if it is not there and held until commit. Only inside a transaction, first."""
    if (found := repository_find(name)) and repository_hold(repository_id=found.id):
        return found.id
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO repository (project_id, name, description, pull_count, listed, creation_time, update_time)"
            " VALUES (%s, %s, '', 0, %s, %s, %s) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
            [project.id, name, False, now, now],
        )
        return int(cursor.fetchone()[0])


def repository_update(*, actor: SecurityContext, repository_name: str, description: str) -> None:
    """Change the description."""
    row = repository_row(repository_name)
    require_project(actor, row.project_id, public=row.project.public, resource="repository", action="update")
    with write_atomic():
        Repository.objects.filter(pk=row.pk).update(description=description, update_time=timezone.now())
        publish(
            RepositoryUpdated(operator=actor.name, project_id=row.project_id, repository_name=repository_name)
        )


@again_after_deadlock
def repository_delete(*, actor: SecurityContext, repository_name: str) -> None:
    """Delete a repository with its artifacts and tags; the gates may refuse each of them."""
    row = repository_row(repository_name)
    require_project(actor, row.project_id, public=row.project.public, resource="repository", action="delete")
    with write_atomic():
        if not Repository.objects.select_for_update().filter(pk=row.pk).exists():
            raise RepositoryUnknownError(f"repository {repository_name} not found")
        artifacts_gate_deletion(operator=actor.name, repository=row)
        blob_ids = list(
            ArtifactBlob.objects.filter(artifact__repository=row).values_list("blob_id", flat=True).distinct()
        ) + list(RepositoryBlob.objects.filter(repository=row).values_list("blob_id", flat=True))
        Tag.objects.filter(repository=row).delete()
        ArtifactBlob.objects.filter(artifact__repository=row).delete()
        ArtifactReference.objects.filter(parent__repository=row).delete()
        Artifact.objects.filter(repository=row).delete()
        RepositoryBlob.objects.filter(repository=row).delete()
        row_id = row.pk
        row.delete()
        publish(
            RepositoryDeleted(
                operator=actor.name,
                project_id=row.project_id,
                repository_id=row_id,
                repository_name=repository_name,
            )
        )
        freed = project_blobs_release(project_id=row.project_id, blob_ids=set(blob_ids), even_if_linked=False)
        storage_charge(project_id=row.project_id, delta=-freed, operator=actor.name)
        touch(repository_key(repository_name))
