"""Digests: `algorithm:hex` (image-spec descriptor.md, "Digests")."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, Self

from apps.oci.errors import DigestInvalidError, excerpt


class Hasher(Protocol):
    """What a running hash of `hashlib` offers."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...
    def copy(self) -> Self: ...


_CONSTRUCTORS: Final[dict[str, Callable[[], Hasher]]] = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}

ALGORITHMS: Final = tuple(_CONSTRUCTORS)

_SUPPORTED: Final = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_WELL_FORMED: Final = re.compile(r"([a-z0-9]+(?:[+._-][a-z0-9]+)*):[a-zA-Z0-9=_-]+")


@dataclass(frozen=True, slots=True)
class Digest:
    """A checked digest; `str()` gives the `algorithm:hex` form back."""

    algorithm: str
    hex: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def parse_digest(text: str) -> Digest:
    """Parse `sha256:<64 hex>` or `sha512:<128 hex>`, lower case only.

    Raises DigestInvalidError; for a well formed digest of another algorithm the message names ours.
    """
    if _SUPPORTED.fullmatch(text):
        algorithm, _, encoded = text.partition(":")
        return Digest(algorithm, encoded)
    detail = {"digest": excerpt(text)}
    well_formed = _WELL_FORMED.fullmatch(text)
    if well_formed and well_formed[1] not in _CONSTRUCTORS:
        raise _unsupported(well_formed[1], detail)
    raise DigestInvalidError(
        f"invalid digest '{excerpt(text)}': want sha256:<64 lower case hex> or sha512:<128>", detail=detail
    )


def new_hasher(algorithm: str) -> Hasher:
    """Return a fresh running hash. Raises DigestInvalidError for an algorithm outside `ALGORITHMS`."""
    constructor = _CONSTRUCTORS.get(algorithm)
    if constructor is None:
        raise _unsupported(algorithm, {"algorithm": excerpt(algorithm)})
    return constructor()


def digest_of(data: bytes, algorithm: str = "sha256") -> Digest:
    """Hash `data` whole. Raises DigestInvalidError for an algorithm outside `ALGORITHMS`."""
    hasher = new_hasher(algorithm)
    hasher.update(data)
    return Digest(algorithm, hasher.hexdigest())


def _unsupported(algorithm: str, detail: object) -> DigestInvalidError:
    return DigestInvalidError(
        f"unsupported digest algorithm '{excerpt(algorithm)}': supported are {' and '.join(ALGORITHMS)}",
        detail=detail,
    )
