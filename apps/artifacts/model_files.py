"""Models of the model specification (CNCF ModelPack, before that CNAI): which files their layers are.

A layer is one file or folder, as a tar archive or, in newer versions, raw; an annotation says where it belongs.
"""

from collections.abc import Sequence
from typing import Any

from apps.artifacts.archives import MAX_FILE, archive_files
from apps.artifacts.errors import AdditionUnsupportedError, ContentTooLargeError
from apps.oci.manifests import Descriptor
from apps.storage.driver import ByteStream

_PATH_KEYS = ("org.cncf.model.filepath", "org.cnai.model.filepath")
_DOCUMENTS = ("application/vnd.cncf.model.doc.v1.", "application/vnd.cnai.model.doc.v1.")
_NAMES = {"readme.md": frozenset({"readme", "readme.md"}), "license": frozenset({"license", "license.txt"})}
_DEEPEST = 64
_MOST_NODES = 20_000


def document_layer(layers: Sequence[Descriptor], name: str) -> Descriptor | None:
    """The layer that is the ``readme.md`` or the ``license``, if there is one."""
    for layer in layers:
        if layer.media_type.startswith(_DOCUMENTS) and _path(layer).lower() in _NAMES[name]:
            return layer
    return None


def document_of(layer: Descriptor, stream: ByteStream) -> bytes:
    """The text of a document's layer, at most 4 MiB; raises :class:`AdditionUnsupportedError` for other packing."""
    match layer.media_type.rpartition(".")[2]:
        case "raw":
            return b"".join(stream)
        case "tar" | "tar+gzip" as packing:
            files = archive_files(stream, gzipped=packing == "tar+gzip", wanted=lambda _: True)
            pieces, size = [], 0
            for _, data in files:
                pieces.append(data)
                size += len(data)
                if size > MAX_FILE:
                    raise ContentTooLargeError(
                        f"the file is too large to be processed: more than {MAX_FILE} bytes"
                    )
            return b"".join(pieces)
        case packing:
            raise AdditionUnsupportedError(f"documents packed as {packing} are not supported")


def file_tree(layers: Sequence[Descriptor]) -> list[dict[str, Any]]:
    """Folders and files of a model, folders first, then by name; ``size`` is the layer's in bytes.

    Raises :class:`ContentTooLargeError` for a model of more than 20 000 files and folders.
    """
    root: dict[str, Any] = {}
    nodes = 0
    for layer in layers:
        path = _path(layer)
        if path.count("/") > _DEEPEST:
            continue
        parts = [part for part in path.split("/") if part not in {"", ".", ".."}]
        if not parts:
            continue
        folder = root
        for part in parts if path.endswith("/") else parts[:-1]:
            inner = folder.setdefault(part, {})
            nodes += 1
            if not isinstance(inner, dict):
                # A file and a folder of one name: the folder knows more.
                inner = folder[part] = {}
            folder = inner
        if not path.endswith("/"):
            folder.setdefault(parts[-1], layer.size)
            nodes += 1
        if nodes > _MOST_NODES:
            raise ContentTooLargeError(f"the model has more than {_MOST_NODES} files and folders")
    return _listed(root)


def _listed(folder: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, inner in sorted(folder.items(), key=lambda item: (not isinstance(item[1], dict), item[0])):
        if not isinstance(inner, dict):
            rows.append({"name": name, "type": "file"} | ({"size": inner} if inner else {}))
        else:
            children = _listed(inner)
            rows.append({"name": name, "type": "directory"} | ({"children": children} if children else {}))
    return rows


def _path(layer: Descriptor) -> str:
    return next((path for key in _PATH_KEYS if (path := layer.annotations.get(key))), "")
