"""Pages as Harbor cuts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.common.errors import UnprocessableError
from apps.common.pagination import Page, link_header, parse_int64, parse_page


def test_defaults_are_the_first_ten() -> None:
    assert parse_page({}) == Page(1, 10)


@pytest.mark.parametrize("size", ["0", "-1", "-9223372036854775807"])
def test_a_size_of_zero_or_less_is_every_row(size: str) -> None:
    page = parse_page({"page_size": size})
    assert page.slice(12345) == slice(0, 12345)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"page_size": "101"}, "page_size in query should be less than or equal to 100"),
        ({"page_size": "ten"}, 'page_size in query must be of type int64: "ten"'),
        ({"page": "1.5"}, 'page in query must be of type int64: "1.5"'),
        ({"page": "9223372036854775808"}, 'page in query must be of type int64: "9223372036854775808"'),
        ({"page": "\u0661"}, 'page in query must be of type int64: "\u0661"'),
    ],
)
def test_what_is_no_page_is_unprocessable(query: dict[str, str], message: str) -> None:
    with pytest.raises(UnprocessableError) as caught:
        parse_page(query)
    assert caught.value.message == message


@given(st.integers(1, 2**63 - 1), st.integers(1, 100), st.integers(0, 10_000))
def test_a_page_never_leaves_the_rows(number: int, size: int, total: int) -> None:
    window = Page(number, size).slice(total)
    assert 0 <= window.start <= window.stop <= total
    assert window.stop - window.start == max(0, min(size, total - (number - 1) * size))


@given(st.integers(1, 100), st.integers(0, 1000))
def test_pages_cover_every_row_once(size: int, total: int) -> None:
    rows = list(range(total))
    pages = [rows[Page(number, size).slice(total)] for number in range(1, total // size + 2)]
    assert [row for page in pages for row in page] == rows


def test_link_in_the_middle_has_both_ways_with_a_space_before_the_comma() -> None:
    header = link_header("/api/v2.0/projects", [("q", "name=~lib"), ("page", "2")], Page(2, 10), 25)
    assert header == (
        '</api/v2.0/projects?page=1&page_size=10&q=name=~lib>; rel="prev" , '
        '</api/v2.0/projects?page=3&page_size=10&q=name=~lib>; rel="next"'
    )


@pytest.mark.parametrize(
    ("page", "total", "relations"),
    [
        (Page(1, 10), 10, []),
        (Page(1, 10), 11, ["next"]),
        (Page(2, 10), 11, ["prev"]),
        (Page(9, 10), 11, []),
        (Page(1, 0), 99, []),
        (Page(1, 10), 0, []),
    ],
)
def test_link_at_the_ends(page: Page, total: int, relations: list[str]) -> None:
    header = link_header("/p", [], page, total)
    assert [name for name in ("prev", "next") if f'rel="{name}"' in header] == relations


@given(st.text(max_size=40))
def test_a_link_never_breaks_its_header(value: str) -> None:
    value = value.encode("utf-8", "ignore").decode()
    header = link_header("/p", [("q", value)], Page(1, 1), 5)
    inner = header.removeprefix("<").rpartition(">; rel=")[0]
    assert header.isascii()
    assert not set(inner) & set('<>"\r\n \\')


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_64_bit_number_is_read(number: int) -> None:
    assert parse_int64(str(number), name="n", place="path") == number
