"""Manifests and indexes (image-spec manifest.md, image-index.md, descriptor.md; docker schema 2).

The received bytes are the document: `Manifest.raw` is kept and hashed as it came, the rest is a checked view.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from apps.oci.digests import Digest, digest_of, parse_digest
from apps.oci.errors import (
    DigestInvalidError,
    ManifestInvalidError,
    ManifestTooLargeError,
    ManifestUnsupportedError,
    excerpt,
)
from apps.oci.media_types import (
    DOCUMENT_TYPES,
    INDEX_TYPES,
    OCI_INDEX,
    OCI_MANIFEST,
    SCHEMA1_TYPES,
    essence,
    is_foreign_layer,
)

MAX_MANIFEST_SIZE: Final = 4 * 1024 * 1024
MAX_SIZE: Final = 2**63 - 1

# Looser than RFC 6838, which clients do not keep to, yet short and printable: it becomes a column and a header.
_MEDIA_TYPE: Final = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?")
_IMAGE_FIELDS: Final = ("config", "layers", "fsLayers")
_INDEX_FIELDS: Final = ("manifests",)
_PLATFORM_TEXTS: Final = ("architecture", "os", "os.version", "variant")
_PLATFORM_LISTS: Final = ("os.features", "features")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A pointer to content. `size` is in bytes, `data` the content itself when it was embedded (checked).

    `platform` holds the fields that the specifications name, and only those.
    """

    media_type: str
    digest: Digest
    size: int
    urls: tuple[str, ...]
    annotations: Mapping[str, str]
    data: bytes | None
    artifact_type: str | None
    platform: Mapping[str, str | tuple[str, ...]] | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A checked image manifest (`config`, `layers`) or index (`manifests`), with the bytes it came as."""

    raw: bytes
    digest: Digest
    media_type: str
    artifact_type: str | None
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None
    annotations: Mapping[str, str]

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEX_TYPES

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """The blobs that must be in the registry: config, then layers but foreign ones, each digest once."""
        unique: dict[Digest, Descriptor] = {}
        if self.config is not None:
            unique[self.config.digest] = self.config
        for layer in self.layers:
            if not is_foreign_layer(layer.media_type):
                unique.setdefault(layer.digest, layer)
        return tuple(unique.values())

    @property
    def total_size(self) -> int:
        """Bytes of the document and of `blobs`; an index counts without its children."""
        return len(self.raw) + sum(blob.size for blob in self.blobs)


def parse_manifest(raw: bytes, *, content_type: str | None, algorithm: str = "sha256") -> Manifest:
    """Check the body of a manifest push and return the view on it.

    `content_type` is the request's header, None or empty when there was none; `algorithm` that of the
    digest to make. Raises ManifestTooLargeError, ManifestUnsupportedError (schema 1, unknown media type),
    ManifestInvalidError (with the field's path in the message), DigestInvalidError (unknown algorithm).
    """
    if len(raw) > MAX_MANIFEST_SIZE:
        raise ManifestTooLargeError(
            f"the manifest has {len(raw)} bytes, at most {MAX_MANIFEST_SIZE} are allowed",
            detail={"size": len(raw), "limit": MAX_MANIFEST_SIZE},
        )
    document = _load(raw)
    media_type = _document_type(document, essence(content_type or ""))
    artifact_type = _optional_media_type(document.get("artifactType"), "artifactType")
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    if media_type in INDEX_TYPES:
        _refuse_fields(document, _IMAGE_FIELDS, "an index")
        manifests = _descriptors(document.get("manifests"), "manifests")
    else:
        _refuse_fields(document, _INDEX_FIELDS, "an image manifest")
        config = _descriptor(document.get("config"), "config")
        layers = _descriptors(document.get("layers"), "layers")
        artifact_type = artifact_type or config.media_type
    subject = document.get("subject")
    manifest = Manifest(
        raw=raw,
        digest=digest_of(raw, algorithm),
        media_type=media_type,
        artifact_type=artifact_type,
        config=config,
        layers=layers,
        manifests=manifests,
        subject=None if subject is None else _descriptor(subject, "subject"),
        annotations=_annotations(document.get("annotations"), "annotations"),
    )
    if manifest.total_size > MAX_SIZE:
        raise _invalid("layers", f"the sizes add up to more than {MAX_SIZE}")
    return manifest


def _invalid(field: str, problem: str) -> ManifestInvalidError:
    return ManifestInvalidError(f"{field}: {problem}", detail={"field": field})


def _load(raw: bytes) -> dict[str, Any]:
    # orjson refuses what the JSON grammar does not have: NaN, lone surrogates, bytes that are not UTF-8, and
    # nesting beyond 1024.
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ManifestInvalidError(f"the manifest is not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise ManifestInvalidError("the manifest is not a JSON object")
    return document


def _document_type(document: dict[str, Any], declared: str) -> str:
    """Return the one media type that header (`declared`, may be empty), body and shape agree on."""
    stated = document.get("mediaType")
    embedded = "" if stated is None else _text(stated, "mediaType").lower()
    version = document.get("schemaVersion")
    is_schema1 = type(version) is int and version == 1
    if is_schema1 or declared in SCHEMA1_TYPES or embedded in SCHEMA1_TYPES:
        raise ManifestUnsupportedError(
            "docker image manifest schema 1 is not supported: push the image again with a current client"
        )
    if type(version) is not int or version != 2:
        raise _invalid("schemaVersion", "must be the number 2")
    if declared and embedded and declared != embedded:
        raise _invalid("mediaType", f"'{excerpt(embedded)}' is not the Content-Type '{excerpt(declared)}'")
    media_type = embedded or declared or _inferred_type(document)
    if media_type not in DOCUMENT_TYPES:
        raise ManifestUnsupportedError(
            f"manifests of type '{excerpt(media_type)}' are not supported",
            detail={"mediaType": excerpt(media_type)},
        )
    return media_type


def _inferred_type(document: dict[str, Any]) -> str:
    is_image = "config" in document and "layers" in document
    is_index = "manifests" in document
    if is_image == is_index:
        raise _invalid("mediaType", "missing, as is the Content-Type, and the fields do not tell which it is")
    return OCI_INDEX if is_index else OCI_MANIFEST


def _refuse_fields(document: dict[str, Any], fields: tuple[str, ...], what: str) -> None:
    """Refuse a document that another client could read as the other kind (CVE-2021-41190)."""
    for field in fields:
        if field in document:
            raise _invalid(field, f"must not be in {what}")


def _descriptors(value: object, where: str) -> tuple[Descriptor, ...]:
    if not isinstance(value, list):
        raise _invalid(where, "must be a list")
    return tuple([_descriptor(item, f"{where}[{index}]") for index, item in enumerate(value)])


def _descriptor(value: object, where: str) -> Descriptor:
    if not isinstance(value, dict):
        raise _invalid(where, "must be an object")
    size = value.get("size")
    # A JSON true is an int to isinstance(), and orjson reads integers beyond 64 bits as floats.
    if type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise _invalid(f"{where}.size", f"must be a whole number from 0 to {MAX_SIZE}")
    digest = _digest(value.get("digest"), f"{where}.digest")
    return Descriptor(
        media_type=_media_type(value.get("mediaType"), f"{where}.mediaType"),
        digest=digest,
        size=size,
        urls=_texts(value.get("urls"), f"{where}.urls"),
        annotations=_annotations(value.get("annotations"), f"{where}.annotations"),
        data=_data(value.get("data"), digest, size, f"{where}.data"),
        artifact_type=_optional_media_type(value.get("artifactType"), f"{where}.artifactType"),
        platform=_platform(value.get("platform"), f"{where}.platform"),
    )


def _digest(value: object, where: str) -> Digest:
    try:
        return parse_digest(_text(value, where))
    except DigestInvalidError as error:
        raise _invalid(where, error.message) from error


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _invalid(where, "must be a string")
    # PostgreSQL stores no NUL, neither in text nor in jsonb.
    if "\0" in value:
        raise _invalid(where, "must not contain a NUL character")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _invalid(where, "must be a list of strings")
    return tuple([_text(item, f"{where}[{index}]") for index, item in enumerate(value)])


def _media_type(value: object, where: str) -> str:
    text = _text(value, where)
    if not _MEDIA_TYPE.fullmatch(text):
        raise _invalid(where, "must be 1 to 255 printable ASCII characters")
    return text


def _optional_media_type(value: object, where: str) -> str | None:
    # An empty string is what clients in Go make of a missing one.
    return None if value is None or value == "" else _media_type(value, where)


def _annotations(value: object, where: str) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _invalid(where, "must be an object of strings")
    for key, text in value.items():
        field = f"{where}[{excerpt(key)}]"
        _text(key, field)
        _text(text, field)
    return value


def _data(value: object, digest: Digest, size: int, where: str) -> bytes | None:
    """Decode embedded content, which must be the content that the descriptor names (descriptor.md)."""
    if value is None:
        return None
    try:
        content = base64.b64decode(_text(value, where), validate=True)
    except ValueError as error:
        raise _invalid(where, "must be base64") from error
    if len(content) != size:
        raise _invalid(where, f"has {len(content)} bytes, the descriptor says {size}")
    if digest_of(content, digest.algorithm) != digest:
        raise _invalid(where, "does not have the descriptor's digest")
    return content


def _platform(value: object, where: str) -> Mapping[str, str | tuple[str, ...]] | None:
    """Keep the known fields: custom ones may nest deeper than a JSON writer goes."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _invalid(where, "must be an object")
    platform: dict[str, str | tuple[str, ...]] = {}
    for name in _PLATFORM_TEXTS:
        if value.get(name) is not None:
            platform[name] = _text(value[name], f"{where}.{name}")
    for name in _PLATFORM_LISTS:
        if value.get(name) is not None:
            platform[name] = _texts(value[name], f"{where}.{name}")
    return platform
