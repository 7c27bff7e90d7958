"""What an artifact is: Harbor's type and extra attributes, read from the manifest and its config."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.artifacts.icons import LARGEST_ICON, icon_type
from apps.oci.digests import digest_of
from apps.oci.manifests import Descriptor, Manifest
from apps.oci.media_types import DOCKER_CONFIG, OCI_CONFIG
from apps.storage.errors import StorageError
from apps.storage.layout import blob_path
from apps.storage.selectors import get_driver

IMAGE = "IMAGE"
CHART = "CHART"
CNAB = "CNAB"
WASM = "WASM"
SBOM = "SBOM"
CNAI = "CNAI"
UNKNOWN = "UNKNOWN"

_CNAB_INDEX = "application/vnd.cnab.manifest.v1"
_WASM_CONFIG = "application/vnd.wasm.config.v1+json"
_TYPES = {
    DOCKER_CONFIG: IMAGE,
    OCI_CONFIG: IMAGE,
    _WASM_CONFIG: WASM,
    "application/vnd.cncf.helm.config.v1+json": CHART,
    "application/vnd.goharbor.harbor.sbom.v1": SBOM,
    "application/vnd.cnai.model.config.v1+json": CNAI,
    "application/vnd.cncf.model.config.v1+json": CNAI,
}
_NAMED = re.compile(r"application/vnd\.[^.]*\.(.*)\.config\.[^.]*\+json\Z")
_TITLE = "org.opencontainers.image.title"
_INDEX_TYPE = "org.opencontainers.artifactType"
_ICON = "io.goharbor.artifact.v1alpha1.icon"
_SKIP_LIST = "io.goharbor.artifact.v1alpha1.skip-list"
_AUTHOR_LABELS = ("org.opencontainers.image.authors", "maintainer")

_LARGEST_CONFIG = 4 * 1024 * 1024

# What every row of a list would carry.
_LARGEST_ATTRIBUTES = 256 * 1024
_LARGEST_ANNOTATIONS = 64 * 1024
# An answer holds the attributes some levels deep, and what writes it stops at 254.
_LEVELS_ABOVE = 16

ChildFinder = Callable[[str], Manifest | None]
"""From a digest in an index to that manifest, if the repository has it."""


@dataclass(frozen=True, slots=True)
class Content:
    """``type`` and ``media_type`` as Harbor names them, ``extra_attrs`` as its API shows them.

    ``icon`` is the digest of a layer with a picture, "" for none.
    """

    type: str
    media_type: str
    extra_attrs: dict[str, Any] = field(default_factory=dict)
    icon: str = ""


def content_of(manifest: Manifest, find_child: ChildFinder) -> Content:
    """Look into a manifest, and into its config where that says more. A config that cannot be read says nothing."""
    if manifest.is_index:
        return _index(manifest, find_child)
    if manifest.config is None:
        return Content(UNKNOWN, manifest.media_type)
    by_annotation = (
        manifest.annotations.get("module.wasm.image/variant") == "compat"
        or manifest.annotations.get("run.oci.handler") == "wasm"
    )
    media_type = _WASM_CONFIG if by_annotation else manifest.config.media_type
    kind = _TYPES.get(media_type)
    if kind is None:
        return _named_content(manifest, manifest.config)
    if kind == WASM and not by_annotation:
        attributes = _wasm_module(manifest)
    else:
        config = config_of(manifest)
        attributes = _image_attributes(config) if kind in {IMAGE, WASM} else config
        if by_annotation:
            attributes["manifest.config.mediaType"] = manifest.config.media_type
    return Content(kind, media_type, _bounded(attributes))


def config_of(manifest: Manifest) -> dict[str, Any]:
    """The config as an object; empty if there is none, or it is no JSON object of at most 4 MiB."""
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


def _index(manifest: Manifest, find_child: ChildFinder) -> Content:
    media_type = manifest.annotations.get(_INDEX_TYPE, "")[:255] or manifest.media_type
    if media_type == manifest.media_type:
        return Content(IMAGE, media_type)
    if media_type != _CNAB_INDEX:
        return Content(_named(media_type), media_type)
    # A bundle says what it is in the config of one of its children.
    for child in manifest.manifests:
        if child.annotations.get("io.cnab.manifest.type") == "config":
            found = find_child(str(child.digest))
            return Content(CNAB, media_type, {} if found is None else _bounded(config_of(found)))
    return Content(CNAB, media_type)


def _named_content(manifest: Manifest, config: Descriptor) -> Content:
    """A type that nobody has told us about: its config is shown but for what it lists to be skipped."""
    kind = _named(config.media_type)
    attributes = config_of(manifest) if kind != UNKNOWN else {}
    for name in config.annotations.get(_SKIP_LIST, "").split(","):
        attributes.pop(name.strip(), None)
    return Content(kind, config.media_type, _bounded(attributes), _icon(manifest))


def _named(media_type: str) -> str:
    """``application/vnd.acme.thing.config.v1+json`` is a THING; anything else is UNKNOWN."""
    if match := _NAMED.match(media_type):
        return match.group(1).upper()[:255]
    return UNKNOWN


def _icon(manifest: Manifest) -> str:
    """The digest of the first layer that is marked as icon, if it is a picture of at most 1 MiB."""
    # Of the blobs that the repository has to have: a foreign layer could name anybody's.
    layer = next((blob for blob in manifest.blobs if _ICON in blob.annotations), None)
    if layer is None or layer.size > LARGEST_ICON:
        return ""
    try:
        return str(layer.digest) if icon_type(get_driver().get(blob_path(layer.digest))) else ""
    except StorageError:
        return ""


def _wasm_module(manifest: Manifest) -> dict[str, Any]:
    """A module as wasm-to-oci pushes it: its config says nothing."""
    attributes: dict[str, Any] = {"manifest.config.mediaType": _WASM_CONFIG}
    if manifest.layers:
        first = manifest.layers[0]
        attributes["manifest.layers.mediaType"] = first.media_type
        attributes[_TITLE] = first.annotations.get(_TITLE, "")
    return attributes


def _image_attributes(config: dict[str, Any]) -> dict[str, Any]:
    if not config:
        return {}
    attributes: dict[str, Any] = {name: _text(config.get(name)) for name in ("architecture", "author", "os")}
    attributes["created"] = _text(config.get("created")) or None
    settings = config.get("config")
    attributes["config"] = settings if isinstance(settings, dict) else {}
    labels = attributes["config"].get("Labels")
    if not attributes["author"] and isinstance(labels, dict):
        authors = (_text(labels.get(name)) for name in _AUTHOR_LABELS)
        attributes["author"] = next(filter(None, authors), "")
    return attributes


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def annotations_shown(annotations: Mapping[str, str]) -> dict[str, Any]:
    """The annotations of a manifest as rows have them: all, or of more than 64 KiB the short ones.

    The manifest itself, which may have 4 MiB of them, stays as it is.
    """
    return _bounded(dict(annotations), most=_LARGEST_ANNOTATIONS)


def _bounded(attributes: dict[str, Any], *, most: int = _LARGEST_ATTRIBUTES) -> dict[str, Any]:
    """The attributes, without those that would make every answer large or that nest too deep to be written."""
    nested: Any = attributes
    for _ in range(_LEVELS_ABOVE):
        nested = [nested]
    try:
        if len(orjson.dumps(nested)) <= most:
            return attributes
    except orjson.JSONEncodeError:
        pass
    kept: dict[str, Any] = {}
    room = most
    for name, value in attributes.items():
        if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 1024):
            room -= len(orjson.dumps((name, value)))
            if room < 0:
                break
            kept[name] = value
    return kept
