"""What the artifact services and selectors give back: values, never rows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RepositoryRef:
    """What the hot paths need of a repository."""

    id: int
    name: str
    project_id: int


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A blob that a repository may read; ``size`` in bytes."""

    id: int
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest as it was pushed."""

    artifact_id: int
    digest: str
    media_type: str
    raw: bytes


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
