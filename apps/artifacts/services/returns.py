"""Artifacts out of the trash again: rows, links, labels and what they cost, inside the transaction of a restore.

Blobs are locked before anything is linked, as a push does: a collector that has marked one finds it live when it
comes to take the same lock, and one that was faster has left no row to lock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import Length
from django.utils import timezone

from apps.artifacts.gates import Push, gates
from apps.artifacts.models import (
    Artifact,
    ArtifactBlob,
    ArtifactLabel,
    ArtifactReference,
    Blob,
    Repository,
    TrashedArtifact,
)
from apps.artifacts.services.links import (
    manifest_blobs_ensure,
    project_blobs_link,
    repository_blobs_link,
    repository_hold,
    storage_charge,
)
from apps.artifacts.services.repositories import repository_ensure
from apps.artifacts.services.trash import chunks, row_values
from apps.common.database import write_atomic
from apps.common.errors import PreconditionError
from apps.common.stamps import repository_key, touch
from apps.oci.digests import parse_digest
from apps.oci.manifests import parse_manifest
from apps.projects.models import Label
from apps.projects.types import ProjectRef
from apps.storage.errors import FileMissingError
from apps.storage.layout import blob_path
from apps.storage.selectors import get_driver

_NAMED = 10


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


class RepositoryVanishedError(Exception):
    """The repository was deleted after it had been prepared: begin anew."""


def repository_prepare(*, project: ProjectRef, repository_name: str) -> None:
    """Make the repository if it is gone, in a transaction of its own, as the first blob of a push does.

    Gates look repositories up by name and remember them; what may yet be rolled back must not be remembered.
    """
    with write_atomic():
        repository_ensure(project=project, name=repository_name)
        touch(repository_key(repository_name))


def return_begin(*, operator: str, project: ProjectRef, repository_name: str) -> Return:
    """Hold the repository, which has been prepared, until commit; first in a transaction.

    Raises :class:`RepositoryVanishedError`.
    """
    row = Repository.objects.filter(name=repository_name, project_id=project.id).only("pk").first()
    if row is None or not repository_hold(repository_id=row.pk):
        raise RepositoryVanishedError(repository_name)
    touch(repository_key(repository_name))
    return Return(
        operator=operator,
        project=project,
        repository_id=row.pk,
        repository_name=repository_name,
        at=timezone.now(),
    )


def artifacts_return(under_way: Return, row_ids: Iterable[int], tags: Mapping[str, tuple[str, ...]]) -> None:
    """Bring back the artifacts of these rows of the trash that the repository lacks.

    ``tags`` are those that will point to them, by digest, for the gates.
    """
    returned: list[int] = []
    for ids in chunks(row_ids):
        rows = list(
            TrashedArtifact.objects.filter(pk__in=ids)
            .defer("manifest")
            .annotate(manifest_size=Length("manifest"))
            .order_by("digest")
        )
        there = set(
            Artifact.objects.filter(
                repository_id=under_way.repository_id, digest__in=[row.digest for row in rows]
            ).values_list("digest", flat=True)
        )
        absent = [row for row in rows if row.digest not in there]
        if absent:
            _insert(under_way, absent)
            returned += (row.pk for row in absent)
    _references_resolve(under_way)
    # Last: a gate may want the children of an index to be there.
    for ids in chunks(returned):
        _ask_push_gates(under_way, ids, tags)


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


def _insert(under_way: Return, rows: Sequence[TrashedArtifact]) -> None:
    blobs = _blobs_hold({digest for row in rows for digest in row.row["blobs"]})
    sizes: dict[str, int] = {row.digest: getattr(row, "manifest_size") for row in rows}  # noqa: B009 (annotated)
    manifests = manifest_blobs_ensure(sizes=sizes)
    made = Artifact.objects.bulk_create(
        Artifact(
            repository_id=under_way.repository_id,
            project_id=under_way.project.id,
            digest=row.digest,
            media_type=row.media_type,
            type=row.type,
            subject_digest=row.subject_digest,
            size=row.size,
            manifest=b"",
            **row_values(row.row),
        )
        for row in rows
    )
    source = TrashedArtifact.objects.filter(pk__in=[row.pk for row in rows], digest=OuterRef("digest"))
    ids = {artifact.digest: artifact.pk for artifact in made}
    Artifact.objects.filter(pk__in=ids.values()).update(manifest=Subquery(source.values("manifest")[:1]))
    ArtifactBlob.objects.bulk_create(
        ArtifactBlob(artifact_id=ids[row.digest], blob_id=blob_id)
        for row in rows
        for blob_id in {manifests[row.digest], *(blobs[digest][0] for digest in row.row["blobs"])}
    )
    ArtifactReference.objects.bulk_create(
        ArtifactReference(parent_id=ids[row.digest], **reference)
        for row in rows
        for reference in row.row["references"]
    )
    labels = set(
        Label.objects.filter(pk__in={label for row in rows for label in row.labels}).values_list(
            "pk", flat=True
        )
    )
    ArtifactLabel.objects.bulk_create(
        ArtifactLabel(artifact_id=ids[row.digest], label_id=label)
        for row in rows
        for label in row.labels
        if label in labels
    )
    under_way.artifacts.update(ids)
    under_way.blobs.update(blobs.values())
    under_way.manifests.update({manifests[digest]: sizes[digest] for digest in sizes})


def _blobs_hold(digests: set[str]) -> dict[str, tuple[int, int]]:
    """Lock these blobs against collection; returns id and size by digest, or raises :class:`PreconditionError`."""
    rows = list(
        Blob.objects.select_for_update(no_key=True).filter(digest__in=digests, stored=True).order_by("pk")
    )
    # A collector that died between file and row leaves a row that promises too much.
    gone = {row.digest for row in rows if row.state == Blob.DELETING and not _file_is_there(row.digest)}
    if missing := sorted((digests - {row.digest for row in rows}) | gone):
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise PreconditionError(
            f"this cannot be restored any more: {', '.join(missing[:_NAMED])}{more} has been collected"
        )
    Blob.objects.filter(pk__in=[row.pk for row in rows]).update(state=Blob.LIVE, touched_at=timezone.now())
    return {row.digest: (row.pk, row.size) for row in rows}


def _file_is_there(digest: str) -> bool:
    try:
        get_driver().stat(blob_path(parse_digest(digest)))
    except FileMissingError:
        return False
    return True


def _references_resolve(under_way: Return) -> None:
    """Indexes of the repository know the children that are there again."""
    child = Artifact.objects.filter(repository_id=under_way.repository_id, digest=OuterRef("child_digest"))
    ArtifactReference.objects.filter(
        Exists(child), child=None, parent__repository_id=under_way.repository_id
    ).update(child_id=Subquery(child.values("pk")[:1]))
