"""Images made by the tests: layers of random files, manifests of both families, and the files that clients load."""

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
REF_NAME = "org.opencontainers.image.ref.name"


def digest_of(data: bytes, algorithm: str = "sha256") -> str:
    """The digest of ``data`` as ``algorithm:hex``."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


@dataclass(frozen=True)
class Content:
    """Bytes with their media type."""

    data: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes."""
        return digest_of(self.data)

    @property
    def descriptor(self) -> dict[str, Any]:
        """What an OCI document says of them."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}


@dataclass(frozen=True)
class Image:
    """A manifest with its config and layers; ``tars`` are the layers before gzip."""

    manifest: Content
    config: Content
    layers: tuple[Content, ...]
    tars: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return self.manifest.digest

    @property
    def blobs(self) -> tuple[Content, ...]:
        """Config and layers."""
        return (self.config, *self.layers)

    @property
    def platform(self) -> dict[str, str]:
        """What an index says of it."""
        config = json.loads(self.config.data)
        return {"os": config["os"], "architecture": config["architecture"]}


@dataclass(frozen=True)
class Index:
    """An index (or Docker's list) with its images."""

    manifest: Content
    images: tuple[Image, ...]

    @property
    def digest(self) -> str:
        """The digest of the index."""
        return self.manifest.digest


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A tar archive of ``files``, by path."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def make_image(
    *, layers: int = 2, layer_size: int = 10_240, docker: bool = False, architecture: str = "amd64"
) -> Image:
    """An image that no other test has: ``layers`` layers, each with a file of ``layer_size`` random bytes."""
    tars = tuple(tar_of({f"data/{number}": os.urandom(layer_size)}) for number in range(layers))
    return image_of(tars, docker=docker, architecture=architecture)


def image_of(tars: tuple[bytes, ...], *, docker: bool = False, architecture: str = "amd64") -> Image:
    """The image that has these layers, given as tar archives."""
    layer_type = DOCKER_LAYER if docker else OCI_LAYER
    contents = tuple(Content(gzip.compress(tar, 1, mtime=0), layer_type) for tar in tars)
    config = Content(
        _json(
            {
                "architecture": architecture,
                "os": "linux",
                "created": "2024-01-01T00:00:00Z",
                "config": {"Cmd": ["/data/0"], "Labels": {"made": os.urandom(8).hex()}},
                "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]},
                "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "tests"} for _ in tars],
            }
        ),
        DOCKER_CONFIG if docker else OCI_CONFIG,
    )
    media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config.descriptor,
        "layers": [content.descriptor for content in contents],
    }
    return Image(Content(_json(manifest), media_type), config, contents, tars)


def make_index(*images: Image, docker: bool = False) -> Index:
    """An index of ``images``, or of one new image for each of two architectures."""
    images = images or tuple(make_image(docker=docker, architecture=name) for name in ("amd64", "arm64"))
    media_type = DOCKER_LIST if docker else OCI_INDEX
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [{**image.manifest.descriptor, "platform": image.platform} for image in images],
    }
    return Index(Content(_json(manifest), media_type), images)


def make_artifact(
    *, artifact_type: str, subject: Content | None = None, annotations: Mapping[str, str] | None = None
) -> Image:
    """An artifact without layers of use: the empty config twice, as the OCI specification advises."""
    empty = Content(b"{}", "application/vnd.oci.empty.v1+json")
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": empty.descriptor,
        "layers": [empty.descriptor],
        "annotations": {"made": os.urandom(8).hex(), **(annotations or {})},
    }
    if subject is not None:
        manifest["subject"] = subject.descriptor
    return Image(Content(_json(manifest), OCI_MANIFEST), empty, (empty,), ())


def write_oci_layout(folder: Path, content: Image | Index, *, tag: str = "latest") -> Path:
    """Write ``content`` as an OCI image layout that skopeo and buildah read as ``oci:FOLDER:TAG``."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    images = content.images if isinstance(content, Index) else (content,)
    for item in (content.manifest, *(part for image in images for part in (image.manifest, *image.blobs))):
        (blobs / item.digest.removeprefix("sha256:")).write_bytes(item.data)
    entry = {**content.manifest.descriptor, "annotations": {REF_NAME: tag}}
    (folder / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    return folder


def write_docker_archive(path: Path, image: Image, *, name: str) -> Path:
    """Write ``image`` as ``docker save`` would, named ``name`` (with its tag), for ``docker load``."""
    config_name = f"{image.config.digest.removeprefix('sha256:')}.json"
    layers = {f"{number}/layer.tar": tar for number, tar in enumerate(image.tars)}
    entry = {"Config": config_name, "RepoTags": [name], "Layers": list(layers)}
    path.write_bytes(tar_of({config_name: image.config.data, **layers, "manifest.json": _json([entry])}))
    return path


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
