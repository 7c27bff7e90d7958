"""The push rules of a project, checked."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.common.errors import BadRequestError
from apps.common.patterns import pattern_check

MAX_ENTRIES = 64
MAX_LENGTH = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRulesValues:
    """What may be pushed. The defaults allow everything.

    ``media_types`` are doublestar patterns (``*`` does not cross the ``/`` of a media type), none for every type;
    ``required_annotations`` are keys.
    """

    media_types: tuple[str, ...] = ()
    required_annotations: tuple[str, ...] = ()
    allow_foreign_urls: bool = True
    allow_sparse_indexes: bool = True


ALLOW_ALL = PushRulesValues()


def push_rules_check(values: PushRulesValues) -> None:
    """Raise :class:`BadRequestError` for rules that cannot be."""
    _texts_check(values.media_types, "media_types")
    _texts_check(values.required_annotations, "required_annotations")
    for pattern in values.media_types:
        pattern_check(pattern)


def _texts_check(texts: Iterable[str], name: str) -> None:
    entries = tuple(texts)
    if len(entries) > MAX_ENTRIES:
        raise BadRequestError(f"{name} has more than {MAX_ENTRIES} entries")
    if any(not 1 <= len(entry) <= MAX_LENGTH or "\0" in entry for entry in entries):
        raise BadRequestError(f"each entry of {name} must have 1 to {MAX_LENGTH} characters")
