"""The trash: what a deletion takes away is written down first, in the transaction that deletes it.

Bytes stay where they are: a manifest's are copied from table to table, blobs are found again by their digests.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import DateTimeField, Field, OuterRef, Subquery

from apps.accounts.security import SecurityContext, require_project
from apps.artifacts.models import (
    Artifact,
    ArtifactBlob,
    ArtifactLabel,
    ArtifactReference,
    Repository,
    Tag,
    TrashedArtifact,
    TrashEntry,
)
from apps.artifacts.selectors import trash_entry_row
from apps.common.database import delete_rows, write_atomic
from apps.common.errors import NotFoundError
from apps.events.bus import publish
from apps.events.catalogue import TrashForgotten

CHUNK = 500
"""Rows that one statement of the trash handles."""

_OPERATOR = 511
_OWN_COLUMNS = frozenset(
    {
        "id",
        "repository_id",
        "project_id",
        "digest",
        "media_type",
        "type",
        "subject_digest",
        "size",
        "manifest",
    }
)


def kept_columns() -> Iterator["Field[Any, Any]"]:
    """The columns of an artifact that ``TrashedArtifact.row`` keeps: all but its own and those of a new place."""
    for column in Artifact._meta.concrete_fields:  # noqa: SLF001 (Django documents it as public)
        if column.attname not in _OWN_COLUMNS:
            yield column


def row_values(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that ``TrashedArtifact.row`` holds, as the model takes them."""
    values: dict[str, Any] = {}
    for column in kept_columns():
        if column.attname in row:
            value = row[column.attname]
            if isinstance(column, DateTimeField) and value is not None:
                value = datetime.fromisoformat(value)
            values[column.attname] = value
    return values


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
    artifact_ids: Iterable[int],
    digest: str = "",
    tag: str = "",
) -> None:
    """Write down a deletion with the artifacts that go in it; inside the transaction that deletes, before it does."""
    entry = TrashEntry.objects.create(
        project_id=repository.project_id,
        kind=kind,
        repository_name=repository.name,
        description=repository.description if kind == TrashEntry.REPOSITORY else "",
        digest=digest,
        tag=tag,
        reason=reason,
        operator=operator[:_OPERATOR],
        deleted_at=at,
    )
    for ids in chunks(artifact_ids):
        _put_chunk(entry.pk, ids)
    TrashedArtifact.objects.filter(entry=entry).update(
        manifest=Subquery(
            Artifact.objects.filter(repository_id=repository.pk, digest=OuterRef("digest")).values(
                "manifest"
            )[:1]
        )
    )


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
    TrashedArtifact.objects.bulk_create(
        TrashedArtifact(
            entry=entry,
            digest=tag.artifact.digest,
            media_type=tag.artifact.media_type,
            type=tag.artifact.type,
            subject_digest=tag.artifact.subject_digest,
            size=tag.artifact.size,
            manifest=b"",
            tags=[_tag_as_kept(tag)],
        )
        for entry, tag in zip(entries, tags, strict=True)
    )


def trash_forget(*, actor: SecurityContext, project_id: int, entry_id: int) -> None:
    """Take an entry out of the trash for ever; it needs the right to change the project itself.

    Raises :class:`NotFoundError` when it is not in the project's trash (any more).
    """
    entry = trash_entry_row(project_id=project_id, entry_id=entry_id)
    require_project(
        actor,
        project_id,
        public=entry.project.public,
        resource="",
        action="update",
    )
    with write_atomic():
        if not TrashEntry.objects.select_for_update().filter(pk=entry.pk).exists():
            raise NotFoundError(f"the trash has no entry {entry_id}")
        trash_drop(entry_id=entry.pk)
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


def trash_drop(*, entry_id: int) -> None:
    """Delete an entry's rows, inside the caller's transaction, which has locked it."""
    delete_rows(TrashedArtifact.objects.filter(entry_id=entry_id))
    delete_rows(TrashEntry.objects.filter(pk=entry_id))


def _put_chunk(entry_id: int, ids: list[int]) -> None:
    tags: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for tag in Tag.objects.filter(artifact_id__in=ids).order_by("name"):
        tags[tag.artifact_id].append(_tag_as_kept(tag))
    labels: dict[int, list[int]] = defaultdict(list)
    for artifact_id, label_id in ArtifactLabel.objects.filter(artifact_id__in=ids).values_list(
        "artifact_id", "label_id"
    ):
        labels[artifact_id].append(label_id)
    references: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for parent_id, *values in (
        ArtifactReference.objects.filter(parent_id__in=ids)
        .order_by("id")
        .values_list("parent_id", "child_digest", "platform", "annotations", "urls")
    ):
        references[parent_id].append(
            dict(zip(("child_digest", "platform", "annotations", "urls"), values, strict=True))
        )
    blobs: dict[int, list[str]] = defaultdict(list)
    for artifact_id, digest in ArtifactBlob.objects.filter(
        artifact_id__in=ids, blob__stored=True
    ).values_list("artifact_id", "blob__digest"):
        blobs[artifact_id].append(digest)
    TrashedArtifact.objects.bulk_create(
        TrashedArtifact(
            entry_id=entry_id,
            digest=artifact.digest,
            media_type=artifact.media_type,
            type=artifact.type,
            subject_digest=artifact.subject_digest,
            size=artifact.size,
            manifest=b"",
            row=_columns(artifact)
            | {
                "references": references[artifact.pk],
                # A manifest that somebody pushed as a blob too is not needed as one.
                "blobs": [digest for digest in blobs[artifact.pk] if digest != artifact.digest],
            },
            tags=tags[artifact.pk],
            labels=labels[artifact.pk],
        )
        for artifact in Artifact.objects.filter(pk__in=ids).defer("manifest").order_by("pk")
    )


def _columns(artifact: Artifact) -> dict[str, Any]:
    values = {column.attname: getattr(artifact, column.attname) for column in kept_columns()}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()
    }


def _tag_as_kept(tag: Tag) -> dict[str, Any]:
    return {
        "name": tag.name,
        "push_time": tag.push_time.isoformat(),
        "pull_time": tag.pull_time.isoformat() if tag.pull_time else None,
        "expires_at": tag.expires_at.isoformat() if tag.expires_at else None,
    }
