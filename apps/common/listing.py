"""One page of a list: its rows, how many there are in all, and the URLs of its neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

from apps.common.counting import RowCount, count_rows
from apps.common.cursors import Cursor, cursor_open, cursor_seal
from apps.common.keyset import SortKey, rows_beyond, sort_keys
from apps.common.pagination import Page, link_header, page_url

ModelT = TypeVar("ModelT", bound=Model)

# What a database takes for an offset.
_FARTHEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Address:
    """Which list is asked: the path as the client wrote it, and the decoded pairs of the query."""

    path: str
    query: Sequence[tuple[str, str]]

    @property
    def cursor(self) -> str:
        """The text of the ``cursor`` that came, "" without one."""
        return next((value for name, value in self.query if name == "cursor"), "")


@dataclass(frozen=True, slots=True)
class Listing(Generic[ModelT]):
    """``total`` is exact, or an estimate that is never too small as long as rows remain.

    ``previous`` and ``following`` are the URLs of the pages before and after, "" where there is none.
    """

    rows: list[ModelT]
    total: int
    previous: str = ""
    following: str = ""

    @property
    def link(self) -> str:
        """The value of ``Link``, "" for a list of one page."""
        return link_header(self.previous, self.following)


def list_page(rows: QuerySet[ModelT], page: Page, address: Address, *, most_rows: int = 0) -> Listing[ModelT]:
    """Cut ``page`` out of ``rows``, which are in their order.

    A page that a ``Link`` named, and the first, is found by key; others by counting rows from the beginning. A page
    of size 0 is every row, of which ``most_rows`` are shown (0 for all).
    """
    keys = sort_keys(rows)
    if any(key.nullable for key in keys):
        rows = rows.order_by(*(key.ordering() for key in keys))
    if not page.size:
        return _every_row(rows, most_rows)
    cursor = cursor_open(address.cursor, path=address.path, query=address.query) if keys else None
    if cursor is not None and cursor.page == page.number and len(cursor.values) == len(keys):
        found, more = _by_cursor(rows, keys, cursor, page.size)
        count = RowCount(cursor.total, cursor.is_exact)
        if cursor.backward:
            return _listing(found, page, address, keys, count, before=more, after=True)
    else:
        found, more, count = _by_number(rows, keys, page)
    count = _corrected(count, seen=page.start + len(found), found=bool(found), more=more, page=page)
    return _listing(found, page, address, keys, count, before=page.number > 1 and bool(found), after=more)


def _every_row(rows: QuerySet[ModelT], most_rows: int) -> Listing[ModelT]:
    if not most_rows:
        found = list(rows)
        return Listing(found, len(found))
    found = list(rows[: most_rows + 1])
    total = len(found) if len(found) <= most_rows else max(count_rows(rows).total, len(found))
    return Listing(found[:most_rows], total)


def _by_cursor(
    rows: QuerySet[ModelT], keys: Sequence[SortKey], cursor: Cursor, size: int
) -> tuple[list[ModelT], bool]:
    """Rows of the page, and whether there are more in the cursor's direction."""
    if not cursor.backward:
        found = rows_beyond(rows, keys, cursor.values, limit=size + 1)
        return found[:size], len(found) > size
    found = rows_beyond(rows, [key.reversed for key in keys], cursor.values, limit=size + 1)
    return found[:size][::-1], len(found) > size


def _by_number(
    rows: QuerySet[ModelT], keys: Sequence[SortKey], page: Page
) -> tuple[list[ModelT], bool, RowCount]:
    if page.number == 1:
        end = page.size + 1
        found = rows_beyond(rows, keys, None, limit=end) if keys else list(rows[:end])
        if len(found) <= page.size:
            return found, False, RowCount(len(found), is_exact=True)
        return found[: page.size], True, count_rows(rows)
    count = count_rows(rows)
    if (count.is_exact and page.start >= count.total) or page.start + page.size >= _FARTHEST:
        return [], False, count
    found = list(rows[page.start : page.start + page.size + 1])
    return found[: page.size], len(found) > page.size, count


def _corrected(count: RowCount, *, seen: int, found: bool, more: bool, page: Page) -> RowCount:
    """The total by what the page itself shows: who pages by it must meet every row, and an end."""
    if more:
        return RowCount(max(count.total, seen + 1), count.is_exact)
    if found:
        return RowCount(seen, is_exact=True)
    return RowCount(min(count.total, page.start), count.is_exact)


def _listing(
    found: list[ModelT],
    page: Page,
    address: Address,
    keys: Sequence[SortKey],
    count: RowCount,
    *,
    before: bool,
    after: bool,
) -> Listing[ModelT]:
    def url(number: int, *, backward: bool) -> str:
        cursor = ""
        # The first page needs none.
        if keys and found and number > 1:
            edge = found[0 if backward else -1]
            values = tuple(key.value(edge) for key in keys)
            sealed = Cursor(number, backward, values, count.total, count.is_exact)
            cursor = cursor_seal(sealed, path=address.path, query=address.query)
        return page_url(address.path, address.query, number=number, size=page.size, cursor=cursor)

    before = before and page.number > 1
    previous = url(page.number - 1, backward=True) if before else ""
    following = url(page.number + 1, backward=False) if after else ""
    return Listing(found, count.total, previous, following)
