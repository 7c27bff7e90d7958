"""Reads of repositories, artifacts, tags and blobs."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.db.models.functions import Length

from apps.artifacts.errors import ManifestUnknownError, RepositoryUnknownError
from apps.artifacts.models import Artifact, ArtifactReference, Blob, Repository, RepositoryBlob, Tag
from apps.artifacts.types import BlobRef, Referrer, RepositoryRef, StoredManifest
from apps.common.caches import StampedCache
from apps.common.stamps import repository_key

_repositories: StampedCache[RepositoryRef] = StampedCache(max_entries=4096, max_age=60)


def repository_find(name: str) -> RepositoryRef | None:
    """A repository by its full name, from memory as long as nothing changed it."""
    return _repositories.get(name, (repository_key(name),), lambda: _load_repository(name))


def _load_repository(name: str) -> RepositoryRef | None:
    row = Repository.objects.filter(name=name).values_list("pk", "project_id").first()
    return None if row is None else RepositoryRef(row[0], name, row[1])


def repository_row(name: str) -> Repository:
    """A repository with its project; raises :class:`RepositoryUnknownError`."""
    row = Repository.objects.select_related("project").filter(name=name).first()
    if row is None:
        raise RepositoryUnknownError(f"repository {name} not found", detail={"name": name})
    return row


def repository_get(name: str) -> Repository:
    """A repository that something was pushed to; raises :class:`RepositoryUnknownError`."""
    row = Repository.objects.filter(listed=True, name=name).first()
    if row is None:
        raise RepositoryUnknownError(f"repository {name} not found", detail={"name": name})
    return row


def repository_list(project_ids: QuerySet[Any, int] | Iterable[int]) -> QuerySet[Repository]:
    """Repositories of these projects that something was pushed to."""
    return Repository.objects.filter(listed=True, project_id__in=project_ids)


def repository_names(*, after: str, limit: int, project_ids: Iterable[int] | None) -> list[str]:
    """Names after ``after`` in byte order, of these projects (None for all)."""
    rows = Repository.objects.filter(listed=True, name__gt=after)
    if project_ids is not None:
        rows = rows.filter(project_id__in=list(project_ids))
    return list(rows.order_by("name").values_list("name", flat=True)[:limit])


def tag_names(*, repository_id: int, after: str, limit: int) -> list[str]:
    """Tags after ``after`` in byte order (Distribution specification, listing tags)."""
    rows = Tag.objects.filter(repository_id=repository_id, name__gt=after)
    return list(rows.order_by("name").values_list("name", flat=True)[:limit])


def blob_find(repository: RepositoryRef, digest: str) -> BlobRef | None:
    """A blob that the repository links; knowing a digest opens nothing."""
    return blobs_find(repository, [digest]).get(digest)


def blobs_find(repository: RepositoryRef, digests: Sequence[str]) -> dict[str, BlobRef]:
    """Those of ``digests`` that the repository links."""
    rows = RepositoryBlob.objects.filter(
        repository_id=repository.id, blob__digest__in=digests, blob__stored=True
    )
    return {
        digest: BlobRef(pk, digest, size)
        for pk, digest, size in rows.values_list("blob_id", "blob__digest", "blob__size")
    }


def blob_source_find(*, project_id: int, digest: str) -> BlobRef | None:
    """A blob that a repository of this project, or of a public one, links."""
    row = (
        Blob.objects.filter(
            Q(repository_links__repository__project_id=project_id)
            | Q(repository_links__repository__project__public=True),
            digest=digest,
            stored=True,
        )
        .values_list("pk", "digest", "size")
        .first()
    )
    return None if row is None else BlobRef(*row)


def manifest_find(repository_id: int, reference: str) -> StoredManifest | None:
    """A manifest by tag or digest, with its bytes: one statement."""
    rows = Artifact.objects.filter(_by_reference(reference), repository_id=repository_id)
    row = rows.values_list("pk", "digest", "media_type", "manifest").first()
    return None if row is None else StoredManifest(row[0], row[1], row[2], bytes(row[3]))


def _by_reference(reference: str) -> Q:
    return Q(digest=reference) if ":" in reference else Q(tags__name=reference)


def children_find(repository_id: int, digests: Sequence[str]) -> dict[str, Any]:
    """Those of ``digests`` that are artifacts of the repository: rows with ``id``, ``digest`` and ``size``."""
    if not digests:
        return {}
    rows = Artifact.objects.filter(repository_id=repository_id, digest__in=digests).only(
        "id", "digest", "size"
    )
    return {row.digest: row for row in rows}


def referrers_find(
    *, repository_id: int, subject: str, artifact_type: str, after: str, limit: int
) -> list[Referrer]:
    """Manifests of the repository that name ``subject``, by digest, after ``after``."""
    rows = Artifact.objects.filter(repository_id=repository_id, subject_digest=subject, digest__gt=after)
    if artifact_type:
        rows = rows.filter(artifact_type=artifact_type)
    values = rows.order_by("digest").values_list(
        "digest", "media_type", "artifact_type", Length("manifest"), "annotations"
    )
    return [
        Referrer(digest, media_type, kind, size, annotations)
        for digest, media_type, kind, size, annotations in values[:limit]
    ]


def artifact_row(repository: Repository, reference: str) -> Artifact:
    """An artifact by tag or digest, without its bytes; raises :class:`ManifestUnknownError`."""
    row = artifact_list(repository).filter(_by_reference(reference)).first()
    if row is None:
        raise ManifestUnknownError(
            f"artifact {repository.name}{'@' if ':' in reference else ':'}{reference} not found"
        )
    return row


def artifact_list(repository: Repository) -> QuerySet[Artifact]:
    """Artifacts of a repository without their bytes, with tags (newest first) and references prefetched."""
    return (
        Artifact.objects.filter(repository=repository)
        .defer("manifest")
        .prefetch_related(
            Prefetch("tags", Tag.objects.order_by("-push_time", "-id")),
            Prefetch("references", ArtifactReference.objects.order_by("id")),
        )
    )


def tag_list(artifact: Artifact) -> QuerySet[Tag]:
    """Tags of an artifact."""
    return Tag.objects.filter(artifact=artifact)
