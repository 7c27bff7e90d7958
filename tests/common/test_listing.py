"""Pages found by key show the rows that pages found by counting would, in every order and both directions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.common.cursors import Cursor, cursor_open, cursor_seal
from apps.common.keyset import sort_keys
from apps.common.listing import Address, Listing, list_page
from apps.common.pagination import Page
from apps.projects.models import Project

pytestmark = pytest.mark.django_db

_ROWS = 37


@pytest.fixture
def people() -> list[User]:
    """Rows with many ties and many without an e-mail address or a last login."""
    random = Random(7)
    start = datetime(2024, 5, 1, tzinfo=UTC)
    rows = [
        User(
            username=f"{random.choice('abcäZ')}{number}",
            email=f"e{number % 9}-{number}@example.com" if random.random() < 0.6 else None,
            realname=random.choice(("", "x", "y")),
            sysadmin_flag=random.random() < 0.5,
            last_login=start + timedelta(seconds=random.randrange(4), microseconds=random.choice((0, 500)))
            if random.random() < 0.5
            else None,
        )
        for number in range(_ROWS)
    ]
    return User.objects.bulk_create(rows)


def _order(rows: Sequence[User], keys: Sequence[str]) -> list[User]:
    """The rows as Python sorts them, None before everything."""
    ordered = sorted(rows, key=lambda row: row.pk)
    for key in reversed(keys):
        name = key.lstrip("-")
        ordered.sort(
            key=lambda row: (
                (getattr(row, name) is not None, getattr(row, name) or 0)
                if getattr(row, name) is None or not isinstance(getattr(row, name), str)
                else (True, getattr(row, name))
            ),
            reverse=key.startswith("-"),
        )
    return ordered


def _ask(rows: QuerySet[User], query: str) -> Listing[User]:
    pairs = parse_qsl(query, keep_blank_values=True)
    values = dict(pairs)
    return list_page(
        rows, Page(int(values.get("page", 1)), int(values["page_size"])), Address("/users", pairs)
    )


def _url(listing: Listing[User], relation: str) -> str:
    """The query of the neighbour; "" if there is none."""
    for part in listing.link.split(" , "):
        url, _, name = part.partition("; ")
        if name == f'rel="{relation}"':
            return urlsplit(url.strip("<>")).query
    return ""


_ORDERS = [
    ("id",),
    ("-id",),
    ("realname", "id"),
    ("-realname", "-id"),
    ("-realname", "id"),
    ("sysadmin_flag", "-realname", "id"),
    ("last_login", "id"),
    ("-last_login", "-id"),
    ("last_login", "-id"),
    ("realname", "-last_login", "id"),
    ("-last_login", "realname", "-id"),
]


@pytest.mark.parametrize("order", _ORDERS, ids=",".join)
def test_links_lead_forth_and_back_over_every_row_once(people: list[User], order: tuple[str, ...]) -> None:
    expected = [row.pk for row in _order(people, order)]
    rows = User.objects.order_by(*order)
    query, pages, queries = "page=1&page_size=5", [], []
    while query:
        listing = _ask(rows, query)
        assert listing.total == _ROWS
        pages.append([row.pk for row in listing.rows])
        queries.append(query)
        query = _url(listing, "next")
    assert [pk for page in pages for pk in page] == expected
    assert all("cursor=" in query for query in queries[1:])
    back = _url(_ask(rows, queries[-1]), "prev")
    for page in reversed(pages[:-1]):
        listing = _ask(rows, back)
        assert [row.pk for row in listing.rows] == page
        assert listing.total == _ROWS
        assert _url(listing, "next")
        back = _url(listing, "prev")
    assert back == ""


@pytest.mark.parametrize("order", _ORDERS, ids=",".join)
def test_a_page_by_number_alone_is_the_same(people: list[User], order: tuple[str, ...]) -> None:
    expected = [row.pk for row in _order(people, order)]
    rows = User.objects.order_by(*order)
    for number in range(1, 10):
        listing = _ask(rows, f"page={number}&page_size=5")
        assert [row.pk for row in listing.rows] == expected[(number - 1) * 5 : number * 5]
        assert listing.total == _ROWS


def test_every_row_and_no_link_with_size_zero(people: list[User]) -> None:
    rows = User.objects.order_by("-last_login", "-id")
    listing = list_page(rows, Page(1, 0), Address("/users", []))
    assert [row.pk for row in listing.rows] == [row.pk for row in _order(people, ("-last_login", "-id"))]
    assert (listing.total, listing.link) == (_ROWS, "")
    some = list_page(rows, Page(1, 0), Address("/users", []), most_rows=10)
    assert (len(some.rows), some.total, some.link) == (10, _ROWS, "")


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    "change",
    [
        ("page=2", "page=3"),
        ("page_size=5", "page_size=6"),
        ("cursor=", "cursor=A"),
        ("cursor=", "cursor=%FF"),
        ("page=", "q=a%3Db&page="),
    ],
)
def test_a_cursor_of_another_request_is_none(change: tuple[str, str]) -> None:
    rows = User.objects.order_by("realname", "id")
    query = _url(_ask(rows, "page=1&page_size=5"), "next").replace(*change)
    pairs = dict(parse_qsl(query))
    alone = f"page={pairs['page']}&page_size={pairs['page_size']}"
    assert _ask(rows, query).rows == _ask(rows, alone).rows


def test_a_cursor_comes_back_as_it_went() -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    cursor = Cursor(7, backward=True, values=("ü\n", 2**63 - 1, moment, None, True), total=9, is_exact=False)
    place = {"path": "/p", "query": [("q", "a=b"), ("page", "1")]}
    text = cursor_seal(cursor, **place)
    assert cursor_open(text, **place) == cursor
    assert cursor_open(text, path="/p", query=[("page", "7"), ("q", "a=b"), ("cursor", text)]) == cursor
    assert cursor_open(text, path="/other", query=place["query"]) is None
    assert cursor_open(text[:-2], **place) is None
    assert cursor_open("", **place) is None


def test_who_follows_links_pays_no_count_and_no_offset(people: list[User]) -> None:
    rows = User.objects.order_by("realname", "id")
    query = _url(_ask(rows, "page=1&page_size=5"), "next")
    with CaptureQueriesContext(connection) as queries:
        _ask(rows, query)
    (statement,) = (query["sql"] for query in queries)
    assert "OFFSET" not in statement
    assert "COUNT" not in statement


def test_rows_that_come_and_go_move_no_other_row_between_pages(people: list[User]) -> None:
    rows = User.objects.order_by("id")
    first = _ask(rows, "page=1&page_size=5")
    first.rows[2].delete()
    second = _ask(rows, _url(first, "next"))
    assert [row.pk for row in second.rows] == [row.pk for row in people[5:10]]


def test_orders_that_no_key_ends_have_no_cursor() -> None:
    assert sort_keys(User.objects.order_by("realname")) == ()
    assert sort_keys(User.objects.order_by("?")) == ()
    assert [key.path for key in sort_keys(Project.objects.order_by("owner__username", "name", "id"))] == [
        "owner__username",
        "name",
    ]
