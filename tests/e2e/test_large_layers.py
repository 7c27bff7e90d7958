"""A layer of 1 GiB, through a real client and back."""

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clients import Skopeo, expect
from tests.e2e.conftest import Tenant
from tests.support.accounts import unique
from tests.support.images import OCI_MANIFEST, image_of

_PIECE = 1024 * 1024
_PIECES = 1024
_LAYER = "application/vnd.oci.image.layer.v1.tar"


class _Bytes(io.RawIOBase):
    """1 GiB in which no two pieces are equal, made while it is read."""

    def __init__(self) -> None:
        self._base = os.urandom(_PIECE - 8)
        self._pieces = self._make()
        self._rest = b""

    def _make(self) -> Iterator[bytes]:
        for number in range(_PIECES):
            yield number.to_bytes(8) + self._base

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        result, self._rest = self._rest[:size], self._rest[size:]
        return result


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_large_layout(folder: Path) -> str:
    """Write an OCI layout whose only layer is a tar archive of 1 GiB; returns the layer's hex digest."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    with tarfile.open(blobs / "layer", "w") as archive:
        entry = tarfile.TarInfo("large")
        entry.size = _PIECE * _PIECES
        archive.addfile(entry, _Bytes())
    layer = _hash_file(blobs / "layer")
    size = (blobs / "layer").stat().st_size
    (blobs / "layer").rename(blobs / layer)
    config = json.loads(image_of(()).config.data)
    config["rootfs"]["diff_ids"] = [f"sha256:{layer}"]

    def store(document: object) -> dict[str, object]:
        data = json.dumps(document).encode()
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        return {"digest": f"sha256:{name}", "size": len(data)}

    manifest = store(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **store(config)},
            "layers": [{"mediaType": _LAYER, "digest": f"sha256:{layer}", "size": size}],
        }
    )
    index = {"schemaVersion": 2, "manifests": [{"mediaType": OCI_MANIFEST, **manifest}]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return layer


@pytest.mark.slow
def test_a_layer_of_one_gibibyte(embedded_tenant: Tenant, skopeo: Skopeo, folder: Path) -> None:
    layer = _write_large_layout(folder / "layout")
    reference = embedded_tenant.reference(unique("large"), "v1")
    expect(skopeo.login(embedded_tenant.server.host, embedded_tenant.people["developer"]))

    expect(skopeo.copy(f"oci:{folder}/layout", f"docker://{reference}", "--preserve-digests"))
    shutil.rmtree(folder / "layout")
    expect(skopeo.copy(f"docker://{reference}", f"dir:{folder}/pulled"))

    assert _hash_file(folder / "pulled" / layer) == layer
