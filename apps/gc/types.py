"""What a collection is asked to do, and what it counts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from apps.common.errors import BadRequestError

MOST_WORKERS = 10
_FLAGS = ("delete_untagged", "delete_tag", "dry_run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """By Harbor's names. ``delete_tag`` is kept and does nothing: tags have no files here."""

    delete_untagged: bool = False
    delete_tag: bool = False
    dry_run: bool = False
    workers: int = 1

    def stored(self) -> dict[str, Any]:
        """As they stand in an execution, a task and a schedule."""
        return asdict(self)

    @property
    def words(self) -> str:
        """For people."""
        flags = "".join(f", {name}" for name in _FLAGS if getattr(self, name))
        return f"workers {self.workers}{flags}"


def parameters_read(values: Mapping[str, Any]) -> Parameters:
    """What the API, or a row, asks for; raises :class:`BadRequestError`. Unknown names are ignored, as in Harbor."""
    given: dict[str, Any] = {}
    for name in _FLAGS:
        given[name] = values.get(name, False)
        if not isinstance(given[name], bool):
            raise BadRequestError(f"{name} must be true or false")
    workers = values.get("workers", 1)
    if isinstance(workers, bool) or not isinstance(workers, int):
        raise BadRequestError("workers must be a number")
    if not 1 <= workers <= MOST_WORKERS:
        raise BadRequestError(f"workers must be from 1 to {MOST_WORKERS}: {workers}")
    return Parameters(workers=workers, **given)


@dataclass(slots=True)
class Garbage:
    """Blobs and manifests, ``size`` in bytes for both."""

    blobs: int = 0
    manifests: int = 0
    size: int = 0

    def add(self, *, size: int, stored: bool) -> None:
        """One more; ``stored`` says that storage holds its bytes, as it does not those of a manifest."""
        self.blobs += stored
        self.manifests += not stored
        self.size += size

    def __str__(self) -> str:
        return f"{self.blobs} blobs and {self.manifests} manifests, {self.size} bytes"
