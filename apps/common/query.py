"""Harbor's query language of lists: ``q=name=~lib,public=true`` and ``sort=-creation_time``.

A list declares which keys it knows as a table of :class:`QueryField`; keys outside it are ignored, as Harbor
does. Five forms of a condition: ``k=v`` equal, ``k=~v`` contains, ``k=[a~b]`` range with either side open,
``k={a b}`` one of, ``k=(a b)`` all of (only where a list handles it itself).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import unquote

from django.db.models import Model, Q, QuerySet

from apps.common.errors import BadRequestError

ModelT = TypeVar("ModelT", bound=Model)
Value = str | int | bool | datetime

_INT64 = 2**63 - 1
_MAX_CONDITIONS = 32
_MAX_VALUES = 200
_TRUE = {"true", "1", "t"}
_FALSE = {"false", "0", "f"}


class Form(StrEnum):
    """How a condition compares; the values after ``ALL_OF`` are written as a suffix of the key (``size__gt``)."""

    EQUAL = "exact"
    CONTAINS = "icontains"
    RANGE = "range"
    ONE_OF = "in"
    ALL_OF = "all"
    AT_LEAST = "gte"
    AT_MOST = "lte"
    MORE = "gt"
    LESS = "lt"


_SUFFIXES: dict[str, Form] = {form.value: form for form in Form if form not in {Form.RANGE, Form.ALL_OF}}


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of ``q``. ``key`` is normalised; ``values`` are one, two (a range, "" for open) or several."""

    key: str
    form: Form
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueryField:
    """A key of a list: the ORM path behind it and how to read its values."""

    lookup: str
    read: Callable[[str], Value] = str
    sortable: bool = True
    filterable: bool = True


def normalise_key(key: str) -> str:
    """``ProjectID``, ``project_id`` and ``projectId`` are one key."""
    return key.replace("_", "").replace(".", "").lower()


def parse_query(text: str) -> tuple[Condition, ...]:
    """The conditions of a ``q`` parameter that the URL decoding has been done for once.

    Harbor decodes a second time. So do we, but for ``+``: media types have it, and it would become a space.
    Raises :class:`BadRequestError` with Harbor's wording.
    """
    if not text:
        return ()
    text = unquote(text)
    if "\x00" in text:
        raise BadRequestError("invalid query string value: it holds a NUL character")
    parts = text.split(",")
    if len(parts) > _MAX_CONDITIONS:
        raise BadRequestError(f"the query string has more than {_MAX_CONDITIONS} conditions")
    return tuple(_condition(part) for part in parts)


def _condition(part: str) -> Condition:
    key, separator, value = part.partition("=")
    key, value = key.strip(), value.strip()
    if not separator or not key or not value:
        raise BadRequestError('the query string must contain "=" and the key/value cannot be empty')
    base, found, suffix = key.rpartition("__")
    if found and suffix in _SUFFIXES:
        asked = _SUFFIXES[suffix]
        several = tuple(value.strip("{}").split()) if asked is Form.ONE_OF else (value,)
        return Condition(normalise_key(base), asked, several)
    form, values = _pattern(value)
    return Condition(normalise_key(key), form, values)


def _pattern(value: str) -> tuple[Form, tuple[str, ...]]:
    match value[0]:
        case "\\":
            return Form.EQUAL, (value[1:],)
        case "~":
            return Form.CONTAINS, (value[1:],)
        case "[":
            inner = _enclosed(value, "]")
            if inner.count("~") != 1 or inner.strip() == "~":
                raise BadRequestError(f"invalid query string value: {value}")
            low, _, high = inner.partition("~")
            return Form.RANGE, (_bare(low), _bare(high))
        case "{" | "(":
            inner = _enclosed(value, "}" if value[0] == "{" else ")")
            values = tuple(map(_bare, inner.split()))
            if not values or len(values) > _MAX_VALUES:
                raise BadRequestError(f"invalid query string value: {value[:64]}")
            return (Form.ONE_OF if value[0] == "{" else Form.ALL_OF), values
        case _:
            return Form.EQUAL, (value,)


def _enclosed(value: str, closing: str) -> str:
    if not value.endswith(closing):
        raise BadRequestError(f"invalid query string value: {value}")
    return value[1:-1]


def _bare(value: str) -> str:
    return value.strip().strip("\"'")


def filter_rows(
    rows: QuerySet[ModelT], conditions: Iterable[Condition], fields: Mapping[str, QueryField]
) -> QuerySet[ModelT]:
    """Apply the conditions whose key is in ``fields``; raises :class:`BadRequestError` for an unreadable value."""
    known = {normalise_key(key): field for key, field in fields.items() if field.filterable}
    for condition in conditions:
        if (field := known.get(condition.key)) is not None and condition.form is not Form.ALL_OF:
            rows = rows.filter(_as_q(condition, field))
    return rows


def _as_q(condition: Condition, field: QueryField) -> Q:
    values = condition.values
    match condition.form:
        case Form.CONTAINS:
            return Q(**{f"{field.lookup}__icontains": values[0]}) if values[0] else Q()
        case Form.RANGE:
            low, high = values
            wanted = Q()
            if low:
                wanted &= Q(**{f"{field.lookup}__gte": field.read(low)})
            if high:
                wanted &= Q(**{f"{field.lookup}__lte": field.read(high)})
            return wanted
        case Form.ONE_OF:
            return Q(**{f"{field.lookup}__in": [field.read(value) for value in values]})
        case _:
            return Q(**{f"{field.lookup}__{condition.form.value}": field.read(values[0])})


def sort_rows(
    rows: QuerySet[ModelT],
    text: str,
    fields: Mapping[str, QueryField],
    default: Sequence[str],
    ties: Sequence[str] = (),
) -> QuerySet[ModelT]:
    """Order by ``sort``, or by ``default`` where it names no known key; unknown keys are ignored.

    ``ties`` (the last key of ``default`` if empty) come after what was asked, in the direction of the last asked key:
    so one index answers both directions.
    """
    known = {normalise_key(key): field for key, field in fields.items() if field.sortable}
    order: list[str] = []
    for part in text.split(",")[:_MAX_CONDITIONS]:
        sign, key = ("-" if part.strip().startswith("-") else ""), part.strip().lstrip("-")
        field = known.get(normalise_key(key))
        # A key that comes again decides nothing, and would cost a page another statement each time.
        if field is not None and field.lookup not in {name.lstrip("-") for name in order}:
            order.append(f"{sign}{field.lookup}")
    if not order:
        return rows.order_by(*default)
    asked = {name.lstrip("-") for name in order}
    last = "-" if order[-1].startswith("-") else ""
    names = [name.lstrip("-") for name in ties or default[-1:]]
    return rows.order_by(*order, *(f"{last}{name}" for name in names if name not in asked))


def read_int(text: str) -> int:
    """A 64-bit integer; raises :class:`BadRequestError`."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > 19 or abs(int(text)) > _INT64:
        raise BadRequestError(f"invalid query string value: {text[:64]} is not a number")
    return int(text)


def read_bool(text: str) -> bool:
    """``true``/``1`` or ``false``/``0``; raises :class:`BadRequestError`."""
    lowered = text.lower()
    if lowered in _TRUE or lowered in _FALSE:
        return lowered in _TRUE
    raise BadRequestError(f"invalid query string value: {text[:64]} is neither true nor false")


def read_time(text: str) -> datetime:
    """A time in ISO 8601, in UTC where it names no zone; raises :class:`BadRequestError`."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadRequestError(f"invalid query string value: {text[:64]} is not a time") from None
