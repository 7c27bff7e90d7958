"""What goes with an artifact: accessories of what goes, and children that nothing else holds."""

from collections.abc import Collection, Iterable

from apps.artifacts.models import Artifact, ArtifactReference, Tag


def with_dependents(*, repository_id: int, artifact_id: int, digest: str) -> dict[int, str]:
    """An artifact and all that goes with it, locked against pushes: digests by id.

    A tag keeps a child, not an accessory; an index that stays keeps both. A few statements a level of indexes.
    """
    going = {artifact_id: digest}
    newest = going
    while newest:
        accessories = _free(
            # The exclusion is the index's: without it SQLite reads the whole repository.
            Artifact.objects.filter(repository_id=repository_id, subject_digest__in=list(newest.values()))
            .exclude(subject_digest="")
            .values_list("pk", flat=True),
            going,
        )
        parents = going | accessories
        children = _free(
            ArtifactReference.objects.filter(parent_id__in=list(newest), child__isnull=False).values_list(
                "child_id", flat=True
            ),
            parents,
            children=True,
        )
        newest = accessories | children
        going = going | newest
    return going


def _free(
    candidates: Iterable[int | None], going: dict[int, str], *, children: bool = False
) -> dict[int, str]:
    """Lock those of the candidates that are not going yet; returns those that nothing but ``going`` holds."""
    ids = {pk for pk in candidates if pk is not None} - going.keys()
    if not ids:
        return {}
    rows = {
        pk: (digest, subject)
        for pk, digest, subject in Artifact.objects.select_for_update()
        .filter(pk__in=ids)
        .order_by("pk")
        .values_list("pk", "digest", "subject_digest")
    }
    # In statements of their own, which see what others committed before we had the locks.
    held = _held_by_parents(ids, going)
    if children:
        held |= set(Tag.objects.filter(artifact_id__in=ids).values_list("artifact_id", flat=True))
        digests = set(going.values())
        held |= {pk for pk, (_, subject) in rows.items() if subject and subject not in digests}
    return {pk: digest for pk, (digest, _) in rows.items() if pk not in held}


def _held_by_parents(ids: Collection[int], going: dict[int, str]) -> set[int]:
    links = ArtifactReference.objects.filter(child_id__in=ids).exclude(parent_id__in=list(going))
    return {pk for pk in links.values_list("child_id", flat=True) if pk is not None}
