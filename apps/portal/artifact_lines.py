"""Artifacts as the rows of a table: all that a row shows, loaded for all rows together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.artifacts.models import Artifact, Repository, Tag
from apps.artifacts.platforms import platforms_of
from apps.catalog.accessories import accessory_counts_of
from apps.catalog.artifacts import labels_of
from apps.immutability.selectors import immutable_tags
from apps.oci.media_types import INDEX_TYPES
from apps.projects.models import Label

_MOST_TAGS = 6
_MOST_PLATFORMS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactLine:
    """One row. ``tags`` are the newest ones, each with whether a rule keeps it; the others are only counted.

    ``accessories`` are counts by type.
    """

    artifact: Artifact
    is_index: bool
    tags: Sequence[tuple[Tag, bool]]
    other_tags: int
    platforms: Sequence[str]
    other_platforms: int
    labels: Sequence[Label]
    accessories: Mapping[str, int]


def artifact_lines(repository: Repository, artifacts: Iterable[Artifact]) -> list[ArtifactLine]:
    """The rows of these artifacts, which have their tags and references prefetched."""
    rows = list(artifacts)
    labels = labels_of(rows)
    accessories = accessory_counts_of(rows)
    tags = {row.pk: list(row.tags.all()) for row in rows}
    shown = [tag.name for some in tags.values() for tag in some[:_MOST_TAGS]]
    kept = immutable_tags(project_id=repository.project_id, repository_name=repository.name, tags=shown)
    lines = []
    for row in rows:
        platforms = platforms_of(row)
        lines.append(
            ArtifactLine(
                artifact=row,
                is_index=row.media_type in INDEX_TYPES,
                tags=[(tag, tag.name in kept) for tag in tags[row.pk][:_MOST_TAGS]],
                other_tags=max(0, len(tags[row.pk]) - _MOST_TAGS),
                platforms=platforms[:_MOST_PLATFORMS],
                other_platforms=max(0, len(platforms) - _MOST_PLATFORMS),
                labels=labels.get(row.pk, []),
                accessories=accessories.get(row.pk, {}),
            )
        )
    return lines
