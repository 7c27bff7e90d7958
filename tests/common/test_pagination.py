"""Pages as Harbor cuts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.common.errors import UnprocessableError
from apps.common.pagination import Page, link_header, page_url, parse_int64, parse_page


def test_defaults_are_the_first_ten() -> None:
    assert parse_page({}) == Page(1, 10)


@pytest.mark.parametrize("size", ["0", "-1", "-9223372036854775807"])
def test_a_size_of_zero_or_less_is_every_row(size: str) -> None:
    assert parse_page({"page_size": size}).size == 0


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


def test_link_in_the_middle_has_both_ways_with_a_space_before_the_comma() -> None:
    query = [("q", "name=~lib"), ("page", "2"), ("cursor", "old")]
    previous = page_url("/api/v2.0/projects", query, number=1, size=10)
    following = page_url("/api/v2.0/projects", query, number=3, size=10, cursor="new")
    assert link_header(previous, following) == (
        '</api/v2.0/projects?page=1&page_size=10&q=name=~lib>; rel="prev" , '
        '</api/v2.0/projects?cursor=new&page=3&page_size=10&q=name=~lib>; rel="next"'
    )
    assert link_header("", "") == ""


@given(st.text(max_size=40))
def test_a_link_never_breaks_its_header(value: str) -> None:
    value = value.encode("utf-8", "ignore").decode()
    header = link_header("", page_url("/p", [("q", value)], number=2, size=1))
    inner = header.removeprefix("<").rpartition(">; rel=")[0]
    assert header.isascii()
    assert not set(inner) & set('<>"\r\n \\')


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_64_bit_number_is_read(number: int) -> None:
    assert parse_int64(str(number), name="n", place="path") == number
