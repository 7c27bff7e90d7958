"""Documents and blobs of seeded artifacts: manifests that parse, and digests of the bytes that are there."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from apps.oci.media_types import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
)
from harbor_py.seeding.clock import iso

HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
HELM_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
COSIGN = "application/vnd.dev.cosign.artifact.sig.v1+json"
_EMPTY = b"{}"
_ARCHITECTURES = ("amd64", "amd64", "amd64", "arm64")

Store = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class SeedBlob:
    """A blob by digest; ``content`` is the digest of what a layer unpacks to."""

    digest: str
    size: int
    content: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest with what the artifact's row says about it. ``own`` blobs are of no other manifest."""

    raw: bytes
    digest: str
    media_type: str
    type: str
    own: tuple[SeedBlob, ...]
    config_media_type: str = ""
    artifact_type: str = ""
    extra_attrs: str = "{}"
    subject: str = ""


def digest(data: bytes) -> str:
    """``sha256:`` and the hex digest."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Contents:
    """Makes documents from random numbers; ``store`` keeps the bytes of their blobs, None if there are none."""

    def __init__(self, random: Random, *, name: str, store: Store | None) -> None:
        self._random = random
        self._name = name
        self._store = store
        self._count = 0
        self.empty = self._keep(_EMPTY)

    def layer(self, *, largest: int) -> SeedBlob:
        """A layer of its own: a real archive if bytes are kept, else a digest and a size of up to ``largest``."""
        self._count += 1
        label = f"{self._name} {self._count}\n".encode()
        if self._store is None:
            size = int(self._random.paretovariate(0.7) * 40_000)
            return SeedBlob(digest(b"layer " + label), min(size, largest), digest(b"content " + label))
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            entry = tarfile.TarInfo(f"srv/{self._count}.txt")
            entry.size = len(label)
            tar.addfile(entry, io.BytesIO(label))
        content = archive.getvalue()
        kept = self._keep(gzip.compress(content, mtime=0))
        return SeedBlob(kept.digest, kept.size, digest(content))

    def image(self, *, created: str, author: str, base: Sequence[SeedBlob], docker: bool) -> Document:
        """An image of ``base`` layers and one of its own."""
        own = self.layer(largest=400_000_000)
        layers = (*base, own)
        architecture = _ARCHITECTURES[self._count % len(_ARCHITECTURES)]
        moment = iso(created)
        config = (
            f'{{"Cmd":["/srv/run"],"Env":["PATH=/usr/local/bin:/usr/bin:/bin","BUILD={self._count}"],'
            '"ExposedPorts":{"8080/tcp":{}},"WorkingDir":"/srv"}'
        )
        history = ",".join(
            f'{{"created":"{moment}","created_by":"COPY layer-{place} /"}}' for place in range(len(layers))
        )
        contents = ",".join(f'"{layer.content}"' for layer in layers)
        common = f'"architecture":"{architecture}","author":"{author}","config":{config},"created":"{moment}"'
        raw_config = f'{{{common},"history":[{history}],"os":"linux","rootfs":{{"diff_ids":[{contents}],"type":"layers"}}}}'
        kept = self._keep(raw_config.encode())
        types = (
            (DOCKER_MANIFEST, DOCKER_CONFIG, DOCKER_LAYER)
            if docker
            else (OCI_MANIFEST, OCI_CONFIG, OCI_LAYER_GZIP)
        )
        raw = _manifest(types[0], _descriptor(types[1], kept), [_descriptor(types[2], one) for one in layers])
        return Document(
            raw=raw,
            digest=digest(raw),
            media_type=types[0],
            type="IMAGE",
            own=(kept, own),
            config_media_type=types[1],
            extra_attrs=f'{{{common},"os":"linux"}}',
        )

    def chart(self, *, name: str) -> Document:
        """A Helm chart."""
        own = self.layer(largest=200_000)
        version = f"{self._count % 7}.{self._count % 31}.{self._count}"
        attributes = f'{{"apiVersion":"v2","appVersion":"{version}","name":"{name}","type":"application","version":"{version}"}}'
        kept = self._keep(attributes.encode())
        raw = _manifest(OCI_MANIFEST, _descriptor(HELM_CONFIG, kept), [_descriptor(HELM_LAYER, own)])
        return Document(
            raw=raw,
            digest=digest(raw),
            media_type=OCI_MANIFEST,
            type="CHART",
            own=(kept, own),
            config_media_type=HELM_CONFIG,
            extra_attrs=attributes,
        )

    def signature(self, subject: Document) -> Document:
        """A cosign signature of ``subject``; its config is the empty document, which all share."""
        own = self.layer(largest=2_000)
        raw = _manifest(
            OCI_MANIFEST,
            _descriptor(OCI_EMPTY, self.empty),
            [_descriptor("application/vnd.dev.cosign.simplesigning.v1+json", own)],
            f'"artifactType":"{COSIGN}","subject":{{"mediaType":"{subject.media_type}",'
            f'"digest":"{subject.digest}","size":{len(subject.raw)}}},',
        )
        return Document(
            raw=raw,
            digest=digest(raw),
            media_type=OCI_MANIFEST,
            type="UNKNOWN",
            own=(own,),
            config_media_type=OCI_EMPTY,
            artifact_type=COSIGN,
            subject=subject.digest,
        )

    def index(self, children: Sequence[Document], platforms: Sequence[str]) -> Document:
        """An index of images; ``platforms`` are JSON objects."""
        entries = ",".join(
            f'{{"mediaType":"{child.media_type}","digest":"{child.digest}","size":{len(child.raw)},'
            f'"platform":{platform}}}'
            for child, platform in zip(children, platforms, strict=True)
        )
        raw = f'{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[{entries}]}}'.encode()
        return Document(
            raw=raw,
            digest=digest(raw),
            media_type=OCI_INDEX,
            type="IMAGE",
            own=(),
            config_media_type=OCI_INDEX,
        )

    def _keep(self, data: bytes) -> SeedBlob:
        kept = SeedBlob(digest(data), len(data))
        if self._store is not None:
            self._store(kept.digest, data)
        return kept


def _descriptor(media_type: str, blob: SeedBlob) -> str:
    return f'{{"mediaType":"{media_type}","digest":"{blob.digest}","size":{blob.size}}}'


def _manifest(media_type: str, config: str, layers: Sequence[str], more: str = "") -> bytes:
    return (
        f'{{"schemaVersion":2,"mediaType":"{media_type}",{more}"config":{config},"layers":[{",".join(layers)}]}}'
    ).encode()
