"""The trash: what a deletion takes away is written down first, in the transaction that deletes it.

Rows go from table to table inside the database, a statement a table, however many they are. Bytes stay where they are:
a blob that an entry needs is linked to it, which keeps collection away.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from apps.accounts.security import SecurityContext
from apps.artifacts.models import (
    Artifact,
    ArtifactColumns,
    Repository,
    Tag,
    TrashedArtifact,
    TrashedBlob,
    TrashedLabel,
    TrashedReference,
    TrashedTag,
    TrashEntry,
)
from apps.artifacts.selectors import require_repository, trash_entry_row
from apps.common.database import delete_rows, write_atomic
from apps.common.errors import NotFoundError
from apps.events.bus import publish
from apps.events.catalogue import TrashForgotten

logger = logging.getLogger(__name__)

CHUNK = 500
"""Rows that one statement of the trash names."""

COLUMNS = ", ".join(field.attname for field in ArtifactColumns._meta.fields)  # noqa: SLF001 (Django documents it)
"""The columns that an artifact has in a repository as in the trash."""

_OPERATOR = 511
_PURGED_AT_ONCE = 50

_PUT = (
    f"INSERT INTO trashed_artifact (entry_id, {COLUMNS}) SELECT %s, {COLUMNS} FROM artifact"  # noqa: S608 (names of our own)
    " WHERE id IN ({ids}) RETURNING digest, id"
)
_PUT_EACH = (
    f"INSERT INTO trashed_artifact (entry_id, {COLUMNS}) SELECT pair.column1, {COLUMNS}"  # noqa: S608 (names of our own)
    " FROM (VALUES {pairs}) AS pair JOIN artifact ON artifact.id = pair.column2 RETURNING digest, id"
)
# Pairs of ids, of the trash and of the repository: a join by digest is slow where statistics lag behind.
# References in their order, which is the manifest's. A manifest that somebody pushed as a blob too is not needed as one.
_PUT_WITH_THEM = (
    (
        "INSERT INTO trashed_tag (artifact_id, name, push_time, pull_time, expires_at)"
        " SELECT pair.column1, tag.name, tag.push_time, tag.pull_time, tag.expires_at FROM (VALUES {pairs}) AS pair"
        " JOIN tag ON tag.artifact_id = pair.column2"
    ),
    (
        "INSERT INTO trashed_reference (artifact_id, child_digest, platform, annotations, urls)"
        " SELECT pair.column1, link.child_digest, link.platform, link.annotations, link.urls"
        " FROM (VALUES {pairs}) AS pair JOIN artifact_reference AS link ON link.parent_id = pair.column2"
        " ORDER BY link.id"
    ),
    (
        "INSERT INTO trashed_blob (artifact_id, blob_id)"
        " SELECT pair.column1, blob.id FROM (VALUES {pairs}) AS pair"
        " JOIN artifact ON artifact.id = pair.column2 JOIN artifact_blob AS link ON link.artifact_id = artifact.id"
        " JOIN blob ON blob.id = link.blob_id AND blob.stored AND blob.digest <> artifact.digest"
    ),
    (
        "INSERT INTO trashed_label (artifact_id, label_id) SELECT pair.column1, link.label_id"
        " FROM (VALUES {pairs}) AS pair JOIN artifact_label AS link ON link.artifact_id = pair.column2"
    ),
)


def chunks(ids: Iterable[int], size: int = CHUNK) -> Iterator[list[int]]:
    """Ids in order, some at a time."""
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def trash_put(
    *,
    operator: str,
    reason: str,
    repository: Repository,
    kind: str,
    at: datetime,
    artifact_ids: Iterable[int] | None = None,
    digest: str = "",
) -> None:
    """Write down a deletion with the artifacts that go in it; inside the transaction that deletes, before it does.

    Without ``artifact_ids`` all of the repository go.
    """
    entry = TrashEntry.objects.create(
        project_id=repository.project_id,
        kind=kind,
        repository_name=repository.name,
        description=repository.description if kind == TrashEntry.REPOSITORY else "",
        digest=digest,
        reason=reason,
        operator=operator[:_OPERATOR],
        deleted_at=at,
    )
    rows = Artifact.objects.filter(repository_id=repository.pk)
    if artifact_ids is not None:
        rows = rows.filter(pk__in=list(artifact_ids))
    ids = dict(rows.values_list("digest", "pk"))
    with connection.cursor() as cursor:
        for some in chunks(ids.values()):
            places = ", ".join(["%s"] * len(some))
            cursor.execute(_PUT.format(ids=places), [entry.pk, *some])
            _put_with_them(cursor, ids)


def trash_put_each(
    *, operator: str, reason: str, repository: Repository, at: datetime, artifacts: Mapping[int, str]
) -> None:
    """As :func:`trash_put`, an entry for each of these artifacts, digests by id; :data:`CHUNK` of them at most."""
    entries = TrashEntry.objects.bulk_create(
        TrashEntry(
            project_id=repository.project_id,
            kind=TrashEntry.ARTIFACT,
            repository_name=repository.name,
            digest=digest,
            reason=reason,
            operator=operator[:_OPERATOR],
            deleted_at=at,
        )
        for digest in artifacts.values()
    )
    with connection.cursor() as cursor:
        pairs = [(entry.pk, artifact_id) for entry, artifact_id in zip(entries, artifacts, strict=True)]
        pairs_execute(cursor, _PUT_EACH, pairs)
        _put_with_them(cursor, {digest: artifact_id for artifact_id, digest in artifacts.items()})


def _put_with_them(cursor: CursorWrapper, ids: Mapping[str, int]) -> None:
    """What belongs to the artifacts that the cursor has just put there; ``ids`` of the repository's by digest."""
    pairs = [(row_id, ids[digest]) for digest, row_id in cursor.fetchall()]
    for statement in _PUT_WITH_THEM:
        pairs_execute(cursor, statement, pairs)


def pairs_execute(cursor: CursorWrapper, statement: str, pairs: Sequence[tuple[int, int]]) -> None:
    """Run a statement that has ``{pairs}`` as its VALUES, of ids."""
    places = ", ".join(["(%s, %s)"] * len(pairs))
    cursor.execute(statement.format(pairs=places), [number for pair in pairs for number in pair])


def trash_put_tags(
    *, operator: str, reason: str, repository: Repository, tags: Sequence[Tag], at: datetime
) -> None:
    """Write down tags that go while their artifacts stay, an entry each; the rows come with their artifacts."""
    entries = TrashEntry.objects.bulk_create(
        TrashEntry(
            project_id=repository.project_id,
            kind=TrashEntry.TAG,
            repository_name=repository.name,
            digest=tag.artifact.digest,
            tag=tag.name,
            reason=reason,
            operator=operator[:_OPERATOR],
            deleted_at=at,
        )
        for tag in tags
    )
    rows = TrashedArtifact.objects.bulk_create(
        TrashedArtifact(
            entry=entry,
            digest=tag.artifact.digest,
            media_type=tag.artifact.media_type,
            type=tag.artifact.type,
            subject_digest=tag.artifact.subject_digest,
            size=tag.artifact.size,
            manifest=b"",
        )
        for entry, tag in zip(entries, tags, strict=True)
    )
    TrashedTag.objects.bulk_create(
        TrashedTag(
            artifact=row,
            name=tag.name,
            push_time=tag.push_time,
            pull_time=tag.pull_time,
            expires_at=tag.expires_at,
        )
        for row, tag in zip(rows, tags, strict=True)
    )


def trash_forget(*, actor: SecurityContext, project_id: int, entry_id: int) -> None:
    """Take an entry out of the trash for ever; it needs the right to change the project, and to delete artifacts there.

    Raises :class:`NotFoundError` when it is not in the project's trash (any more).
    """
    entry = trash_entry_row(project_id=project_id, entry_id=entry_id)
    # The second for robot accounts, whose permissions may be narrowed to other repositories.
    for resource, action in (("", "update"), ("artifact", "delete")):
        require_repository(actor, entry.project.ref, entry.repository_name, resource=resource, action=action)
    with write_atomic():
        if not TrashEntry.objects.select_for_update().filter(pk=entry.pk).exists():
            raise NotFoundError(f"the trash has no entry {entry_id}")
        trash_drop(entry_ids=[entry.pk])
        publish(
            TrashForgotten(
                operator=actor.name,
                project_id=project_id,
                repository_name=entry.repository_name,
                kind=entry.kind,
                digest=entry.digest,
                tag=entry.tag,
            )
        )


def trash_purge(*, older_than: timedelta) -> int:
    """Forget what was deleted longer ago than this, some entries a transaction; returns how many there were."""
    deadline = timezone.now() - older_than
    gone = 0
    while True:
        with write_atomic():
            # One that is being restored stays: it is not waited for.
            rows = TrashEntry.objects.select_for_update(skip_locked=True).filter(deleted_at__lt=deadline)
            ids = list(rows.order_by("deleted_at").values_list("pk", flat=True)[:_PURGED_AT_ONCE])
            trash_drop(entry_ids=ids)
        gone += len(ids)
        if len(ids) < _PURGED_AT_ONCE:
            return gone


def trash_drop(*, entry_ids: Iterable[int]) -> None:
    """Delete entries with all that they hold, inside the caller's transaction, which has locked them."""
    for ids in chunks(entry_ids):
        artifacts = TrashedArtifact.objects.filter(entry_id__in=ids)
        for model in (TrashedTag, TrashedReference, TrashedBlob, TrashedLabel):
            delete_rows(model.objects.filter(artifact__in=artifacts))
        delete_rows(artifacts)
        delete_rows(TrashEntry.objects.filter(pk__in=ids))
