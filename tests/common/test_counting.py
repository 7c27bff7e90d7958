"""Counts are exact where that is cheap; where they are estimates, who pages by them still meets every row and an end."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.common import counting, listing
from apps.common.counting import RowCount, count_rows
from apps.common.listing import Address, Listing, list_page
from apps.common.pagination import Page

pytestmark = pytest.mark.django_db

_ROWS = 23


@pytest.fixture
def people() -> QuerySet[User]:
    User.objects.bulk_create(User(username=f"u{number:02d}") for number in range(_ROWS))
    return User.objects.order_by("id")


@pytest.fixture
def postgresql_only() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite counts")


@pytest.fixture
def large_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_SMALL_TABLE", 0)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE harbor_user")


def test_a_small_table_is_counted(people: QuerySet[User]) -> None:
    assert count_rows(people) == RowCount(_ROWS, is_exact=True)
    assert count_rows(people.filter(username__gte="u20")) == RowCount(3, is_exact=True)
    assert count_rows(people.none()) == RowCount(0, is_exact=True)


@pytest.mark.usefixtures("postgresql_only")
def test_a_large_table_is_counted_up_to_a_bound(
    people: QuerySet[User], large_tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert count_rows(people) == RowCount(_ROWS, is_exact=True)
    assert count_rows(people.none()) == RowCount(0, is_exact=True)
    assert count_rows(people.filter(id__in=[])) == RowCount(0, is_exact=True)
    monkeypatch.setattr(counting, "EXACT_UP_TO", 10)
    total, is_exact = count_rows(people)
    assert (total > 10, is_exact) == (True, False)
    assert count_rows(people.filter(username__in=["u01", "u02"])) == RowCount(2, is_exact=True)


@pytest.mark.usefixtures("postgresql_only")
def test_what_would_cost_too_much_is_not_counted_at_all(
    people: QuerySet[User], large_tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "_MOST_COST", 0)
    assert count_rows(people) == RowCount(_ROWS, is_exact=False), "as the statistics have it"


@pytest.mark.usefixtures("postgresql_only")
def test_what_takes_too_long_is_given_up(people: QuerySet[User], large_tables: None) -> None:
    slow = people.extra(where=["pg_sleep(0.03) IS NOT NULL"])
    total, is_exact = count_rows(slow)
    assert (total > 0, is_exact) == (True, False)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "0"
    assert count_rows(people).is_exact, "the transaction goes on"


@pytest.fixture(params=[1, 12, 1000])
def guess(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """An estimate that is wrong."""
    monkeypatch.setattr(listing, "count_rows", lambda _rows: RowCount(request.param, is_exact=False))
    wrong: int = request.param
    return wrong


def _by_number(rows: QuerySet[User]) -> Callable[[int], Listing[User]]:
    return lambda number: list_page(rows, Page(number, 5), Address("/users", []))


def test_who_pages_by_a_wrong_total_meets_every_row_and_an_end(people: QuerySet[User], guess: int) -> None:
    ask = _by_number(people)
    seen: list[str] = []
    number, total = 1, 1
    while (number - 1) * 5 < total:
        page = ask(number)
        seen += [user.username for user in page.rows]
        total = page.total
        number += 1
    assert seen == [f"u{number:02d}" for number in range(_ROWS)]
    assert total == _ROWS, "the last page knows"
    assert ask(50).total <= 49 * 5
    assert ask(50).rows == []
