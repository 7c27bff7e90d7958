"""The dependencies that a Helm chart names, in ``Chart.yaml`` (which its config repeats) or ``requirements.yaml``."""

from typing import Any

import yaml

from apps.artifacts.errors import ArchiveInvalidError, ContentTooLargeError

_KEYS = ("name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias")
_ALWAYS = ("name", "repository")
_LARGEST_FILE = 256 * 1024
_DEEPEST = 20


def requirements_of(raw: bytes) -> list[dict[str, Any]]:
    """The dependencies of a ``requirements.yaml``; none for an empty file.

    Raises :class:`ArchiveInvalidError` for what is no such file, :class:`ContentTooLargeError` for a large one.
    """
    if not raw:
        return []
    if len(raw) > _LARGEST_FILE:
        raise ContentTooLargeError(f"requirements.yaml has more than {_LARGEST_FILE} bytes")
    try:
        _refuse_tricks(raw)
        document = yaml.load(raw, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise ArchiveInvalidError(f"requirements.yaml cannot be read: {error}") from error
    if not isinstance(document, dict) or "dependencies" not in document:
        raise ArchiveInvalidError("invalid requirements.yaml, no dependencies found")
    return dependency_rows(document["dependencies"])


def dependency_rows(value: object) -> list[dict[str, Any]]:
    """Dependencies as Helm writes them in JSON, without what it does not know."""
    rows = []
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict):
            row = {key: item[key] for key in _KEYS if item.get(key) and _is_plain(item[key])}
            rows.append(dict.fromkeys(_ALWAYS, "") | row)
    return rows


def _refuse_tricks(raw: bytes) -> None:
    """Aliases can make a short text huge, and nesting a reader dive too deep: no chart needs either."""
    depth = 0
    for event in yaml.parse(raw, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ArchiveInvalidError("requirements.yaml must not have aliases")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise ArchiveInvalidError("requirements.yaml nests too deep")


def _is_plain(value: object) -> bool:
    """Texts, flags and lists of texts or of objects of texts: what JSON can hold of these keys."""
    if isinstance(value, list):
        return all(
            isinstance(item, str)
            or (
                isinstance(item, dict)
                and all(isinstance(part, str) for pair in item.items() for part in pair)
            )
            for item in value
        )
    return isinstance(value, str | bool)
