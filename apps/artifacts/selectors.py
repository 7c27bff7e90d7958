"""Reads of repositories, artifacts, tags and blobs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.db.models.functions import Length

from apps.accounts.security import SecurityContext, require_project
from apps.artifacts.errors import ManifestUnknownError, RepositoryUnknownError
from apps.artifacts.icons import built_in_icon
from apps.artifacts.models import (
    Artifact,
    ArtifactReference,
    Repository,
    RepositoryBlob,
    Tag,
    TagMove,
    TrashedArtifact,
    TrashedReference,
    TrashedTag,
    TrashEntry,
)
from apps.artifacts.types import (
    BlobRef,
    Referrer,
    RepositoryRef,
    StoredManifest,
    TrashedRef,
    repository_path,
)
from apps.common.caches import StampedCache
from apps.common.errors import NotFoundError
from apps.common.stamps import repository_key
from apps.oci.digests import parse_digest
from apps.oci.errors import DigestInvalidError
from apps.oci.manifests import Manifest, parse_manifest
from apps.projects.models import Project
from apps.projects.types import ProjectRef
from apps.storage.errors import FileMissingError
from apps.storage.layout import blob_path
from apps.storage.selectors import get_driver

# Repositories that link a blob, of which one has to be readable for a mount that names none.
_SOURCES_TRIED = 100
_repositories: StampedCache[RepositoryRef] = StampedCache(max_entries=4096, max_age=60)


def repository_find(name: str) -> RepositoryRef | None:
    """A repository by its full name, from memory as long as nothing changed it."""
    return _repositories.get(name, (repository_key(name),), lambda: _load_repository(name))


def _load_repository(name: str) -> RepositoryRef | None:
    row = Repository.objects.filter(name=name).values_list("pk", "project_id").first()
    return None if row is None else RepositoryRef(row[0], name, row[1])


def require_repository(
    actor: SecurityContext, project: ProjectRef, name: str, *, resource: str, action: str
) -> None:
    """Raise unless ``actor`` may do ``action`` on ``resource`` in a repository of this project, be it there or not."""
    require_project(
        actor,
        project.id,
        public=project.public,
        resource=resource,
        action=action,
        repository=repository_path(name),
    )


def repository_require(*, actor: SecurityContext, name: str, resource: str, action: str) -> Repository:
    """A repository with its project, if ``actor`` may do ``action`` on ``resource`` in it.

    Raises :class:`RepositoryUnknownError` when it is not there, for whoever asks.
    """
    row = Repository.objects.select_related("project").filter(name=name).first()
    if row is None:
        raise RepositoryUnknownError(f"repository {name} not found", detail={"name": name})
    require_repository(actor, row.project.ref, name, resource=resource, action=action)
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


def repository_names(rows: QuerySet[Repository], *, after: str, limit: int) -> list[str]:
    """Names of these repositories after ``after`` in byte order."""
    return list(rows.filter(name__gt=after).order_by("name").values_list("name", flat=True)[:limit])


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
        digest: BlobRef(pk, digest, size, touched_at)
        for pk, digest, size, touched_at in rows.values_list(
            "blob_id", "blob__digest", "blob__size", "blob__touched_at"
        )
    }


def blob_source_find(*, project_id: int, digest: str, may_read: Callable[[str], bool]) -> BlobRef | None:
    """A blob that a repository of a public project links, or one of this project that ``may_read``, by its name."""
    rows = RepositoryBlob.objects.filter(
        Q(repository__project_id=project_id) | Q(repository__project__public=True),
        blob__digest=digest,
        blob__stored=True,
    ).values_list("blob_id", "blob__size", "repository__name", "repository__project__public")
    for blob_id, size, name, public in rows[:_SOURCES_TRIED]:
        if public or may_read(name):
            return BlobRef(blob_id, digest, size)
    return None


def manifest_find(repository_id: int, reference: str) -> StoredManifest | None:
    """A manifest by tag or digest, with its bytes: one statement."""
    rows = Artifact.objects.filter(_by_reference(reference), repository_id=repository_id)
    row = rows.values_list(
        "pk", "digest", "media_type", "manifest", "deactivated_at", "deactivated_by", "deactivated_reason"
    ).first()
    if row is None:
        return None
    refusal = deactivation_of(row[1], row[4], row[5], row[6]) if row[4] else ""
    return StoredManifest(row[0], row[1], row[2], bytes(row[3]), refusal)


def deactivation_of(digest: str, at: datetime | None, by: str, reason: str) -> str:
    """What somebody is told who wants to pull a deactivated artifact."""
    moment = f" at {at.astimezone(UTC).isoformat(timespec='seconds')}" if at else ""
    words = f": {reason}" if reason else ""
    return f"{digest} was deactivated by {by or 'the system'}{moment}{words}"


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
    # The exclusion is the index's: without it SQLite does not use it.
    rows = Artifact.objects.filter(
        repository_id=repository_id, subject_digest=subject, digest__gt=after
    ).exclude(subject_digest="")
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
    return artifacts_whole(Artifact.objects.filter(repository=repository))


def artifacts_whole(rows: QuerySet[Artifact]) -> QuerySet[Artifact]:
    """Artifacts as :func:`artifact_list` gives them."""
    return rows.defer("manifest").prefetch_related(
        Prefetch("tags", Tag.objects.order_by("-push_time", "-id")),
        Prefetch("references", ArtifactReference.objects.order_by("id")),
    )


def artifact_manifest(repository: Repository, reference: str) -> tuple[Artifact, Manifest]:
    """An artifact by tag or digest with the manifest that it is; raises :class:`ManifestUnknownError`."""
    row = artifact_row(repository, reference)
    raw = bytes(Artifact.objects.values_list("manifest", flat=True).get(pk=row.pk))
    algorithm = parse_digest(row.digest).algorithm
    return row, parse_manifest(raw, content_type=row.media_type, algorithm=algorithm)


def icon_bytes(digest: str) -> bytes:
    """A picture that we have drawn, or one that an artifact brings; raises :class:`NotFoundError`.

    Everybody may see those; other blobs are not found, whatever they are.
    """
    if (drawn := built_in_icon(digest)) is not None:
        return drawn
    try:
        path = blob_path(parse_digest(digest))
        if not Artifact.objects.filter(icon=digest).exclude(icon="").exists():
            raise NotFoundError(f"the icon {digest[:135]} not found")
        return get_driver().get(path)
    except (DigestInvalidError, FileMissingError):
        raise NotFoundError(f"the icon {digest[:135]} not found") from None


def tag_list(artifact: Artifact) -> QuerySet[Tag]:
    """Tags of an artifact."""
    return Tag.objects.filter(artifact=artifact)


def history_action(actor: SecurityContext) -> str:
    """What one has to be allowed to do with tags to see their history: who did what is not for every reader."""
    return "list" if actor.sees_everything else "create"


def tag_move_list(*, project_id: int, repository_name: str) -> QuerySet[TagMove]:
    """The history of the tags of a repository, there or not."""
    return TagMove.objects.filter(project_id=project_id, repository_name=repository_name)


def trash_action(actor: SecurityContext) -> str:
    """What one has to be allowed to do with artifacts to see their trash; an auditor, who deletes nothing, sees it."""
    return "list" if actor.sees_everything else "delete"


def trash_entry_list(*, actor: SecurityContext, project: Project) -> QuerySet[TrashEntry]:
    """What was deleted in a project, where ``actor``, who may delete there, may delete."""
    rows = TrashEntry.objects.filter(project=project)
    if not actor.is_narrowed_in(project.pk):
        return rows
    names = rows.order_by().values_list("repository_name", flat=True).distinct()
    shown = [
        name
        for name in names
        if actor.can_project(
            project.pk,
            public=project.public,
            resource="artifact",
            action="delete",
            repository=repository_path(name),
        )
    ]
    return rows.filter(repository_name__in=shown)


def trash_entry_row(*, project_id: int, entry_id: int) -> TrashEntry:
    """An entry of a project's trash, with the project; raises :class:`NotFoundError`."""
    row = TrashEntry.objects.select_related("project").filter(pk=entry_id, project_id=project_id).first()
    if row is None:
        raise NotFoundError(f"the trash has no entry {entry_id}")
    return row


def trashed_artifact_list(entry: TrashEntry) -> QuerySet[TrashedArtifact]:
    """The artifacts of an entry with their tags, without their bytes; of a tag's entry the one that it pointed to."""
    rows = TrashedArtifact.objects.filter(entry=entry).order_by("digest")
    return rows.only("digest", "media_type", "type", "subject_digest", "size").prefetch_related(
        Prefetch("tags", TrashedTag.objects.order_by("name"))
    )


def trash_missing(entry: TrashEntry) -> list[str]:
    """What keeps an entry from being restored: the digest of a tag's artifact that is gone.

    Blobs are not: collection leaves those that an entry needs.
    """
    if entry.kind != TrashEntry.TAG:
        return []
    there = Artifact.objects.filter(repository__name=entry.repository_name, digest=entry.digest)
    if there.exists():
        return []
    found = trashed_find(
        project_id=entry.project_id, repository_name=entry.repository_name, digests=[entry.digest]
    )
    return [] if entry.digest in found else [entry.digest]


def trashed_find(*, project_id: int, repository_name: str, digests: Iterable[str]) -> dict[str, TrashedRef]:
    """What of ``digests`` a repository's trash can bring back, newest deletion first, with all that belongs to it.

    Children come from any deletion, accessories from that of their subject; three statements a level of indexes.
    """
    rows = TrashedArtifact.objects.filter(
        entry__project_id=project_id, entry__repository_name=repository_name
    ).exclude(entry__kind=TrashEntry.TAG)
    found: dict[str, TrashedRef] = {}
    asked: set[str] = set()
    wanted = set(digests)
    while wanted:
        asked |= wanted
        # In order of the deletions: a later one replaces an earlier one.
        level = {
            row[2]: row
            for row in rows.filter(digest__in=wanted)
            .order_by("entry_id")
            .values_list("pk", "entry_id", "digest")
        }
        children: dict[int, list[str]] = defaultdict(list)
        for row_id, digest in TrashedReference.objects.filter(
            artifact_id__in=[row[0] for row in level.values()]
        ).values_list("artifact_id", "child_digest"):
            children[row_id].append(digest)
        accessories: dict[tuple[int, str], list[str]] = defaultdict(list)
        entries = {row[1] for row in level.values()}
        for entry_id, subject, digest in rows.filter(
            entry_id__in=entries, subject_digest__in=level
        ).values_list("entry_id", "subject_digest", "digest"):
            accessories[entry_id, subject].append(digest)
        for row_id, entry_id, digest in level.values():
            found[digest] = TrashedRef(
                row_id, digest, tuple(children[row_id]), tuple(accessories[entry_id, digest])
            )
        wanted = {
            other for digest in level for other in (*found[digest].children, *found[digest].accessories)
        } - asked
    return found
