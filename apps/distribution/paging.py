"""Pages of ``_catalog``, tag lists and referrers: by key, with ``n``, ``last`` and a ``Link``."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson

from apps.distribution.errors import ProtocolError
from apps.distribution.messages import Headers, Request, Response

DEFAULT_LIMIT = 1000
LARGEST_LIMIT = 10000


@dataclass(frozen=True, slots=True)
class Page:
    """At most ``limit`` entries after ``last``."""

    limit: int
    last: str


def page_of(request: Request, *, largest: int = LARGEST_LIMIT) -> Page:
    """The page that the request asks for, of ``largest`` entries at most; raises PAGINATION_NUMBER_INVALID."""
    text = request.parameter("n")
    limit = DEFAULT_LIMIT
    if text is not None:
        if not (text.isascii() and text.isdecimal() and len(text) < 19):
            raise ProtocolError(
                "PAGINATION_NUMBER_INVALID", "n must be a number that is not negative", detail={"n": text}
            )
        limit = min(int(text), largest)
    return Page(limit, request.parameter("last") or "")


def next_link(request: Request, page: Page, shown: Sequence[str], **others: str) -> Headers:
    """The Link header to the entries after those shown (RFC 5988)."""
    query = urlencode({"n": page.limit, "last": shown[-1], **others})
    return [("Link", f'<{request.path}?{query}>; rel="next"')]


def json_response(
    request: Request, document: object, headers: Headers | None = None, content_type: str = "application/json"
) -> Response:
    """A JSON document; a HEAD gets the headers of it."""
    body = orjson.dumps(document)
    return Response(
        200,
        [("Content-Type", content_type), ("Content-Length", str(len(body))), *(headers or [])],
        b"" if request.method == "HEAD" else body,
    )
