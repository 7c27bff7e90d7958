"""Manifests as JSON, whole or with something wrong, and the blobs that they need."""

import json
import os
from collections.abc import Iterable
from typing import Any

from tests.support.http import RegistryClient
from tests.support.images import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Content

EMPTY = Content(b"{}", "application/vnd.oci.empty.v1+json")


def layer(size: int = 100, media_type: str = OCI_LAYER) -> Content:
    """Random bytes."""
    return Content(os.urandom(size), media_type)


def config() -> Content:
    """A config that no other test has."""
    document = {"architecture": "amd64", "os": "linux", "made": os.urandom(8).hex()}
    return Content(json.dumps(document).encode(), OCI_CONFIG)


def manifest_of(
    config: Content | Any = EMPTY, layers: Any = (), media_type: str = OCI_MANIFEST, **fields: Any
) -> Content:
    """A manifest; ``fields`` come on top and replace what is there (None leaves a field out).

    Config and layers may be descriptors, or nothing of the kind.
    """
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": _descriptor(config),
        "layers": [_descriptor(layer) for layer in layers] if isinstance(layers, (list, tuple)) else layers,
        "annotations": {"made": os.urandom(8).hex()},
    } | fields
    return written(document, media_type)


def index_of(children: Iterable[Content] = (), media_type: str = OCI_INDEX, **fields: Any) -> Content:
    """An index of these documents."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [child.descriptor for child in children],
        "annotations": {"made": os.urandom(8).hex()},
    } | fields
    return written(document, media_type)


def _descriptor(content: Content | Any) -> Any:
    return content.descriptor if isinstance(content, Content) else content


def written(document: dict[str, Any], media_type: str) -> Content:
    """A document as bytes that no JSON library would write again: spaces and line ends are the sender's."""
    shown = {name: value for name, value in document.items() if value is not None}
    return Content(json.dumps(shown, indent=3).replace('": ', '" :  ').encode() + b"\n", media_type)


def push(registry: RegistryClient, repository: str, manifest: Content, *blobs: Content, tag: str = "") -> str:
    """Push the blobs, then the manifest, by tag or by digest; returns the digest."""
    for blob in blobs:
        registry.push_blob(repository, blob.data)
    answer = registry.put_manifest(repository, tag or manifest.digest, manifest)
    assert answer.status_code == 201, answer.text
    return manifest.digest


def assert_stored(registry: RegistryClient, repository: str, reference: str, manifest: Content) -> None:
    """GET and HEAD give the bytes and the type that were pushed."""
    got = registry.get_manifest(repository, reference)
    looked = registry.head_manifest(repository, reference)

    assert (got.status_code, got.content) == (200, manifest.data)
    assert (looked.status_code, looked.content) == (200, b"")
    for answer in (got, looked):
        assert answer.headers["Content-Type"] == manifest.media_type
        assert answer.headers["Content-Length"] == str(len(manifest.data))
        assert answer.headers["Docker-Content-Digest"] == manifest.digest
        assert answer.headers["ETag"] == f'"{manifest.digest}"'
