"""What an artifact says about itself beyond its attributes: history, chart files, a model's documents, an SBOM.

Everything is read from its own manifest, config and layers when it is asked for, within bounds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from apps.artifacts import contents
from apps.artifacts.archives import MAX_FILE, MAX_UNPACKED, archive_files
from apps.artifacts.chart_dependencies import dependency_rows, requirements_of
from apps.artifacts.contents import config_of
from apps.artifacts.errors import AdditionMissingError, AdditionUnsupportedError, ContentTooLargeError
from apps.artifacts.model_files import document_layer, document_of, file_tree
from apps.oci.digests import Digest
from apps.oci.manifests import Descriptor, Manifest
from apps.oci.media_types import is_foreign_layer
from apps.storage.layout import blob_path
from apps.storage.selectors import get_driver

JSON: Final = "application/json; charset=utf-8"
TEXT: Final = "text/plain; charset=utf-8"
MARKDOWN: Final = "text/markdown; charset=utf-8"

_CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_HISTORY_KEYS = ("created", "created_by", "author", "comment", "empty_layer")
_ADDITIONS: Mapping[str, tuple[str, ...]] = {
    contents.IMAGE: ("build_history",),
    contents.WASM: ("build_history",),
    contents.CHART: ("values.yaml", "readme.md", "dependencies"),
    contents.CNAI: ("readme.md", "license", "files"),
}


@dataclass(frozen=True, slots=True)
class Addition:
    """One addition as it is sent."""

    content: bytes
    content_type: str


def addition_names(kind: str, *, is_index: bool) -> tuple[str, ...]:
    """The additions that an artifact of this type links to."""
    return () if is_index else _ADDITIONS.get(kind, ())


def addition_of(kind: str, manifest: Manifest, name: str) -> Addition:
    """Read one addition of an artifact of type ``kind``.

    Raises :class:`AdditionUnsupportedError`, :class:`AdditionMissingError`, :class:`ContentTooLargeError` and
    :class:`ArchiveInvalidError`.
    """
    reader = None if manifest.is_index else _READERS.get(kind)
    if reader is None:
        if kind in {contents.IMAGE, contents.CNAB}:
            raise AdditionUnsupportedError(f"addition {name.upper()} isn't supported for {kind}")
        raise AdditionUnsupportedError(
            f"the processor for artifact {kind} not found, cannot get the addition"
        )
    if kind != contents.SBOM and name not in _ADDITIONS[kind]:
        suffix = "(manifest version 2)" if kind in {contents.IMAGE, contents.WASM} else ""
        raise AdditionUnsupportedError(f"addition {name.upper()} isn't supported for {kind}{suffix}")
    return reader(manifest, name)


def _history(manifest: Manifest, _name: str) -> Addition:
    steps = config_of(manifest).get("history")
    rows = [
        {key: step[key] for key in _HISTORY_KEYS if isinstance(step.get(key), str | bool) and step[key]}
        for step in (steps if isinstance(steps, list) else [])
        if isinstance(step, dict)
    ]
    return Addition(orjson.dumps(rows), JSON)


def _chart(manifest: Manifest, name: str) -> Addition:
    if name == "dependencies":
        config = config_of(manifest)
        if config.get("apiVersion") == "v1":
            return Addition(orjson.dumps(requirements_of(_chart_file(manifest, "requirements.yaml"))), JSON)
        return Addition(orjson.dumps(dependency_rows(config.get("dependencies"))), JSON)
    return Addition(_chart_file(manifest, name), MARKDOWN if name == "readme.md" else TEXT)


def _chart_file(manifest: Manifest, name: str) -> bytes:
    """A file of the chart's own folder, by its name in lower case; empty if the chart has none."""
    # A provenance file can be beside the chart.
    layer = next((layer for layer in _layers(manifest) if layer.media_type == _CHART_LAYER), None)
    if layer is None:
        raise AdditionMissingError("the chart has no archive")
    _limit(layer, MAX_UNPACKED)

    def wanted(path: str) -> bool:
        folder, _, file = path.removeprefix("./").partition("/")
        return bool(folder) and file.lower() == name

    stream = get_driver().read(blob_path(layer.digest))
    try:
        return next((data for _, data in archive_files(stream, gzipped=True, wanted=wanted)), b"")
    finally:
        stream.close()


def _model(manifest: Manifest, name: str) -> Addition:
    if name == "files":
        return Addition(orjson.dumps(file_tree(manifest.layers)), JSON)
    layer = document_layer(_layers(manifest), name)
    if layer is None:
        raise AdditionMissingError(f"{name.partition('.')[0]} layer not found")
    _limit(layer, MAX_FILE)
    stream = get_driver().read(blob_path(layer.digest))
    try:
        content = document_of(layer, stream)
    finally:
        stream.close()
    return Addition(content, MARKDOWN if name == "readme.md" else TEXT)


def _sbom(manifest: Manifest, _name: str) -> Addition:
    """The document of an SBOM, whatever addition is asked for, as in Harbor."""
    layers = _layers(manifest)
    if len(layers) != 1:
        raise AdditionMissingError("The sbom is not found")
    (layer,) = layers
    _limit(layer, MAX_UNPACKED)
    return Addition(_bytes(layer.digest), "application/vnd.goharbor.harbor.sbom.v1")


def _layers(manifest: Manifest) -> list[Descriptor]:
    """The layers that the repository has to have: a foreign one could name anybody's blob."""
    return [layer for layer in manifest.layers if not is_foreign_layer(layer.media_type)]


def _bytes(digest: Digest) -> bytes:
    return get_driver().get(blob_path(digest))


def _limit(layer: Descriptor, most: int) -> None:
    if layer.size > most:
        raise ContentTooLargeError(f"the file is too large to be processed: more than {most} bytes")


_READERS: dict[str, Callable[[Manifest, str], Addition]] = {
    contents.IMAGE: _history,
    contents.WASM: _history,
    contents.CHART: _chart,
    contents.CNAI: _model,
    contents.SBOM: _sbom,
}
