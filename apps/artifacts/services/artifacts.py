"""Artifacts deleted and copied."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Count, Q
from django.utils import timezone

from apps.accounts.security import SecurityContext
from apps.artifacts.errors import ArtifactChangedError, ArtifactReferencedError, ManifestUnknownError
from apps.artifacts.gates import Deletion, GateRefusedError, gates
from apps.artifacts.models import (
    Artifact,
    ArtifactBlob,
    ArtifactLabel,
    ArtifactReference,
    Repository,
    Tag,
    TrashEntry,
)
from apps.artifacts.selectors import artifact_row, repository_require
from apps.artifacts.services.dependents import with_dependents
from apps.artifacts.services.history import REASONS_OF_TRASH, Move, tag_moves_record
from apps.artifacts.services.links import project_blobs_release, repository_hold, storage_charge
from apps.artifacts.services.trash import CHUNK, trash_put, trash_put_each
from apps.common.database import again_after_deadlock, delete_rows, write_atomic
from apps.common.stamps import repository_key, touch
from apps.events.bus import publish
from apps.events.catalogue import ArtifactDeleted

MOST_AT_ONCE = CHUNK
"""Artifacts that :func:`artifacts_delete` takes in one transaction."""
# Blobs that its statements name at most: databases have a limit of parameters.
_MOST_BLOBS = 10_000


@again_after_deadlock
def artifact_delete(
    *,
    actor: SecurityContext,
    repository_name: str,
    reference: str,
    reason: str = TrashEntry.PERSON,
    seen: Mapping[str, datetime] | None = None,
) -> None:
    """Move an artifact into the trash, with the tags that point to it and what is nothing without it.

    Those are its accessories, and the children of an index that have no tag and no other index; theirs too. A child
    of an index cannot go before it (:class:`ArtifactReferencedError`). What only they needed is no longer paid for;
    the bytes go at collection. ``reason`` is one of ``TrashEntry.REASONS``. ``seen`` are the tags, with the
    times of their pushes, that the decision to delete was made with: one that has others by now stays
    (:class:`ArtifactChangedError`).
    """
    repository = repository_require(actor=actor, name=repository_name, resource="artifact", action="delete")
    artifact = artifact_row(repository, reference)
    with write_atomic():
        repository_hold(repository_id=repository.pk)
        locked = Artifact.objects.select_for_update().filter(pk=artifact.pk).only("pk")
        if not locked.exists():
            raise ManifestUnknownError(f"artifact {reference} not found in {repository_name}")
        if ArtifactReference.objects.filter(child=artifact).exists():
            raise ArtifactReferencedError("the deleting artifact is referenced by others")
        going = with_dependents(repository_id=repository.pk, artifact_id=artifact.pk, digest=artifact.digest)
        names = _tags_of(going)
        if seen is not None:
            _require_unchanged(repository_name, artifact, seen)
        for artifact_id, digest in going.items():
            _check(actor.name, repository, digest, tuple(names[artifact_id]))
        touch(repository_key(repository_name))
        at = timezone.now()
        _write_down(actor.name, reason, repository, artifact.digest, going, names, at)
        blob_ids = _artifacts_drop(going)
        _tell(actor.name, repository, at, artifact.pk, artifact.digest, names[artifact.pk])
        _give_back(actor.name, repository, at, blob_ids)


@again_after_deadlock
def artifacts_delete(
    *,
    actor: SecurityContext,
    repository_name: str,
    reason: str,
    seen: Mapping[str, Mapping[str, datetime]],
) -> set[str]:
    """Move many artifacts into the trash in one transaction, each as :func:`artifact_delete` does; returns digests.

    ``seen`` are their tags by digest, as there. Those stay that have children, an index or accessories, that were
    changed or that a gate keeps: to be asked for one by one, which takes along what belongs to them, or says why not.
    :data:`MOST_AT_ONCE` at most.
    """
    repository = repository_require(actor=actor, name=repository_name, resource="artifact", action="delete")
    with write_atomic():
        repository_hold(repository_id=repository.pk)
        going, names = _plain_ones(actor.name, repository, seen)
        if not going:
            return set()
        touch(repository_key(repository_name))
        at = timezone.now()
        trash_put_each(operator=actor.name, reason=reason, repository=repository, at=at, artifacts=going)
        _moves_record(actor.name, reason, repository, going, names)
        blob_ids = _artifacts_drop(going)
        for artifact_id, digest in going.items():
            _tell(actor.name, repository, at, artifact_id, digest, names[artifact_id])
        _give_back(actor.name, repository, at, blob_ids)
    return set(going.values())


def _plain_ones(
    operator: str, repository: Repository, seen: Mapping[str, Mapping[str, datetime]]
) -> tuple[dict[int, str], dict[int, list[str]]]:
    """Those of ``seen`` that can go by themselves, locked: digests and names of tags by id."""
    rows = Artifact.objects.select_for_update().filter(repository=repository, digest__in=list(seen))
    found = dict(rows.order_by("pk").values_list("pk", "digest"))
    # In statements of their own, which see what others committed before we had the locks.
    links = ArtifactReference.objects.filter(Q(child_id__in=list(found)) | Q(parent_id__in=list(found)))
    held = {pk for pair in links.values_list("child_id", "parent_id") for pk in pair}
    # The exclusion is the index's, as in with_dependents.
    accessories = Artifact.objects.filter(repository=repository, subject_digest__in=list(found.values()))
    subjects = set(accessories.exclude(subject_digest="").values_list("subject_digest", flat=True))
    tags: dict[int, dict[str, datetime]] = {pk: {} for pk in found}
    locked = Tag.objects.select_for_update().filter(artifact_id__in=list(found)).order_by("name")
    for artifact_id, name, push_time in locked.values_list("artifact_id", "name", "push_time"):
        tags[artifact_id][name] = push_time
    needs = ArtifactBlob.objects.filter(artifact_id__in=list(found)).values_list("artifact_id")
    blobs = dict(needs.annotate(Count("pk")))
    going: dict[int, str] = {}
    count = 0
    for pk, digest in found.items():
        is_plain = pk not in held and digest not in subjects and tags[pk] == seen[digest]
        fits = count + blobs.get(pk, 0) <= _MOST_BLOBS
        if (
            is_plain
            and fits
            and deletion_refusal(
                operator=operator, repository=repository, digest=digest, tags=tuple(tags[pk])
            )
            is None
        ):
            going[pk] = digest
            count += blobs.get(pk, 0)
    return going, {pk: list(tags[pk]) for pk in going}


def _tell(
    operator: str, repository: Repository, at: datetime, artifact_id: int, digest: str, tags: Iterable[str]
) -> None:
    publish(
        ArtifactDeleted(
            operator=operator,
            occurred_at=at,
            project_id=repository.project_id,
            repository_id=repository.pk,
            repository_name=repository.name,
            artifact_id=artifact_id,
            digest=digest,
            tags=tuple(tags),
        )
    )


def _give_back(operator: str, repository: Repository, at: datetime, blob_ids: Iterable[int]) -> None:
    """The quota that these blobs, which artifacts that are gone needed, have taken; the last of a transaction."""
    freed = project_blobs_release(project_id=repository.project_id, blob_ids=blob_ids, even_if_linked=True)
    Repository.objects.filter(pk=repository.pk).update(update_time=at)
    storage_charge(project_id=repository.project_id, delta=-freed, operator=operator)


def _require_unchanged(repository_name: str, artifact: Artifact, seen: Mapping[str, datetime]) -> None:
    if seen != dict(Tag.objects.filter(artifact=artifact).values_list("name", "push_time")):
        raise ArtifactChangedError(f"{artifact.digest} of {repository_name} was tagged or pushed meanwhile")


def _write_down(
    operator: str,
    reason: str,
    repository: Repository,
    digest: str,
    going: Mapping[int, str],
    names: Mapping[int, list[str]],
    at: datetime,
) -> None:
    """The trash and the history, before anything goes: ``going`` are digests by id, ``names`` their tags."""
    trash_put(
        operator=operator,
        reason=reason,
        repository=repository,
        kind=TrashEntry.ARTIFACT,
        at=at,
        artifact_ids=going,
        digest=digest,
    )
    _moves_record(operator, reason, repository, going, names)


def _moves_record(
    operator: str,
    reason: str,
    repository: Repository,
    going: Mapping[int, str],
    names: Mapping[int, list[str]],
) -> None:
    tag_moves_record(
        operator=operator,
        project_id=repository.project_id,
        repository_name=repository.name,
        moves=[Move(name, going[pk], "") for pk, some in names.items() for name in some],
        reason=REASONS_OF_TRASH[reason],
    )


def _tags_of(artifact_ids: Iterable[int]) -> dict[int, list[str]]:
    """Lock the tags of these artifacts; names by artifact."""
    names: dict[int, list[str]] = {artifact_id: [] for artifact_id in artifact_ids}
    rows = Tag.objects.select_for_update().filter(artifact_id__in=list(names)).order_by("name")
    for artifact_id, name in rows.values_list("artifact_id", "name"):
        names[artifact_id].append(name)
    return names


def _artifacts_drop(artifact_ids: Iterable[int]) -> list[int]:
    """Delete the rows of these artifacts; returns the blobs that they needed."""
    ids = list(artifact_ids)
    links = ArtifactBlob.objects.filter(artifact_id__in=ids)
    blob_ids = list(links.values_list("blob_id", flat=True).distinct())
    delete_rows(Tag.objects.filter(artifact_id__in=ids))
    delete_rows(ArtifactLabel.objects.filter(artifact_id__in=ids))
    delete_rows(links)
    delete_rows(ArtifactReference.objects.filter(parent_id__in=ids))
    delete_rows(Artifact.objects.filter(pk__in=ids))
    return blob_ids


def artifacts_gate_deletion(*, operator: str, repository: Repository) -> None:
    """Ask the gates about each artifact of a repository that is about to go."""
    if not gates.delete:
        return
    names: dict[int, list[str]] = defaultdict(list)
    tags = Tag.objects.filter(repository=repository).order_by("name").values_list("artifact_id", "name")
    for artifact_id, name in tags.iterator():
        names[artifact_id].append(name)
    artifacts = Artifact.objects.filter(repository=repository).values_list("pk", "digest")
    for artifact_id, digest in artifacts.iterator():
        _check(operator, repository, digest, tuple(names.get(artifact_id, ())))


def deletion_refusal(
    *, operator: str, repository: Repository, digest: str, tags: tuple[str, ...]
) -> GateRefusedError | None:
    """What a gate says against the deletion of an artifact with these tags; None for nothing. Changes nothing."""
    try:
        _check(operator, repository, digest, tags)
    except GateRefusedError as error:
        return error
    return None


def _check(operator: str, repository: Repository, digest: str, tags: tuple[str, ...]) -> None:
    deletion = Deletion(
        operator=operator,
        project_id=repository.project_id,
        repository_name=repository.name,
        digest=digest,
        tags=tags,
    )
    for gate in gates.delete:
        gate.check_delete(deletion)
