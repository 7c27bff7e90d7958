"""Reads of collections, and the questions of what is garbage.

The questions are put about some ten thousand rows at a time: neither memory nor the time of one statement grows with
the registry.
"""

from collections.abc import Collection as Some
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, Max, OuterRef, Q, Sum

from apps.artifacts.models import Artifact, ArtifactReference, Blob, Tag
from apps.common.database import sql_time
from apps.gc.types import Garbage
from apps.jobs.system import SystemWork
from apps.jobs.types import VendorType

COLLECTIONS = SystemWork(VendorType.GARBAGE_COLLECTION, "garbage-collection")
RANGE = 50_000
"""Blobs that one question is about."""

_UNTAGGED = 500

# The range stands at both sides of each join: PostgreSQL does not carry an inequality over by itself, and would read
# all of the other table for each range.
_UNNEEDED = (
    "SELECT blob.id, blob.size, blob.stored FROM blob"
    " WHERE blob.id > %s AND blob.id <= %s AND blob.state = 'live' AND blob.touched_at < %s"
    " AND NOT EXISTS (SELECT 1 FROM artifact_blob AS need WHERE need.blob_id = blob.id"
    " AND need.blob_id > %s AND need.blob_id <= %s)"
)
_IDLE_LINKS = (
    "WITH used AS MATERIALIZED (SELECT need.blob_id, artifact.repository_id, artifact.project_id"
    " FROM artifact_blob AS need JOIN artifact ON artifact.id = need.artifact_id"
    " WHERE need.blob_id > %s AND need.blob_id <= %s)"
    " SELECT link.blob_id FROM repository_blob AS link WHERE link.blob_id > %s AND link.blob_id <= %s"
    " AND NOT EXISTS (SELECT 1 FROM used"
    " WHERE used.blob_id = link.blob_id AND used.repository_id = link.repository_id)"
    " UNION SELECT link.blob_id FROM project_blob AS link WHERE link.blob_id > %s AND link.blob_id <= %s"
    " AND NOT EXISTS (SELECT 1 FROM used WHERE used.blob_id = link.blob_id AND used.project_id = link.project_id)"
)
_IN_TRASH = " JOIN trash_entry AS entry ON entry.id = trashed.entry_id AND entry.deleted_at >= %s"
_NEEDED = (
    "SELECT blob_id FROM artifact_blob WHERE blob_id IN ({ids})"
    " UNION SELECT link.blob_id FROM trashed_blob AS link"
    " JOIN trashed_artifact AS trashed ON trashed.id = link.artifact_id{in_trash} WHERE link.blob_id IN ({ids})"
    " UNION SELECT blob.id FROM blob JOIN trashed_artifact AS trashed ON trashed.digest = blob.digest{in_trash}"
    " WHERE blob.id IN ({ids}) AND NOT blob.stored"
)
_LINKED = " UNION ".join(
    f"SELECT blob_id FROM {table} WHERE blob_id IN ({{ids}})"  # noqa: S608 (names of our own)
    for table in ("artifact_blob", "trashed_blob", "project_blob", "repository_blob")
)


def blob_ranges() -> Iterator[tuple[int, int]]:
    """Ids after the first up to the second number, :data:`RANGE` rows each, of every blob there is now."""
    last = 0
    while True:
        later = Blob.objects.filter(pk__gt=last)
        upper = later.order_by("pk").values_list("pk", flat=True)[RANGE - 1 : RANGE].first()
        if upper is None:
            upper = later.aggregate(upper=Max("pk"))["upper"]
        if upper is None:
            return
        yield last, upper
        last = upper


def unneeded_blobs(within: tuple[int, int], *, touched_before: datetime) -> list[tuple[int, int, bool]]:
    """Blobs of a range that no artifact needs: (id, size, stored). The trash may still need them."""
    with connection.cursor() as cursor:
        cursor.execute(_UNNEEDED, [*within, sql_time(touched_before), *within])
        return [(pk, size, bool(stored)) for pk, size, stored in cursor.fetchall()]


def idly_linked_blobs(within: tuple[int, int]) -> list[int]:
    """Blobs of a range that a repository or a project links without an artifact there that needs them, new ones too."""
    with connection.cursor() as cursor:
        cursor.execute(_IDLE_LINKS, [*within, *within, *within])
        return sorted(row[0] for row in cursor.fetchall())


def needed_blobs(blob_ids: Some[int], *, deleted_since: datetime | None = None) -> set[int]:
    """Those that an artifact or the trash needs, as of one moment; a manifest's row as long as the trash has it.

    With ``deleted_since`` what is in the trash for longer does not count.
    """
    moment = [] if deleted_since is None else [sql_time(deleted_since)]
    ids = list(blob_ids)
    return _asked(
        _NEEDED.format(ids=_places(ids), in_trash=_IN_TRASH if moment else ""),
        [*ids, *moment, *ids, *moment, *ids],
        ids,
    )


def linked_blobs(blob_ids: Some[int]) -> set[int]:
    """Those that anything links, as of one moment."""
    ids = list(blob_ids)
    return _asked(_LINKED.format(ids=_places(ids)), ids * 4, ids)


def _places(ids: Sequence[int]) -> str:
    return ", ".join(["%s"] * len(ids))


def _asked(statement: str, values: Sequence[Any], ids: Sequence[int]) -> set[int]:
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {row[0] for row in cursor.fetchall()}


def marked_blobs(*, after: int, limit: int) -> list[int]:
    """Ids of blobs that are to be deleted, in order."""
    marked = Blob.objects.filter(state=Blob.DELETING, pk__gt=after)
    return list(marked.order_by("pk").values_list("pk", flat=True)[:limit])


def marked_garbage() -> Garbage:
    """What is to be deleted, by this collection or because another one did not end."""
    sums = Blob.objects.filter(state=Blob.DELETING).aggregate(
        blobs=Count("pk", filter=Q(stored=True)),
        manifests=Count("pk", filter=Q(stored=False)),
        size=Sum("size"),
    )
    return Garbage(sums["blobs"], sums["manifests"], int(sums["size"] or 0))


def untagged_artifacts(*, after: int, pushed_before: datetime) -> list[tuple[int, str, str]]:
    """Artifacts without a tag, that no index lists and that are nobody's accessories: (id, repository, digest)."""
    rows = Artifact.objects.filter(
        ~Exists(Tag.objects.filter(artifact_id=OuterRef("pk"))),
        ~Exists(ArtifactReference.objects.filter(child_id=OuterRef("pk"))),
        subject_digest="",
        push_time__lt=pushed_before,
        pk__gt=after,
    )
    return list(rows.order_by("pk").values_list("pk", "repository__name", "digest")[:_UNTAGGED])
