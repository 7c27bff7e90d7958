"""The platforms that an artifact is for."""

from collections.abc import Mapping
from typing import Any

from apps.artifacts.models import Artifact

_UNKNOWN = "unknown/unknown"


def platform_text(platform: Mapping[str, Any]) -> str:
    """``linux/arm64/v8``; "" for what says nothing, or that it is for none, as attestations do."""
    parts = [platform.get(name) for name in ("os", "architecture", "variant")]
    text = "/".join(part for part in parts if isinstance(part, str) and part)
    return "" if text == _UNKNOWN else text


def platforms_of(artifact: Artifact) -> list[str]:
    """Of an index those of its children, in its order, each once; of an image its own. Reads ``references``."""
    rows = list(artifact.references.all())
    texts = [platform_text(row.platform) for row in rows] if rows else [platform_text(artifact.extra_attrs)]
    return list(dict.fromkeys(filter(None, texts)))
