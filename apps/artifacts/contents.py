"""What an artifact is: Harbor's type and extra attributes, read from the manifest and its config."""

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.oci.digests import digest_of
from apps.oci.manifests import Manifest
from apps.oci.media_types import DOCKER_CONFIG, OCI_CONFIG
from apps.storage.errors import StorageError
from apps.storage.layout import blob_path
from apps.storage.selectors import get_driver

_LARGEST_CONFIG = 4 * 1024 * 1024
_IMAGE_CONFIGS = frozenset({DOCKER_CONFIG, OCI_CONFIG})
_TYPES = {
    "application/vnd.cncf.helm.config.v1+json": "CHART",
    "application/vnd.goharbor.harbor.sbom.v1": "SBOM",
    "application/vnd.wasm.config.v1+json": "WASM",
    "application/vnd.cnai.model.config.v1+json": "CNAI",
}
_NAMED = re.compile(r"application/vnd\.[^.]*\.(.*)\.config\.[^.]*\+json\Z")


@dataclass(frozen=True, slots=True)
class Content:
    """``type`` as Harbor names it, ``extra_attrs`` as its API shows them."""

    type: str
    extra_attrs: dict[str, Any] = field(default_factory=dict)


def content_of(manifest: Manifest) -> Content:
    """Look into a manifest, and into its config where that says more. A config that cannot be read says nothing."""
    if manifest.is_index:
        kind = "CNAB" if "org.opencontainers.artifactType" in manifest.annotations else "IMAGE"
        return Content(kind if manifest.artifact_type is None else _named(manifest.artifact_type))
    if manifest.config is None:
        return Content("UNKNOWN")
    media_type = manifest.config.media_type
    if media_type in _IMAGE_CONFIGS:
        return Content("IMAGE", _image_attributes(_config(manifest)))
    kind = _TYPES.get(media_type) or _named(media_type)
    return Content(kind, _config(manifest) if kind in {"CHART", "CNAI"} else {})


def _named(media_type: str) -> str:
    """``application/vnd.acme.thing.config.v1+json`` is a THING; anything else is UNKNOWN."""
    if match := _NAMED.match(media_type):
        return match.group(1).upper()[:255]
    return "UNKNOWN"


def _config(manifest: Manifest) -> dict[str, Any]:
    config = manifest.config
    if config is None or config.size > _LARGEST_CONFIG:
        return {}
    try:
        raw = config.data if config.data is not None else get_driver().get(blob_path(config.digest))
        document = orjson.loads(raw)
    except (StorageError, ValueError):
        return {}
    if not isinstance(document, dict) or digest_of(raw, config.digest.algorithm) != config.digest:
        return {}
    return document


def _image_attributes(config: dict[str, Any]) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        name: config[name]
        for name in ("architecture", "author", "created", "os")
        if isinstance(config.get(name), str)
    }
    if isinstance(config.get("config"), dict):
        attributes["config"] = config["config"]
    return attributes
