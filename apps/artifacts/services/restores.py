"""One deletion undone, in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection

from apps.accounts.security import SecurityContext, require_project
from apps.artifacts.models import Artifact, Repository, Tag, TrashedArtifact, TrashEntry
from apps.artifacts.selectors import trash_entry_row, trashed_find
from apps.artifacts.services.history import Move, tag_moves_record
from apps.artifacts.services.links import storage_refusal_recorded
from apps.artifacts.services.returns import (
    RepositoryVanishedError,
    Return,
    artifacts_return,
    repository_prepare,
    return_begin,
    return_end,
)
from apps.artifacts.services.tag_gates import tag_gates_ask
from apps.artifacts.services.trash import trash_drop
from apps.artifacts.types import Restored, repository_path
from apps.common.database import again_after_deadlock, write_atomic
from apps.common.errors import ConflictError, NotFoundError, PreconditionError
from apps.events.bus import publish
from apps.events.catalogue import ArtifactRestored, Event, RepositoryRestored, TagRestored
from apps.projects.types import ProjectRef

_ATTEMPTS = 3
_TAGS_A_STATEMENT = 100


def trash_restore(*, actor: SecurityContext, project_id: int, entry_id: int) -> Restored:
    """Bring back what one deletion took: the repository, artifacts and what belongs to them, tags, labels.

    A tag that exists again stays where it is, and so does an artifact that was pushed again. The gates hold as for
    a push, and what comes back is paid for. Raises :class:`NotFoundError` when the entry is not in the project's
    trash (any more), :class:`PreconditionError` when collection has taken a blob; nothing is changed then.
    """
    entry = trash_entry_row(project_id=project_id, entry_id=entry_id)
    for action in ("create", "delete"):
        require_project(
            actor,
            project_id,
            public=entry.project.public,
            resource="artifact",
            action=action,
            repository=repository_path(entry.repository_name),
        )
    project = ProjectRef(entry.project.pk, entry.project.name, entry.project.public)
    for _ in range(_ATTEMPTS):
        try:
            repository_prepare(project=project, repository_name=entry.repository_name)
            return _restore(actor.name, project, entry.pk)
        except (IntegrityError, RepositoryVanishedError):
            # A push of the same manifest came first, or a deletion: look again at what is there.
            continue
    raise ConflictError(f"{entry.repository_name} is being changed at this moment; restore again")


@again_after_deadlock
def _restore(operator: str, project: ProjectRef, entry_id: int) -> Restored:
    with storage_refusal_recorded(project_id=project.id, operator=operator), write_atomic():
        entry = TrashEntry.objects.select_for_update().filter(pk=entry_id).first()
        if entry is None:
            raise NotFoundError(f"the trash has no entry {entry_id}")
        under_way = return_begin(operator=operator, project=project, repository_name=entry.repository_name)
        rows = TrashedArtifact.objects.filter(entry=entry)
        wanted = {digest: kept for digest, kept in rows.values_list("digest", "tags") if kept}
        if entry.kind == TrashEntry.TAG:
            row_ids = _artifact_of_tag(under_way, entry)
        else:
            row_ids = list(rows.values_list("pk", flat=True))
        names = {digest: tuple(tag["name"] for tag in kept) for digest, kept in wanted.items()}
        artifacts_return(under_way, row_ids, names)
        tags = _tags_return(under_way, wanted)
        if entry.kind == TrashEntry.REPOSITORY:
            Repository.objects.filter(pk=under_way.repository_id, description="").update(
                description=entry.description
            )
        skipped = sorted({name for some in names.values() for name in some} - set(tags))
        trash_drop(entry_id=entry.pk)
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


def _tags_return(under_way: Return, wanted: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """Point the kept tags (by digest) to their artifacts again, but for those that exist; returns their names."""
    digests = {tag["name"]: digest for digest, kept in wanted.items() for tag in kept}
    taken: set[str] = set()
    ids = dict(under_way.artifacts)
    for names in _some(sorted(digests)):
        taken.update(
            Tag.objects.filter(repository_id=under_way.repository_id, name__in=names).values_list(
                "name", flat=True
            )
        )
    for some in _some(sorted(set(wanted) - set(ids))):
        ids.update(
            Artifact.objects.filter(repository_id=under_way.repository_id, digest__in=some).values_list(
                "digest", "pk"
            )
        )
    rows = sorted(
        (tag["name"], ids[digest], tag)
        for digest, kept in wanted.items()
        for tag in kept
        if tag["name"] not in taken
    )
    for name, _, _ in rows:
        tag_gates_ask(
            operator=under_way.operator,
            project_id=under_way.project.id,
            repository_name=under_way.repository_name,
            move=Move(name, "", digests[name]),
        )
    made: list[str] = []
    for start in range(0, len(rows), _TAGS_A_STATEMENT):
        made += _tags_insert(under_way, rows[start : start + _TAGS_A_STATEMENT])
    tag_moves_record(
        operator=under_way.operator,
        project_id=under_way.project.id,
        repository_name=under_way.repository_name,
        moves=[Move(name, "", digests[name]) for name in made],
        at=under_way.at,
    )
    return sorted(made)


def _some(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[start : start + 500] for start in range(0, len(values), 500))


def _tags_insert(under_way: Return, rows: Sequence[tuple[str, int, dict[str, Any]]]) -> list[str]:
    values: list[Any] = []
    for name, artifact_id, tag in rows:
        times = {key: datetime.fromisoformat(text) for key, text in tag.items() if key != "name" and text}
        expires_at = times.get("expires_at")
        values += [
            under_way.repository_id,
            artifact_id,
            name,
            times["push_time"],
            times.get("pull_time"),
            # One that has passed would take the tag away again within the minute.
            expires_at if expires_at and expires_at > under_way.at else None,
        ]
    places = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(rows))
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
