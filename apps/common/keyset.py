"""Pages by key: the rows after (or before) one row in an order, found through an index wherever they are.

An offset makes the database walk over every row before the page. Here the page begins at the values of the sort
keys of its neighbour. Keys of one direction are compared as a row, ``(a, b) > (x, y)``, which an index on them
answers; where directions are mixed or a key may be NULL, the rows are the concatenation of a few such ranges.
NULL ("never") comes before every value.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BooleanField,
    F,
    Field,
    Func,
    Model,
    OrderBy,
    Q,
    QuerySet,
    Value,
    prefetch_related_objects,
)
from django.db.models.sql.compiler import SQLCompiler

ModelT = TypeVar("ModelT", bound=Model)
KeyValue = str | int | bool | datetime | None


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order: the ORM path of a column."""

    path: str
    descending: bool
    nullable: bool = False

    @property
    def reversed(self) -> "SortKey":
        """The key of the opposite order."""
        return SortKey(self.path, not self.descending, self.nullable)

    def value(self, row: Model) -> KeyValue:
        """What ``row`` has there."""
        found: Any = row
        for name in self.path.split("__"):
            found = None if found is None else getattr(found, name)
        return found  # type: ignore[no-any-return]

    def ordering(self) -> OrderBy:
        """For ``order_by``: NULL is the smallest on both databases."""
        column = F(self.path)
        if not self.nullable:
            return column.desc() if self.descending else column.asc()
        return column.desc(nulls_last=True) if self.descending else column.asc(nulls_first=True)


def sort_keys(rows: QuerySet[ModelT]) -> tuple[SortKey, ...]:
    """The keys that ``rows`` are ordered by, up to the first one that no two rows share.

    Empty where rows cannot be found again by their keys: an order by expressions, at random, or none at all.
    """
    keys: list[SortKey] = []
    for name in rows.query.order_by:
        if not isinstance(name, str) or name == "?":
            return ()
        path = name.lstrip("-")
        fields = _fields(rows.model, path)
        if not fields:
            return ()
        keys.append(SortKey(path, name.startswith("-"), any(field.null for field in fields)))
        if len(fields) == 1 and fields[0].unique and not fields[0].null:
            return tuple(keys)
    return ()


def _fields(model: type[Model], path: str) -> list["Field[Any, Any]"]:
    """The fields along a path; none for an annotation."""
    fields: list[Field[Any, Any]] = []
    for name in path.split("__"):
        # By the name or, for a foreign key, by its column: `project`, `project_id`.
        own = {one.name: one for one in model._meta.concrete_fields}  # noqa: SLF001 (Django documents it as public)
        own |= {one.attname: one for one in model._meta.concrete_fields}  # noqa: SLF001
        field = model._meta.pk if name == "pk" else own.get(name)  # noqa: SLF001
        if field is None:
            return []
        fields.append(field)
        if isinstance(field.related_model, type):
            model = field.related_model
    return fields


def rows_beyond(
    rows: QuerySet[ModelT], keys: Sequence[SortKey], values: Sequence[KeyValue] | None, *, limit: int
) -> list[ModelT]:
    """The first ``limit`` rows after the one with these ``values`` of the keys; from the beginning if None."""
    first, *others = keys
    # No range mixes NULL and values of the first key, so that a plain index is in its order.
    plain = ("-" if first.descending else "") + first.path
    ordered = rows.order_by(plain, *(key.ordering() for key in others))
    # What comes with the rows is loaded once for all ranges.
    lookups = ordered._prefetch_related_lookups  # type: ignore[attr-defined]  # noqa: SLF001 (there is no public way)
    if lookups:
        ordered = ordered.prefetch_related(None)
    found: list[ModelT] = []
    for condition in _ranges(keys, values):
        found += ordered.filter(condition)[: limit - len(found)]
        if len(found) >= limit:
            break
    if lookups:
        prefetch_related_objects(found, *lookups)
    return found


def _ranges(keys: Sequence[SortKey], values: Sequence[KeyValue] | None) -> Iterator[Q]:
    """Conditions whose rows, one condition after the other, are all rows beyond the values."""
    if values is None:
        yield from _from_start(keys[0])
        return
    runs = list(_runs(keys))
    for number in reversed(range(len(runs))):
        same = Q()
        for start, end in runs[:number]:
            same &= _equal(keys[start:end], values[start:end])
        start, end = runs[number]
        for beyond in _beyond(keys[start:end], values[start:end]):
            yield same & beyond


def _runs(keys: Sequence[SortKey]) -> Iterator[tuple[int, int]]:
    """Neighbours of one direction, which are compared as a row; a key that may be NULL is alone."""
    start = 0
    for place in range(1, len(keys) + 1):
        if (
            place == len(keys)
            or keys[place].nullable
            or keys[start].nullable
            or keys[place].descending != keys[start].descending
        ):
            yield start, place
            start = place


def _from_start(first: SortKey) -> Iterator[Q]:
    if not first.nullable:
        yield Q()
        return
    nulls = [Q(**{f"{first.path}__isnull": True}), Q(**{f"{first.path}__isnull": False})]
    yield from reversed(nulls) if first.descending else nulls


def _equal(keys: Sequence[SortKey], values: Sequence[KeyValue]) -> Q:
    condition = Q()
    for key, value in zip(keys, values, strict=True):
        condition &= Q(**{f"{key.path}__isnull": True}) if value is None else Q(**{key.path: value})
    return condition


def _beyond(keys: Sequence[SortKey], values: Sequence[KeyValue]) -> Iterator[Q]:
    first = keys[0]
    if not first.nullable:
        yield Q(_RowBeyond(keys, values))
        return
    operator = "lt" if first.descending else "gt"
    if values[0] is None:
        if not first.descending:
            yield Q(**{f"{first.path}__isnull": False})
        return
    yield Q(**{f"{first.path}__{operator}": values[0]})
    if first.descending:
        yield Q(**{f"{first.path}__isnull": True})


class _RowBeyond(Func):
    """``(a, b) > (x, y)``; Django's own lookup of tuples writes it as ORs, which no index answers."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, keys: Sequence[SortKey], values: Sequence[KeyValue]) -> None:
        self._width = len(keys)
        self._operator = "<" if keys[0].descending else ">"
        super().__init__(*(F(key.path) for key in keys), *(Value(value) for value in values))

    def as_sql(
        self,
        compiler: SQLCompiler,
        connection: BaseDatabaseWrapper,  # noqa: ARG002 (Django's signature)
        function: str | None = None,  # noqa: ARG002
        template: str | None = None,  # noqa: ARG002
        arg_joiner: str | None = None,  # noqa: ARG002
        **_extra: Any,
    ) -> tuple[str, tuple[str | int, ...]]:
        """See Django's ``Func.as_sql``."""
        parts = [compiler.compile(expression) for expression in self.get_source_expressions()]
        left = ", ".join(sql for sql, _ in parts[: self._width])
        right = ", ".join(sql for sql, _ in parts[self._width :])
        values = tuple(value for _, some in parts for value in some)
        return f"({left}) {self._operator} ({right})", values
