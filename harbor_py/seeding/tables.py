"""Rows in bulk: PostgreSQL takes them by COPY, SQLite by `executemany`, all in the caller's transaction."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.core.management.color import no_style
from django.db import connection, models
from django.db.models import Max

from harbor_py.seeding.clock import END

_BATCH = 20_000

Row = tuple[Any, ...]


class Table:
    """A model's table with the columns that rows give; the others have their default in every row.

    Values are text, integers (1 and 0 for booleans), bytes, or None. Ids go on after those that are there; unless
    ``id`` is among the columns, each row gets the next one.
    """

    def __init__(self, model: type[models.Model], *columns: str) -> None:
        meta = model._meta  # noqa: SLF001 (Django documents it as public)
        self.model = model
        self.name = meta.db_table
        self.rows: list[Row] = []
        self.written = 0
        self.first_id = 1 + (model._base_manager.aggregate(top=Max("pk"))["top"] or 0)  # noqa: SLF001
        self.gives_id = "id" in columns
        fields = {field.attname: field for field in meta.concrete_fields}
        given = columns if self.gives_id else ("id", *columns)
        constants = {name: _default(field) for name, field in fields.items() if name not in given}
        self.columns = [str(fields[name].column) for name in (*given, *constants)]
        self.constants: Row = tuple(constants.values())
        self.binary = any(isinstance(fields[name], models.BinaryField) for name in given)
        self.nullable = any(fields[name].null for name in given)

    def add(self, *values: Any) -> None:
        """One more row."""
        self.rows.append(values)

    def take(self) -> Iterable[Row]:
        """The rows that have come since the last time, with their ids."""
        rows, self.rows = self.rows, []
        first = self.first_id + self.written
        self.written += len(rows)
        if self.gives_id:
            return rows
        return [(first + place, *row) for place, row in enumerate(rows)]


def _default(field: "models.Field[Any, Any]") -> Any:
    if isinstance(field, models.DateTimeField):
        return None if field.null else str(END.replace(tzinfo=None))
    value = field.get_default()
    if isinstance(value, datetime):
        raise TypeError(f"{field} has a time by default but is no time")
    if isinstance(field, models.JSONField):
        return {"[]": "[]", "{}": "{}"}[str(value)]
    return int(value) if isinstance(value, bool) else value


class Writer(Protocol):
    """How rows get into a database."""

    def write(self, table: Table) -> None:
        """Write the rows that have come to ``table``."""


class CopyWriter:
    """COPY of PostgreSQL, as text. No value holds a tab, a line feed or a backslash."""

    def write(self, table: Table) -> None:
        """See :class:`Writer`."""
        rows = table.take()
        given = len(table.columns) - len(table.constants)
        constants = "".join("\t" + _text(value).replace("%", "%%") for value in table.constants)
        line = "\t".join(["%s"] * given) + constants + "\n"
        if table.binary:
            rows = [tuple([_text(value) for value in row]) for row in rows]
        elif table.nullable:
            rows = [tuple([_text(value) for value in row]) if None in row else row for row in rows]
        columns = ", ".join(f'"{column}"' for column in table.columns)
        with connection.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
            copy.write("".join([line % row for row in rows]))


def _text(value: Any) -> str:
    if value is None:
        return "\\N"
    return "\\\\x" + value.hex() if isinstance(value, bytes) else str(value)


class InsertWriter:
    """`INSERT` of SQLite."""

    def write(self, table: Table) -> None:
        """See :class:`Writer`."""
        places = ", ".join(["%s"] * len(table.columns))
        columns = ", ".join(f'"{column}"' for column in table.columns)
        statement = f"INSERT INTO {table.name} ({columns}) VALUES ({places})"  # noqa: S608 (names of our own)
        with connection.cursor() as cursor:
            cursor.executemany(statement, [row + table.constants for row in table.take()])


class Sink:
    """Tables that are filled side by side; each is written when it has enough rows."""

    def __init__(self, writer: Writer, report: Callable[[str, int], None]) -> None:
        self._writer = writer
        self._report = report
        self._tables: dict[str, Table] = {}

    def table(self, model: type[models.Model], *columns: str) -> Table:
        """Make a table to fill."""
        table = Table(model, *columns)
        self._tables[table.name] = table
        return table

    def flush(self, *, least: int = _BATCH) -> None:
        """Write the tables that have ``least`` rows or more."""
        for table in self._tables.values():
            if table.rows and len(table.rows) >= least:
                self._writer.write(table)
                self._report(table.name, table.written)

    def finish(self) -> None:
        """Write what is left, and have the database give out ids after the last one."""
        self.flush(least=1)
        touched: Sequence[type[models.Model]] = [
            table.model for table in self._tables.values() if table.written
        ]
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), list(touched)):
                cursor.execute(statement)

    @property
    def counts(self) -> dict[str, int]:
        """Rows written, by table."""
        return {name: table.written for name, table in self._tables.items()}
