"""Tags: pointed by a push or by hand, removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.security import SecurityContext
from apps.artifacts.errors import ManifestUnknownError, TagExistsError, TagUnknownError
from apps.artifacts.models import Repository, Tag, TagMove, TrashEntry
from apps.artifacts.selectors import artifact_row, repository_require
from apps.artifacts.services.history import REASONS_OF_TRASH, Move, tag_moves_record
from apps.artifacts.services.tag_gates import tag_gates_ask
from apps.artifacts.services.trash import CHUNK, chunks, trash_put_tags
from apps.common.database import again_after_deadlock, delete_rows, sql_time, write_atomic
from apps.common.stamps import repository_key, touch
from apps.events.bus import publish
from apps.events.catalogue import TagCreated, TagDeleted
from apps.oci.references import check_tag


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPlace:
    """Where tags move, who moves them, when and why (one of ``TagMove.REASONS``)."""

    operator: str
    project_id: int
    repository_id: int
    repository_name: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Target:
    """The artifact that a tag is to point to."""

    artifact_id: int
    digest: str


def tags_point(
    *,
    place: TagPlace,
    targets: Mapping[str, Target],
    expires_at: datetime | None = None,
    only_new: bool = False,
) -> bool:
    """Point tags to artifacts, inside the caller's transaction; returns whether any was new or moved.

    A tag that points there already only gets a new push time. ``expires_at`` replaces what the tags had, None for
    never. With ``only_new`` a tag that exists is a :class:`TagExistsError`.
    """
    names = sorted(targets)
    moves: dict[str, Move] = {}
    for start in range(0, len(names), CHUNK):
        pending = names[start : start + CHUNK]
        # A second round only for tags that another transaction made between our look and our insert.
        while pending:
            before = _held(place.repository_id, pending)
            if only_new and before:
                raise _exists(min(before), place.repository_name)
            for tag in pending:
                moves[tag] = Move(tag, before[tag][1] if tag in before else "", targets[tag].digest)
                tag_gates_ask(
                    operator=place.operator,
                    project_id=place.project_id,
                    repository_name=place.repository_name,
                    move=moves[tag],
                )
            raced = _write(place, targets, pending, before, expires_at)
            if only_new and raced:
                raise _exists(raced[0], place.repository_name)
            pending = raced
    moved = [move for move in moves.values() if move.previous != move.digest]
    if moved:
        _tell_moved(place, moved)
    return bool(moved)


def _tell_moved(place: TagPlace, moved: Sequence[Move]) -> None:
    tag_moves_record(
        operator=place.operator,
        project_id=place.project_id,
        repository_name=place.repository_name,
        moves=moved,
        reason=place.reason,
    )
    for move in moved:
        publish(
            TagCreated(
                operator=place.operator,
                occurred_at=place.at,
                project_id=place.project_id,
                repository_id=place.repository_id,
                repository_name=place.repository_name,
                tag=move.tag,
                digest=move.digest,
                previous_digest=move.previous,
            )
        )


# Both databases name the columns of VALUES so.
_MOVE = (
    "UPDATE tag SET artifact_id = moved.column2, push_time = %s, expires_at = %s FROM (VALUES {places}) AS moved"
    " WHERE tag.id = moved.column1"
)
_INSERT = (
    "INSERT INTO tag (repository_id, artifact_id, name, push_time, expires_at) VALUES {places}"
    " ON CONFLICT (repository_id, name) DO NOTHING RETURNING name"
)


def _write(
    place: TagPlace,
    targets: Mapping[str, Target],
    tags: Sequence[str],
    before: Mapping[str, tuple[int, str]],
    expires_at: datetime | None,
) -> list[str]:
    """Move the tags of ``before``, insert the others; returns those that somebody else has inserted meanwhile."""
    at = sql_time(place.at)
    until = sql_time(expires_at) if expires_at else None
    ids = [value for tag in tags if tag in before for value in (before[tag][0], targets[tag].artifact_id)]
    new = [tag for tag in tags if tag not in before]
    with connection.cursor() as cursor:
        if ids:
            cursor.execute(_MOVE.format(places=_places("(%s, %s)", len(ids) // 2)), [at, until, *ids])
        if not new:
            return []
        rows = [
            value for tag in new for value in (place.repository_id, targets[tag].artifact_id, tag, at, until)
        ]
        cursor.execute(_INSERT.format(places=_places("(%s, %s, %s, %s, %s)", len(new))), rows)
        made = {row[0] for row in cursor.fetchall()}
    return [tag for tag in new if tag not in made]


def _places(row: str, count: int) -> str:
    return ", ".join([row] * count)


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
    repository = repository_require(actor=actor, name=repository_name, resource="tag", action="create")
    artifact = artifact_row(repository, reference)
    try:
        with write_atomic():
            touch(repository_key(repository_name))
            place = TagPlace(
                operator=actor.name,
                project_id=repository.project_id,
                repository_id=repository.pk,
                repository_name=repository_name,
                at=timezone.now(),
                reason=TagMove.TAGGED,
            )
            tags_point(
                place=place,
                targets={tag: Target(artifact.pk, artifact.digest)},
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
    repository = repository_require(actor=actor, name=repository_name, resource="tag", action="delete")
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
    move_reason: str = "",
) -> None:
    """Move locked tags of one repository into the trash, inside the caller's transaction; a gate may refuse each.

    ``reason`` is for the trash; ``move_reason`` for the history, if that is another one.
    """
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
        reason=move_reason or REASONS_OF_TRASH[reason],
    )
    for ids in chunks(tag.pk for tag in tags):
        delete_rows(Tag.objects.filter(pk__in=ids))
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
