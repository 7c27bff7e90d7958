"""Tags: pointed by a push or by hand, removed."""

from datetime import datetime

from django.db import IntegrityError, connection
from django.utils import timezone

from apps.accounts.security import SecurityContext, require_project
from apps.artifacts.errors import ManifestUnknownError, TagExistsError, TagUnknownError
from apps.artifacts.gates import TagChange, gates
from apps.artifacts.models import Tag
from apps.artifacts.selectors import artifact_row, repository_row
from apps.common.database import again_after_deadlock, write_atomic
from apps.common.stamps import repository_key, touch
from apps.events.bus import publish
from apps.events.catalogue import TagCreated, TagDeleted
from apps.oci.references import check_tag


def tags_point(
    *,
    operator: str,
    project_id: int,
    repository_id: int,
    repository_name: str,
    artifact_id: int,
    digest: str,
    tags: tuple[str, ...],
    at: datetime,
) -> bool:
    """Point tags to an artifact, inside the caller's transaction; returns whether any was new or moved.

    A tag that points there already only gets a new push time.
    """
    if not tags:
        return False
    rows = Tag.objects.filter(repository_id=repository_id, name__in=tags).order_by("name")
    before = {
        name: (tag_artifact, tag_digest)
        for name, tag_artifact, tag_digest in rows.select_for_update(of=("self",)).values_list(
            "name", "artifact_id", "artifact__digest"
        )
    }
    for tag in tags:
        previous = before.get(tag, (0, ""))[1]
        change = TagChange(
            operator=operator,
            project_id=project_id,
            repository_name=repository_name,
            tag=tag,
            digest=digest,
            previous_digest=previous,
        )
        for gate in gates.tag:
            gate.check_tag(change)
    with connection.cursor() as cursor:
        for tag in sorted(set(tags)):
            cursor.execute(
                "INSERT INTO tag (repository_id, artifact_id, name, push_time) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (repository_id, name)"
                " DO UPDATE SET artifact_id = excluded.artifact_id, push_time = excluded.push_time",
                [repository_id, artifact_id, tag, at],
            )
    moved = [tag for tag in tags if before.get(tag, (0, ""))[0] != artifact_id]
    for tag in moved:
        publish(
            TagCreated(
                operator=operator,
                occurred_at=at,
                project_id=project_id,
                repository_id=repository_id,
                repository_name=repository_name,
                tag=tag,
                digest=digest,
                previous_digest=before.get(tag, (0, ""))[1],
            )
        )
    return bool(moved)


@again_after_deadlock
def tag_create(*, actor: SecurityContext, repository_name: str, reference: str, tag: str) -> None:
    """Give an artifact one more tag; raises :class:`TagExistsError` if the name is taken."""
    check_tag(tag)
    repository = repository_row(repository_name)
    require_project(
        actor, repository.project_id, public=repository.project.public, resource="tag", action="create"
    )
    artifact = artifact_row(repository, reference)
    try:
        with write_atomic():
            if Tag.objects.filter(repository=repository, name=tag).exists():
                raise TagExistsError(f"tag {tag} already exists in {repository_name}")
            touch(repository_key(repository_name))
            tags_point(
                operator=actor.name,
                project_id=repository.project_id,
                repository_id=repository.pk,
                repository_name=repository_name,
                artifact_id=artifact.pk,
                digest=artifact.digest,
                tags=(tag,),
                at=timezone.now(),
            )
    except IntegrityError:
        raise ManifestUnknownError(
            f"artifact {reference} of {repository_name} was deleted at this moment"
        ) from None


@again_after_deadlock
def tag_delete(
    *, actor: SecurityContext, repository_name: str, tag: str, reference: str | None = None
) -> None:
    """Remove a tag; its artifact stays. With ``reference`` the tag must be of that artifact."""
    repository = repository_row(repository_name)
    require_project(
        actor, repository.project_id, public=repository.project.public, resource="tag", action="delete"
    )
    artifact = artifact_row(repository, reference) if reference is not None else None
    with write_atomic():
        row = (
            Tag.objects.select_for_update(of=("self",))
            .filter(repository=repository, name=tag)
            .select_related("artifact")
            .only("id", "name", "artifact__id", "artifact__digest")
            .first()
        )
        if row is None or (artifact is not None and row.artifact_id != artifact.pk):
            raise TagUnknownError(f"tag {tag} not found in {repository_name}", detail={"tag": tag})
        change = TagChange(
            operator=actor.name,
            project_id=repository.project_id,
            repository_name=repository_name,
            tag=tag,
            digest="",
            previous_digest=row.artifact.digest,
        )
        for gate in gates.tag:
            gate.check_tag(change)
        touch(repository_key(repository_name))
        digest = row.artifact.digest
        row.delete()
        publish(
            TagDeleted(
                operator=actor.name,
                project_id=repository.project_id,
                repository_id=repository.pk,
                repository_name=repository_name,
                tag=tag,
                digest=digest,
            )
        )
