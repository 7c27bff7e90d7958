"""What hangs on artifacts, and what they hang on: accessories counted and as a tree, and indexes above them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from apps.artifacts.models import Artifact, ArtifactReference

_DEEPEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessoryNode:
    """An accessory in a tree: ``depth`` is 0 for those of the artifact itself; ``size`` in bytes."""

    depth: int
    digest: str
    type: str
    artifact_type: str
    size: int
    push_time: datetime
    is_deactivated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessoryTree:
    """Each accessory before those of its own. ``is_whole`` is False when there are more than were looked for."""

    nodes: Sequence[AccessoryNode]
    is_whole: bool


def accessory_counts_of(artifacts: Iterable[Artifact]) -> dict[int, dict[str, int]]:
    """How many accessories of each type these artifacts have, by artifact id; one statement."""
    subjects = {(row.repository_id, row.digest): row.pk for row in artifacts}
    if not subjects:
        return {}
    rows = _accessories(
        repository_ids={repository_id for repository_id, _ in subjects},
        subjects={digest for _, digest in subjects},
    )
    counted = rows.values_list("repository_id", "subject_digest", "accessory_type").annotate(Count("id"))
    found: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for repository_id, digest, kind, count in counted.order_by("accessory_type"):
        subject_id = subjects.get((repository_id, digest))
        if subject_id is not None:
            found[subject_id][kind] = count
    return dict(found)


def accessory_tree(subject: Artifact, *, most: int) -> AccessoryTree:
    """The accessories of an artifact, theirs, and so on: at most ``most``, with a statement for each level."""
    by_subject: defaultdict[str, list[Artifact]] = defaultdict(list)
    seen = {subject.digest}
    level = {subject.digest}
    left = most
    for _ in range(_DEEPEST):
        rows = _accessories(repository_ids=[subject.repository_id], subjects=level).only(
            "id", "digest", "accessory_type", "artifact_type", "size", "push_time", "subject_digest",
            "deactivated_at",
        )  # fmt: skip
        found = list(rows.order_by("id")[: left + 1])
        for row in found[:left]:
            # Two old signatures can name each other by their tags.
            if row.digest not in seen:
                by_subject[row.subject_digest].append(row)
        if len(found) > left:
            return AccessoryTree(nodes=list(_flat(subject.digest, by_subject)), is_whole=False)
        level = {row.digest for row in found} - seen
        seen |= level
        left -= len(found)
        if not level:
            break
    return AccessoryTree(nodes=list(_flat(subject.digest, by_subject)), is_whole=not level)


def indexes_of(artifact: Artifact, *, most: int) -> list[Artifact]:
    """The indexes that list this artifact, newest first, with their tags; at most ``most``."""
    parents = ArtifactReference.objects.filter(child=artifact).values("parent_id")
    rows = Artifact.objects.filter(pk__in=parents).defer("manifest", "extra_attrs", "annotations")
    return list(rows.prefetch_related("tags").order_by("-push_time", "-id")[:most])


def _accessories(*, repository_ids: Iterable[int], subjects: Iterable[str]) -> QuerySet[Artifact]:
    rows = Artifact.objects.filter(repository_id__in=list(repository_ids), subject_digest__in=list(subjects))
    # The exclusion is the index's: without it SQLite reads the whole repository.
    return rows.exclude(subject_digest="")


def _flat(
    digest: str, by_subject: Mapping[str, Sequence[Artifact]], depth: int = 0
) -> Iterator[AccessoryNode]:
    for row in by_subject.get(digest, ()):
        yield AccessoryNode(
            depth=depth,
            digest=row.digest,
            type=row.accessory_type,
            artifact_type=row.artifact_type,
            size=row.size,
            push_time=row.push_time,
            is_deactivated=row.deactivated_at is not None,
        )
        yield from _flat(row.digest, by_subject, depth + 1)
