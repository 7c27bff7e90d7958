"""One deletion undone, in one transaction."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.db import IntegrityError, connection

from apps.accounts.security import SecurityContext
from apps.artifacts.models import Artifact, Repository, Tag, TagMove, TrashedArtifact, TrashedTag, TrashEntry
from apps.artifacts.selectors import require_repository, trash_entry_row, trashed_find
from apps.artifacts.services.history import Move, tag_moves_record
from apps.artifacts.services.links import storage_refusal_recorded
from apps.artifacts.services.returns import (
    Return,
    TrashChangedError,
    artifacts_return,
    return_begin,
    return_end,
)
from apps.artifacts.services.tag_gates import tag_gates_ask
from apps.artifacts.services.trash import CHUNK, trash_drop
from apps.artifacts.types import Restored
from apps.common.database import again_after_deadlock, sql_time, write_atomic
from apps.common.errors import ConflictError, NotFoundError, PreconditionError
from apps.events.bus import publish
from apps.events.catalogue import ArtifactRestored, RepositoryRestored, TagRestored
from apps.events.event import Event
from apps.projects.types import ProjectRef

_ATTEMPTS = 3

Value = TypeVar("Value")


def trash_restore(*, actor: SecurityContext, project_id: int, entry_id: int) -> Restored:
    """Bring back what one deletion took: the repository, artifacts and what belongs to them, tags, labels.

    A tag that exists again stays where it is, and so does an artifact that was pushed again. The gates hold as for
    a push, and what comes back is paid for. Raises :class:`NotFoundError` when the entry is not in the project's
    trash (any more), :class:`PreconditionError` when the artifact of a tag is gone; nothing is changed then.
    """
    entry = trash_entry_row(project_id=project_id, entry_id=entry_id)
    project = entry.project.ref
    for action in ("create", "delete"):
        require_repository(actor, project, entry.repository_name, resource="artifact", action=action)
    for _ in range(_ATTEMPTS):
        try:
            return _restore(actor.name, project, entry.pk, entry.repository_name)
        except (IntegrityError, TrashChangedError):
            # A push of the same manifest came first, or a deletion: look again at what is there.
            continue
    raise ConflictError(f"{entry.repository_name} is being changed at this moment; restore again")


@again_after_deadlock
def _restore(operator: str, project: ProjectRef, entry_id: int, repository_name: str) -> Restored:
    with storage_refusal_recorded(project_id=project.id, operator=operator), write_atomic():
        under_way = return_begin(operator=operator, project=project, repository_name=repository_name)
        entry = TrashEntry.objects.select_for_update().filter(pk=entry_id).first()
        if entry is None:
            raise NotFoundError(f"the trash has no entry {entry_id}")
        kept = list(
            TrashedTag.objects.filter(artifact__entry=entry)
            .select_related("artifact")
            .order_by("name")
            .only("name", "push_time", "pull_time", "expires_at", "artifact__digest")
        )
        if entry.kind == TrashEntry.TAG:
            row_ids = _artifact_of_tag(under_way, entry)
        else:
            row_ids = list(TrashedArtifact.objects.filter(entry=entry).values_list("pk", flat=True))
        names: dict[str, tuple[str, ...]] = defaultdict(tuple)
        for tag in kept:
            names[tag.artifact.digest] += (tag.name,)
        artifacts_return(under_way, row_ids, names)
        tags = _tags_return(under_way, kept)
        if entry.kind == TrashEntry.REPOSITORY:
            Repository.objects.filter(pk=under_way.repository_id, description="").update(
                description=entry.description
            )
        skipped = sorted({tag.name for tag in kept} - set(tags))
        trash_drop(entry_ids=[entry.pk])
        publish(_event(under_way, entry, tags))
        return_end(under_way)
        return Restored(
            repository_name=entry.repository_name,
            artifacts=tuple(sorted(under_way.artifacts)),
            tags=tuple(tags),
            skipped=tuple(skipped),
        )


def _artifact_of_tag(under_way: Return, entry: TrashEntry) -> list[int]:
    """The rows that bring back the artifact of a deleted tag, none if it is there."""
    if Artifact.objects.filter(repository_id=under_way.repository_id, digest=entry.digest).exists():
        return []
    found = trashed_find(
        project_id=under_way.project.id, repository_name=entry.repository_name, digests=[entry.digest]
    )
    if entry.digest not in found:
        raise PreconditionError(f"the artifact {entry.digest} of the tag {entry.tag} is gone")
    return [row.row_id for row in found.values()]


def _tags_return(under_way: Return, kept: Sequence[TrashedTag]) -> list[str]:
    """Point the kept tags to their artifacts again, but for those that exist; returns their names."""
    taken: set[str] = set()
    for some in _some(kept):
        rows = Tag.objects.filter(repository_id=under_way.repository_id, name__in=[tag.name for tag in some])
        taken.update(rows.values_list("name", flat=True))
    missing = [tag for tag in kept if tag.name not in taken]
    digests = {tag.name: tag.artifact.digest for tag in missing}
    for name, digest in digests.items():
        tag_gates_ask(
            operator=under_way.operator,
            project_id=under_way.project.id,
            repository_name=under_way.repository_name,
            move=Move(name, "", digest),
        )
    ids = _artifact_ids(under_way, set(digests.values()))
    made = [name for some in _some(missing) for name in _tags_insert(under_way, some, ids)]
    tag_moves_record(
        operator=under_way.operator,
        project_id=under_way.project.id,
        repository_name=under_way.repository_name,
        moves=[Move(name, "", digests[name]) for name in made],
        reason=TagMove.RESTORED,
    )
    return sorted(made)


def _artifact_ids(under_way: Return, digests: set[str]) -> dict[str, int]:
    """Ids by digest, of those that came back and of those that are there."""
    ids = dict(under_way.artifacts)
    for some in _some(sorted(digests - ids.keys())):
        rows = Artifact.objects.filter(repository_id=under_way.repository_id, digest__in=some)
        ids.update(rows.values_list("digest", "pk"))
    if not digests <= ids.keys():
        raise TrashChangedError
    return ids


def _some(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def _tags_insert(under_way: Return, tags: Sequence[TrashedTag], ids: Mapping[str, int]) -> list[str]:
    values: list[Any] = []
    for tag in tags:
        # One that has passed would take the tag away again within the minute.
        expires_at = tag.expires_at if tag.expires_at and tag.expires_at > under_way.at else None
        times = (tag.push_time, tag.pull_time, expires_at)
        values += [under_way.repository_id, ids[tag.artifact.digest], tag.name]
        values += [sql_time(moment) if moment else None for moment in times]
    places = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(tags))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tag (repository_id, artifact_id, name, push_time, pull_time, expires_at)"  # noqa: S608 (places)
            f" VALUES {places} ON CONFLICT (repository_id, name) DO NOTHING RETURNING name",
            values,
        )
        return [row[0] for row in cursor.fetchall()]


def _event(under_way: Return, entry: TrashEntry, tags: Sequence[str]) -> Event:
    place: dict[str, Any] = {
        "operator": under_way.operator,
        "project_id": under_way.project.id,
        "repository_id": under_way.repository_id,
        "repository_name": under_way.repository_name,
    }
    if entry.kind == TrashEntry.TAG:
        return TagRestored(**place, tag=entry.tag, digest=entry.digest)
    if entry.kind == TrashEntry.ARTIFACT:
        return ArtifactRestored(**place, digest=entry.digest, tags=tuple(tags))
    return RepositoryRestored(**place, time="", tags=tuple(tags))
