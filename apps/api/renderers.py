"""JSON as Harbor writes it."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer


class HarborJSONRenderer(BaseRenderer):
    """UTF-8 JSON with a newline at the end; an answer without data has an empty body."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,  # noqa: ARG002 (DRF's signature)
        renderer_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> bytes:
        """``data`` as bytes. Translated texts and such are written as strings."""
        if data is None:
            return b""
        return orjson.dumps(data, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
