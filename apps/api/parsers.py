"""Request bodies: JSON of a bounded size."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from apps.common.errors import DomainError

MAX_BODY = 1 << 20


class BodyTooLargeError(DomainError):
    """More than any request of this API needs."""

    code = "REQUEST_ENTITY_TOO_LARGE"


class HarborJSONParser(BaseParser):
    """Reads at most :data:`MAX_BODY` bytes; anything but JSON is a 400."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002 (DRF's signature)
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> Any:
        """The value in the body."""
        body = stream.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise BodyTooLargeError(f"the body is larger than {MAX_BODY} bytes")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"the body is not JSON: {error.msg}") from None
