"""What the artifact services and selectors give back: values, never rows."""

from dataclasses import dataclass
from datetime import datetime


def repository_path(repository_name: str) -> str:
    """A repository's name without its project, which patterns of permissions are of."""
    return repository_name.partition("/")[2]


@dataclass(frozen=True, slots=True)
class RepositoryRef:
    """What the hot paths need of a repository."""

    id: int
    name: str
    project_id: int


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A blob that a repository may read; ``size`` in bytes. ``touched_at`` is known of those read for a request."""

    id: int
    digest: str
    size: int
    touched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest as it was pushed; ``refusal`` says why it may not be pulled, "" if it may."""

    artifact_id: int
    digest: str
    media_type: str
    raw: bytes
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Referrer:
    """A manifest that names a subject; ``size`` is that of the manifest itself, in bytes."""

    digest: str
    media_type: str
    artifact_type: str
    size: int
    annotations: dict[str, str]


@dataclass(frozen=True, slots=True)
class PushResult:
    """``created`` is False when the repository had the manifest already."""

    artifact_id: int
    created: bool


@dataclass(frozen=True, slots=True)
class TrashedRef:
    """What brings an artifact back: its row in the trash, and what it needs.

    ``children`` are the digests that its index lists, ``accessories`` those of artifacts
    that were deleted with it because it is their subject.
    """

    row_id: int
    digest: str
    children: tuple[str, ...]
    accessories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """``artifacts`` are the digests that came back; ``skipped`` are tags that exist again and stayed where they are."""

    repository_name: str
    artifacts: tuple[str, ...]
    tags: tuple[str, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TagThen:
    """A tag at some time: ``digest`` then ("" for not there), ``previous_digest`` now.

    ``action`` is what leads back: ``created``, ``moved``, ``deleted``, ``unchanged``, or ``gone`` when nothing does.
    """

    tag: str
    digest: str
    previous_digest: str
    action: str
