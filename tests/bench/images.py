"""What is pushed: small images made beforehand, and large blobs that are made as they are sent."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

SMALL_LAYER = 10 * 1024
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_PIECE = 1 << 20


def digest_of(data: bytes) -> str:
    """``sha256:`` and the hex digest of ``data``."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes with their digest."""

    data: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class SmallImage:
    """Two layers, a config and the manifest, in the order in which docker pushes them."""

    blobs: tuple[Blob, ...]
    manifest: Blob


def make_blob(data: bytes) -> Blob:
    """``data`` with its digest."""
    return Blob(data, digest_of(data))


def make_image() -> SmallImage:
    """An image that shares no blob with any other."""
    layers = [make_blob(os.urandom(SMALL_LAYER)) for _ in range(2)]
    config = make_blob(
        json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            }
        ).encode()
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _descriptor(config, _CONFIG_TYPE),
        "layers": [_descriptor(layer, _LAYER_TYPE) for layer in layers],
    }
    return SmallImage((*layers, config), make_blob(json.dumps(manifest, indent=3).encode()))


def _descriptor(blob: Blob, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "size": len(blob.data), "digest": blob.digest}


class LargeContent:
    """Random bytes of one length, whose last 16 are new each time, so that each one is a blob of its own."""

    def __init__(self, size: int, *, pool_size: int = 64 * _PIECE) -> None:
        self.size = size
        self._pool = memoryview(os.urandom(min(pool_size, size)))

    def fresh(self) -> tuple[str, bytes]:
        """Digest and last bytes of a new blob."""
        tail = os.urandom(16)
        hasher = self._hasher.copy()
        hasher.update(tail)
        return f"sha256:{hasher.hexdigest()}", tail

    def pieces(self, tail: bytes) -> Iterator[memoryview]:
        """The blob that ends in ``tail``, a MiB at a time."""
        yield from self._beginning()
        yield memoryview(tail)

    @cached_property
    def _hasher(self) -> "hashlib._Hash":
        hasher = hashlib.sha256()
        for piece in self._beginning():
            hasher.update(piece)
        return hasher

    def _beginning(self) -> Iterator[memoryview]:
        remaining = self.size - 16
        position = 0
        while remaining > 0:
            piece = self._pool[position : position + min(_PIECE, remaining)]
            yield piece
            remaining -= len(piece)
            position = (position + len(piece)) % len(self._pool)
