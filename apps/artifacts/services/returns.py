"""Artifacts out of the trash again: rows, links, labels and what they cost, inside the transaction of a restore.

Rows go from table to table inside the database, some hundred a statement.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone

from apps.artifacts.gates import Push, gates
from apps.artifacts.models import (
    Artifact,
    ArtifactReference,
    Blob,
    Repository,
    TrashedArtifact,
    TrashedBlob,
    TrashEntry,
)
from apps.artifacts.services.links import project_blobs_link, repository_blobs_link, storage_charge
from apps.artifacts.services.repositories import repository_ensure
from apps.artifacts.services.trash import CHUNK, COLUMNS, chunks, pairs_execute
from apps.common.database import sql_time
from apps.common.stamps import repository_key, touch
from apps.oci.digests import parse_digest
from apps.oci.manifests import parse_manifest
from apps.projects.types import ProjectRef

_BLOBS = (
    "INSERT INTO blob (digest, size, stored, state, touched_at)"
    " SELECT digest, length(manifest), %s, 'live', %s FROM trashed_artifact WHERE id IN ({ids}) ORDER BY digest"
    " ON CONFLICT (digest) DO UPDATE SET state = 'live', touched_at = excluded.touched_at RETURNING digest, id, size"
)
_ARTIFACTS = (
    f"INSERT INTO artifact (repository_id, project_id, {COLUMNS}) SELECT %s, %s, {COLUMNS} FROM trashed_artifact"  # noqa: S608
    " WHERE id IN ({ids}) RETURNING digest, id"
)
# Pairs of ids, of the trash and of the repository: a join by digest is slow where statistics lag behind.
# References in their order, which is the manifest's. Labels that are gone stay gone.
_WITH_THEM = (
    (
        "INSERT INTO artifact_blob (artifact_id, blob_id) SELECT pair.column2, link.blob_id"
        " FROM (VALUES {pairs}) AS pair JOIN trashed_blob AS link ON link.artifact_id = pair.column1"
    ),
    (
        "INSERT INTO artifact_reference (parent_id, child_digest, platform, annotations, urls)"
        " SELECT pair.column2, link.child_digest, link.platform, link.annotations, link.urls"
        " FROM (VALUES {pairs}) AS pair JOIN trashed_reference AS link ON link.artifact_id = pair.column1"
        " ORDER BY link.id"
    ),
    (
        "INSERT INTO artifact_label (artifact_id, label_id, creation_time)"
        " SELECT pair.column2, label.id, CURRENT_TIMESTAMP FROM (VALUES {pairs}) AS pair"
        " JOIN trashed_label AS link ON link.artifact_id = pair.column1"
        " JOIN harbor_label AS label ON label.id = link.label_id"
    ),
)
_MANIFESTS = "INSERT INTO artifact_blob (artifact_id, blob_id) VALUES {pairs}"


@dataclass(slots=True, kw_only=True)
class Return:
    """A restore under way, in one repository, in the caller's transaction.

    ``blobs`` and ``manifests`` are what came back needs: id to size in bytes; ``artifacts`` what came, digest to id.
    """

    operator: str
    project: ProjectRef
    repository_id: int
    repository_name: str
    at: datetime
    artifacts: dict[str, int] = field(default_factory=dict)
    blobs: dict[int, int] = field(default_factory=dict)
    manifests: dict[int, int] = field(default_factory=dict)


class TrashChangedError(Exception):
    """What was to come back was taken out of the trash meanwhile: begin anew."""


def return_begin(*, operator: str, project: ProjectRef, repository_name: str) -> Return:
    """Hold the repository until commit, made if it is gone; first in a transaction."""
    repository_id = repository_ensure(project=project, name=repository_name)
    touch(repository_key(repository_name))
    return Return(
        operator=operator,
        project=project,
        repository_id=repository_id,
        repository_name=repository_name,
        at=timezone.now(),
    )


def artifacts_return(under_way: Return, row_ids: Iterable[int], tags: Mapping[str, tuple[str, ...]]) -> None:
    """Bring back the artifacts of these rows of the trash that the repository lacks.

    ``tags`` are those that will point to them, by digest, for the gates. Raises :class:`TrashChangedError`.
    """
    ids = _absent(under_way, row_ids)
    _blobs_hold(under_way, ids)
    for some in _some(ids):
        _insert(under_way, some)
    _references_resolve(under_way)
    # Last: a gate may want the children of an index to be there.
    for some in _some(ids):
        _ask_push_gates(under_way, some, tags)


def return_end(under_way: Return) -> None:
    """Link and pay for what came back; last in the transaction, in the order of locks of the links."""
    for ids in chunks(under_way.blobs):
        repository_blobs_link(repository_id=under_way.repository_id, blob_ids=ids)
    sizes = under_way.blobs | under_way.manifests
    added = sum(
        project_blobs_link(project_id=under_way.project.id, sizes={pk: sizes[pk] for pk in ids})
        for ids in chunks(sizes)
    )
    Repository.objects.filter(pk=under_way.repository_id).update(update_time=under_way.at, listed=True)
    storage_charge(project_id=under_way.project.id, delta=added, operator=under_way.operator)


def _some(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def _absent(under_way: Return, row_ids: Iterable[int]) -> list[int]:
    """Those of the rows whose artifact is not there, by digest; their entries are kept from going until commit."""
    there = Artifact.objects.filter(repository_id=under_way.repository_id, digest=OuterRef("digest"))
    absent: dict[str, int] = {}
    for ids in chunks(row_ids):
        rows = TrashedArtifact.objects.filter(pk__in=ids)
        entries = TrashEntry.objects.select_for_update().filter(pk__in=rows.values("entry_id"))
        list(entries.order_by("pk").values_list("pk", flat=True))
        if rows.count() < len(ids):
            raise TrashChangedError
        absent.update(rows.exclude(Exists(there)).values_list("digest", "pk"))
    return [pk for _, pk in sorted(absent.items())]


def _blobs_hold(under_way: Return, row_ids: Sequence[int]) -> None:
    """Lock the blobs that the rows need and say that they are in use, all of them in order before anything is linked."""
    needed: set[int] = set()
    for ids in _some(row_ids):
        needed.update(TrashedBlob.objects.filter(artifact_id__in=ids).values_list("blob_id", flat=True))
    for some in chunks(needed):
        rows = Blob.objects.filter(pk__in=some)
        locked = rows.select_for_update(no_key=True).order_by("pk")
        under_way.blobs.update(locked.values_list("pk", "size"))
        rows.update(state=Blob.LIVE, touched_at=under_way.at)


def _insert(under_way: Return, row_ids: Sequence[int]) -> None:
    places = ", ".join(["%s"] * len(row_ids))
    with connection.cursor() as cursor:
        cursor.execute(_BLOBS.format(ids=places), [False, sql_time(under_way.at), *row_ids])
        blobs = {digest: (pk, size) for digest, pk, size in cursor.fetchall()}
        under_way.manifests.update(blobs.values())
        values = [under_way.repository_id, under_way.project.id, *row_ids]
        cursor.execute(_ARTIFACTS.format(ids=places), values)
        made = dict(cursor.fetchall())
        under_way.artifacts.update(made)
        pairs_execute(cursor, _MANIFESTS, [(pk, blobs[digest][0]) for digest, pk in made.items()])
        # The rows are in order of their digests.
        pairs = list(zip(row_ids, (made[digest] for digest in sorted(made)), strict=True))
        for statement in _WITH_THEM:
            pairs_execute(cursor, statement, pairs)


def _ask_push_gates(under_way: Return, row_ids: Sequence[int], tags: Mapping[str, tuple[str, ...]]) -> None:
    if not gates.push:
        return
    documents = TrashedArtifact.objects.filter(pk__in=row_ids).values_list("digest", "media_type", "manifest")
    for digest, media_type, raw in documents.iterator(chunk_size=20):
        push = Push(
            operator=under_way.operator,
            project_id=under_way.project.id,
            repository_name=under_way.repository_name,
            manifest=parse_manifest(
                bytes(raw), content_type=media_type, algorithm=parse_digest(digest).algorithm
            ),
            tags=tags.get(digest, ()),
        )
        for gate in gates.push:
            gate.check_push(push)


def _references_resolve(under_way: Return) -> None:
    """Indexes of the repository know the children that are there again."""
    child = Artifact.objects.filter(repository_id=under_way.repository_id, digest=OuterRef("child_digest"))
    ArtifactReference.objects.filter(
        Exists(child), child=None, parent__repository_id=under_way.repository_id
    ).update(child_id=Subquery(child.values("pk")[:1]))
