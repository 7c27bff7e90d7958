"""Pages of a list as Harbor cuts them: ``page``, ``page_size``, ``X-Total-Count`` and ``Link``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from apps.common.errors import UnprocessableError

MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 10
_MOST_ROWS = 10_000
_INT64 = 2**63 - 1

# What Harbor leaves as it is in the URLs of `Link`; what would break the URL or the header stays escaped.
_LINK_SAFE = "~=,[]{}()*:/!$'@?|^"
_OF_PAGE = frozenset({"page", "page_size", "cursor"})


@dataclass(frozen=True, slots=True)
class Page:
    """``number`` counts from 1; ``size`` is rows a page, 0 for all rows on one page."""

    number: int
    size: int

    @property
    def start(self) -> int:
        """Rows before this page."""
        return (self.number - 1) * self.size


def parse_page(query: Mapping[str, str], *, default_size: int = DEFAULT_PAGE_SIZE) -> Page:
    """Read ``page`` and ``page_size``; a size of zero or less asks for every row.

    A list that gives every row by default (``default_size`` 0) takes larger sizes too, as Harbor's do. Raises :class:`UnprocessableError` for what is no number and for a size beyond 100.
    """
    number = parse_int64(query.get("page") or "1", name="page", place="query")
    size = parse_int64(query.get("page_size") or str(default_size), name="page_size", place="query")
    if not default_size:
        size = min(size, _MOST_ROWS)
    elif size > MAX_PAGE_SIZE:
        raise UnprocessableError(f"page_size in query should be less than or equal to {MAX_PAGE_SIZE}")
    return Page(max(number, 1), max(size, 0))


def parse_int64(text: str, *, name: str, place: str) -> int:
    """A number of a query or a path. Raises :class:`UnprocessableError` that names it."""
    digits = text[1:] if text[:1] in {"-", "+"} else text
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > 19 or abs(int(text)) > _INT64:
        raise UnprocessableError(f'{name} in {place} must be of type int64: "{text[:64]}"')
    return int(text)


def link_header(previous: str, following: str) -> str:
    """The value of ``Link`` from the URLs of the pages before and after; "" for a page that is not there."""
    links = [(previous, "prev"), (following, "next")]
    return " , ".join(f'<{url}>; rel="{relation}"' for url, relation in links if url)


def page_url(path: str, query: Sequence[tuple[str, str]], *, number: int, size: int, cursor: str = "") -> str:
    """Path and query of another page of the same list.

    ``path`` is as the client wrote it, ``query`` the decoded pairs of the request.
    """
    pairs = [(name, value) for name, value in query if name not in _OF_PAGE]
    pairs += [("page", str(number)), ("page_size", str(size))]
    if cursor:
        pairs.append(("cursor", cursor))
    pairs.sort(key=lambda pair: pair[0])
    written = "&".join(f"{quote(name, safe='')}={quote(value, safe=_LINK_SAFE)}" for name, value in pairs)
    return f"{path}?{written}"
