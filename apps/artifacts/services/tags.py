"""Tags: pointed by a push or by hand, removed."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import IntegrityError, connection
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.security import SecurityContext, require_project
from apps.artifacts.errors import ManifestUnknownError, TagExistsError, TagUnknownError
from apps.artifacts.models import Repository, Tag, TrashEntry
from apps.artifacts.selectors import artifact_row, repository_row
from apps.artifacts.services.history import Move, tag_moves_record
from apps.artifacts.services.tag_gates import tag_gates_ask
from apps.artifacts.services.trash import trash_put_tags
from apps.artifacts.types import repository_path
from apps.common.database import again_after_deadlock, delete_rows, write_atomic
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
    expires_at: datetime | None = None,
    only_new: bool = False,
) -> bool:
    """Point tags to an artifact, inside the caller's transaction; returns whether any was new or moved.

    A tag that points there already only gets a new push time. ``expires_at`` replaces what the tags had, None for
    never. With ``only_new`` a tag that exists is a :class:`TagExistsError`.
    """
    moves: dict[str, Move] = {}
    pending = sorted(set(tags))
    # A second round only for tags that another transaction made between our look and our insert.
    while pending:
        before = _held(repository_id, pending)
        if only_new and before:
            raise _exists(min(before), repository_name)
        for tag in pending:
            moves[tag] = Move(tag, before[tag][1] if tag in before else "", digest)
            tag_gates_ask(
                operator=operator, project_id=project_id, repository_name=repository_name, move=moves[tag]
            )
        raced = _write(repository_id, artifact_id, pending, before, at, expires_at)
        if only_new and raced:
            raise _exists(raced[0], repository_name)
        pending = raced
    moved = [move for move in moves.values() if move.previous != digest]
    if not moved:
        return False
    tag_moves_record(
        operator=operator, project_id=project_id, repository_name=repository_name, moves=moved, at=at
    )
    for move in moved:
        publish(
            TagCreated(
                operator=operator,
                occurred_at=at,
                project_id=project_id,
                repository_id=repository_id,
                repository_name=repository_name,
                tag=move.tag,
                digest=digest,
                previous_digest=move.previous,
            )
        )
    return True


_MOVE = "UPDATE tag SET artifact_id = %s, push_time = %s, expires_at = %s WHERE id = %s"
_INSERT = (
    "INSERT INTO tag (repository_id, artifact_id, name, push_time, expires_at) VALUES (%s, %s, %s, %s, %s)"
    " ON CONFLICT (repository_id, name) DO NOTHING"
)


def _write(
    repository_id: int,
    artifact_id: int,
    tags: Sequence[str],
    before: Mapping[str, tuple[int, str]],
    at: datetime,
    expires_at: datetime | None,
) -> list[str]:
    """Move the tags of ``before``, insert the others; returns those that somebody else has inserted meanwhile."""
    raced = []
    with connection.cursor() as cursor:
        for tag in tags:
            if tag in before:
                cursor.execute(_MOVE, [artifact_id, at, expires_at, before[tag][0]])
            else:
                cursor.execute(_INSERT, [repository_id, artifact_id, tag, at, expires_at])
                if not cursor.rowcount:
                    raced.append(tag)
    return raced


def _held(repository_id: int, tags: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Lock those of the tags that are there: id and digest by name."""
    rows = Tag.objects.filter(repository_id=repository_id, name__in=tags).order_by("name")
    return {
        name: (pk, digest)
        for pk, name, digest in rows.select_for_update(of=("self",)).values_list(
            "id", "name", "artifact__digest"
        )
    }


def _exists(tag: str, repository_name: str) -> TagExistsError:
    return TagExistsError(f"tag {tag} already exists in {repository_name}")


@again_after_deadlock
def tag_create(
    *,
    actor: SecurityContext,
    repository_name: str,
    reference: str,
    tag: str,
    expires_at: datetime | None = None,
) -> None:
    """Give an artifact one more tag; raises :class:`TagExistsError` if the name is taken.

    ``expires_at`` is when it goes into the trash by itself, None for never.
    """
    check_tag(tag)
    repository = repository_row(repository_name)
    require_project(
        actor,
        repository.project_id,
        public=repository.project.public,
        resource="tag",
        action="create",
        repository=repository_path(repository_name),
    )
    artifact = artifact_row(repository, reference)
    try:
        with write_atomic():
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
                expires_at=expires_at,
                only_new=True,
            )
    except IntegrityError:
        raise ManifestUnknownError(
            f"artifact {reference} of {repository_name} was deleted at this moment"
        ) from None


@again_after_deadlock
def tag_delete(
    *,
    actor: SecurityContext,
    repository_name: str,
    tag: str,
    reference: str | None = None,
    reason: str = TrashEntry.PERSON,
) -> None:
    """Move a tag into the trash; its artifact stays. With ``reference`` the tag must be of that artifact.

    ``reason`` is one of ``TrashEntry.REASONS``.
    """
    repository = repository_row(repository_name)
    require_project(
        actor,
        repository.project_id,
        public=repository.project.public,
        resource="tag",
        action="delete",
        repository=repository_path(repository_name),
    )
    artifact = artifact_row(repository, reference) if reference is not None else None
    with write_atomic():
        row = tags_hold(repository=repository).filter(name=tag).first()
        if row is None or (artifact is not None and row.artifact_id != artifact.pk):
            raise TagUnknownError(f"tag {tag} not found in {repository_name}", detail={"tag": tag})
        tags_remove(operator=actor.name, reason=reason, repository=repository, tags=[row], at=timezone.now())


def tags_hold(*, repository: Repository) -> QuerySet[Tag]:
    """The tags of a repository, locked as they are read, with what the trash keeps of their artifacts."""
    return (
        Tag.objects.select_for_update(of=("self",))
        .filter(repository=repository)
        .select_related("artifact")
        .defer("artifact__manifest", "artifact__annotations", "artifact__extra_attrs")
        .order_by("name")
    )


def tags_remove(
    *,
    operator: str,
    reason: str,
    repository: Repository,
    tags: Sequence[Tag],
    at: datetime,
) -> None:
    """Move locked tags of one repository into the trash, inside the caller's transaction; a gate may refuse each."""
    moves = [Move(tag.name, tag.artifact.digest, "") for tag in tags]
    for move in moves:
        tag_gates_ask(
            operator=operator,
            project_id=repository.project_id,
            repository_name=repository.name,
            move=move,
        )
    touch(repository_key(repository.name))
    trash_put_tags(operator=operator, reason=reason, repository=repository, tags=tags, at=at)
    tag_moves_record(
        operator=operator,
        project_id=repository.project_id,
        repository_name=repository.name,
        moves=moves,
        at=at,
    )
    delete_rows(Tag.objects.filter(pk__in=[tag.pk for tag in tags]))
    for move in moves:
        publish(
            TagDeleted(
                operator=operator,
                occurred_at=at,
                project_id=repository.project_id,
                repository_id=repository.pk,
                repository_name=repository.name,
                tag=move.tag,
                digest=move.previous,
            )
        )
