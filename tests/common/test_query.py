"""The five forms of ``q``, its refusals, and ``sort``."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.common.errors import BadRequestError
from apps.common.query import (
    Condition,
    Form,
    QueryField,
    filter_rows,
    parse_query,
    read_bool,
    read_int,
    read_time,
    sort_rows,
)

FIELDS = {
    "user_id": QueryField("id", read_int),
    "username": QueryField("username"),
    "sysadmin_flag": QueryField("sysadmin_flag", read_bool),
    "creation_time": QueryField("creation_time", read_time),
    "comment": QueryField("comment", filterable=False, sortable=False),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name=lib", ("name", Form.EQUAL, ("lib",))),
        ("name=~lib", ("name", Form.CONTAINS, ("lib",))),
        ("size=[1~9]", ("size", Form.RANGE, ("1", "9"))),
        ("size=[~9]", ("size", Form.RANGE, ("", "9"))),
        ("t=['2020-01-01T00:00:00'~]", ("t", Form.RANGE, ("2020-01-01T00:00:00", ""))),
        ("id={1 2 3}", ("id", Form.ONE_OF, ("1", "2", "3"))),
        ('labels=("a" b)', ("labels", Form.ALL_OF, ("a", "b"))),
        ("name=\\~lib", ("name", Form.EQUAL, ("~lib",))),
        ("ProjectID=1", ("projectid", Form.EQUAL, ("1",))),
        ("project_id=1", ("projectid", Form.EQUAL, ("1",))),
        ("size__gte=3", ("size", Form.AT_LEAST, ("3",))),
        ("id__in={1 2}", ("id", Form.ONE_OF, ("1", "2"))),
        ("name=a=b", ("name", Form.EQUAL, ("a=b",))),
        ("name%3Da%2Bb", ("name", Form.EQUAL, ("a+b",))),
        ("media_type=a+json", ("mediatype", Form.EQUAL, ("a+json",))),
    ],
)
def test_forms(text: str, expected: tuple[str, Form, tuple[str, ...]]) -> None:
    assert parse_query(text) == (Condition(*expected),)


def test_several_conditions_and_none() -> None:
    assert [part.key for part in parse_query("a=1,b=~2")] == ["a", "b"]
    assert parse_query("") == ()


@pytest.mark.parametrize("text", ["name", "=x", "name=", "a=1,", ",", "a=1,b"])
def test_what_has_no_key_or_no_value(text: str) -> None:
    with pytest.raises(BadRequestError, match='the query string must contain "="'):
        parse_query(text)


@pytest.mark.parametrize("text", ["a=[1]", "a=[1~2~3]", "a=[~]", "a=[1~2", "a={1 2", "a={}", "a=(1", "a=()"])
def test_patterns_that_are_none(text: str) -> None:
    with pytest.raises(BadRequestError, match="invalid query string value"):
        parse_query(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        conditions = parse_query(text)
    except BadRequestError:
        return
    assert all(condition.key and condition.values for condition in conditions)


@pytest.fixture
def people(db: None) -> None:
    for number, name in enumerate(["ann", "Bob", "c_d", "cxd"], start=11):
        User.objects.create(
            id=number,
            username=name,
            email=f"{number}@example.com",
            sysadmin_flag=name == "ann",
            creation_time=datetime(2020, 1, number, tzinfo=UTC),
        )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("username=ann", ["ann"]),
        ("username=~B", ["Bob"]),
        ("username=~c_d", ["c_d"]),
        ("username={ann cxd}", ["ann", "cxd"]),
        ("user_id=[12~13]", ["Bob", "c_d"]),
        ("user_id=[13~]", ["c_d", "cxd"]),
        ("sysadmin_flag=true", ["ann"]),
        ("creation_time=[2020-01-13T00:00:00~]", ["c_d", "cxd"]),
        ("creation_time__lt=2020-01-12T01:00:00%2B01:00", ["ann"]),
        ("unknown=1", ["ann", "Bob", "c_d", "cxd"]),
        ("comment=1", ["ann", "Bob", "c_d", "cxd"]),
        ("username=(ann)", ["ann", "Bob", "c_d", "cxd"]),
        ("username=ann,user_id=12", []),
    ],
)
@pytest.mark.usefixtures("people")
def test_filters(text: str, names: list[str]) -> None:
    rows = filter_rows(User.objects.all(), parse_query(text), FIELDS).order_by("id")
    assert [user.username for user in rows] == names


@pytest.mark.parametrize(
    "text",
    [
        "user_id=x",
        "user_id=9223372036854775808",
        "sysadmin_flag=maybe",
        "creation_time=[soon~]",
        "user_id={1 x}",
    ],
)
def test_values_of_another_type_are_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="invalid query string value"):
        filter_rows(User.objects.all(), parse_query(text), FIELDS)


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("", [11, 12, 13, 14]),
        ("-user_id", [14, 13, 12, 11]),
        ("sysadmin_flag,-user_id", [14, 13, 12, 11]),
        ("-sysadmin_flag", [11, 14, 13, 12]),
        ("sysadmin_flag", [12, 13, 14, 11]),
        ("nonsense,-comment", [11, 12, 13, 14]),
    ],
)
@pytest.mark.usefixtures("people")
def test_sorts(sort: str, ids: list[int]) -> None:
    rows = sort_rows(User.objects.all(), sort, FIELDS, ("id",))
    assert [user.pk for user in rows] == ids


def test_a_key_that_comes_again_decides_nothing() -> None:
    sort = ",".join(["username", "-username", "UserName", "-creation_time"] * 8)
    rows = sort_rows(User.objects.all(), sort, FIELDS, ("id",))
    assert rows.query.order_by == ("username", "-creation_time", "-id")
