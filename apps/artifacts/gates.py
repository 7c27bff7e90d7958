"""Gates: what may refuse a change or a pull, whichever way it comes in.

Features of the floor above register theirs in ``apps.py:ready()``; the services here run them. A gate raises a
:class:`GateRefusedError` (or a subclass); it never changes anything but its own bookkeeping.
"""

from dataclasses import dataclass
from typing import Protocol

from apps.artifacts.errors import ArtifactError
from apps.oci.manifests import Manifest


class GateRefusedError(ArtifactError):
    """A gate said no; ``code`` is the API's error code, the message is for the person who pushed or pulled."""

    def __init__(self, message: str, *, code: str = "DENIED") -> None:
        super().__init__(message)
        self.code = code


class StorageRefusedError(GateRefusedError):
    """The project has no room for ``needed`` bytes."""

    def __init__(self, message: str, *, needed: int) -> None:
        super().__init__(message)
        self.needed = needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A manifest about to be stored, inside the transaction."""

    operator: str
    project_id: int
    repository_name: str
    manifest: Manifest
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A manifest about to be served. Verdicts are cached under the stamps of repository and project."""

    project_id: int
    repository_name: str
    artifact_id: int
    digest: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagChange:
    """A tag about to move (``digest`` is where to) or to go (``digest`` is empty)."""

    operator: str
    project_id: int
    repository_name: str
    tag: str
    digest: str
    previous_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """An artifact about to be deleted with these tags."""

    operator: str
    project_id: int
    repository_name: str
    digest: str
    tags: tuple[str, ...]


class PushGate(Protocol):
    def check_push(self, push: Push) -> None: ...


class PullGate(Protocol):
    def check_pull(self, pull: Pull) -> None: ...


class TagGate(Protocol):
    def check_tag(self, change: TagChange) -> None: ...


class DeleteGate(Protocol):
    def check_delete(self, deletion: Deletion) -> None: ...


class StorageGate(Protocol):
    """Bytes a project may hold. ``charge`` is the last statement of a transaction, so that its lock is short.

    ``repository_name`` is where the bytes would go, "" for nowhere in particular.
    """

    def room(self, project_id: int) -> int | None:
        """Bytes that still fit, for refusing before bytes are moved; None for no limit."""

    def refuse(self, project_id: int, needed: int, operator: str, repository_name: str = "") -> None:
        """Raise the refusal of ``needed`` bytes, and have it recorded (no transaction is open)."""

    def charge(self, project_id: int, delta: int, operator: str, repository_name: str = "") -> None:
        """Add ``delta`` bytes (negative to give back).

        Raises :class:`StorageRefusedError` when a positive one does not fit any more.
        """


class _Registry:
    """Every gate, in order of registration."""

    def __init__(self) -> None:
        self.push: list[PushGate] = []
        self.pull: list[PullGate] = []
        self.tag: list[TagGate] = []
        self.delete: list[DeleteGate] = []
        self.storage: list[StorageGate] = []


gates = _Registry()
