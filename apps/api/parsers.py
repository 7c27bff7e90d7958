"""Request bodies: JSON, and the forms of ``/c/…``, of a bounded size."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from apps.common.errors import DomainError

MAX_BODY = 1 << 20
MAX_FORM = 1 << 16


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
        body = _read(stream, MAX_BODY)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"the body is not JSON: {error.msg}") from None


class BoundedFormParser(BaseParser):
    """Reads at most :data:`MAX_FORM` bytes: DRF's own takes what anybody sends, however long, into memory."""

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002 (DRF's signature)
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> QueryDict:
        """The fields of the form."""
        try:
            return QueryDict(_read(stream, MAX_FORM), encoding="utf-8")
        except TooManyFieldsSent:
            raise ParseError("the form has too many fields") from None


def _read(stream: IO[Any], most: int) -> bytes:
    body: bytes = stream.read(most + 1)
    if len(body) > most:
        raise BodyTooLargeError(f"the body is larger than {most} bytes")
    return body
