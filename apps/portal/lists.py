"""A list in a page: searched, sorted and cut into pages by the query of the URL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from apps.common.errors import UnprocessableError
from apps.common.listing import Address, list_page
from apps.common.pagination import Page, parse_page

ModelT = TypeVar("ModelT", bound=Model)

_PAGE_SIZE = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a list can be asked. Lookups are Django's, ``order`` ends in a unique one.

    ``search`` are the lookups that hold the text one looks for; ``sorts`` the lookup behind each name of ``?sort=``
    (``-name`` for descending). ``ties`` come after what was asked, in its direction, so that one index answers both;
    without them the rest of ``order`` does.
    """

    order: Sequence[str]
    search: Sequence[str] = ()
    sorts: Mapping[str, str] = field(default_factory=dict)
    ties: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TablePage(Generic[ModelT]):
    """One page. ``previous`` and ``following`` are URLs, "" where there is none; ``sort`` is what was asked for.

    ``total`` may be an estimate that is too large, never too small while rows remain.
    """

    rows: list[ModelT]
    total: int
    previous: str
    following: str
    search: str
    sort: str
    number: int

    @property
    def is_filtered(self) -> bool:
        """Whether an empty page may only mean that nothing matches."""
        return bool(self.search)


def table_page(request: HttpRequest, rows: QuerySet[ModelT], table: Table) -> TablePage[ModelT]:
    """The page of ``rows`` that the URL asks for: ``search``, ``sort``, ``page`` and ``page_size``."""
    query: Any = request.GET
    search = str(query.get("search", "")).strip().replace("\x00", "")[:255]
    if search and table.search:
        found = Q()
        for lookup in table.search:
            found |= Q(**{f"{lookup}__icontains": search})
        rows = rows.filter(found)
    sort = str(query.get("sort", ""))
    rows = rows.order_by(*_order(sort, table))
    pairs = [(name, value) for name, values in query.lists() for value in values]
    page = _page(query)
    listing = list_page(rows, page, Address(request.path, pairs))
    return TablePage(
        listing.rows, listing.total, listing.previous, listing.following, search, sort, page.number
    )


def _page(query: Any) -> Page:
    try:
        page = parse_page(query, default_size=_PAGE_SIZE)
    except UnprocessableError:
        return Page(1, _PAGE_SIZE)
    # A page of every row is for the API.
    return page if page.size else Page(page.number, _PAGE_SIZE)


def _order(sort: str, table: Table) -> list[str]:
    name = sort.removeprefix("-")
    if (lookup := table.sorts.get(name)) is None:
        return list(table.order)
    sign = "-" if sort.startswith("-") else ""
    first = f"{sign}{lookup}"
    if table.ties:
        return [first, *(f"{sign}{key}" for key in table.ties)]
    return [first, *(key for key in table.order if key.removeprefix("-") != lookup)]
