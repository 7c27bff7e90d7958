"""Repository names, tags and references (distribution-spec, "Pulling manifests")."""

import re
from typing import Final

from apps.oci.digests import Digest, parse_digest
from apps.oci.errors import NameInvalidError, TagInvalidError, excerpt

MAX_NAME_LENGTH: Final = 255

_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")


def check_repository_name(name: str) -> str:
    """Return `name` when it follows the grammar and has at most 255 characters, else NameInvalidError."""
    if len(name) > MAX_NAME_LENGTH:
        raise NameInvalidError(
            f"invalid repository name: {len(name)} characters, at most {MAX_NAME_LENGTH} are allowed",
            detail={"name": excerpt(name)},
        )
    if not _NAME.fullmatch(name):
        raise NameInvalidError(
            f"invalid repository name '{excerpt(name)}': want lower case letters and digits, separated by "
            "one of '.', '_', '__', '-' or '/'",
            detail={"name": excerpt(name)},
        )
    return name


def check_tag(tag: str) -> str:
    """Return `tag` when it follows the grammar (1 to 128 characters), else TagInvalidError."""
    if not _TAG.fullmatch(tag):
        raise TagInvalidError(
            f"invalid tag '{excerpt(tag)}': want 1 to 128 of letters, digits, '_', '.' and '-', "
            "not starting with '.' or '-'",
            detail={"tag": excerpt(tag)},
        )
    return tag


def parse_reference(text: str) -> Digest | str:
    """Parse the reference of a manifest URL: a digest when it holds a colon (no tag does), else a tag.

    Raises DigestInvalidError or TagInvalidError accordingly.
    """
    return parse_digest(text) if ":" in text else check_tag(text)
