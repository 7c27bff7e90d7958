"""Indexes and constraints of PostgreSQL tables, away while rows are copied in and back afterwards.

All in the caller's transaction, so that a crash leaves them where they were. To fill an index row by row takes
several times as long as to build it from the rows.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection

_CONSTRAINTS = """
SELECT con.conrelid::regclass::text, quote_ident(con.conname), con.contype, pg_get_constraintdef(con.oid)
FROM pg_constraint con
WHERE con.contype IN ('p', 'u', 'f') AND (con.conrelid = ANY(%s::regclass[]) OR con.confrelid = ANY(%s::regclass[]))
"""
_INDEXES = """
SELECT ind.indexrelid::regclass::text, pg_get_indexdef(ind.indexrelid)
FROM pg_index ind
WHERE ind.indrelid = ANY(%s::regclass[])
AND NOT EXISTS (SELECT FROM pg_constraint con WHERE con.conindid = ind.indexrelid AND con.contype IN ('p', 'u'))
"""
# Memory of one index being built, and the processes that help.
_BUILD = ("SET LOCAL maintenance_work_mem = '512MB'", "SET LOCAL max_parallel_maintenance_workers = 2")


@contextmanager
def without_indexes(tables: Sequence[str]) -> Iterator[None]:
    """Take the indexes of ``tables`` away inside, and build them again at the end."""
    with connection.cursor() as cursor:
        names = list(tables)
        constraints = _rows(cursor, _CONSTRAINTS, [names, names])
        indexes = _rows(cursor, _INDEXES, [names])
        # Foreign keys first: they lean on the keys.
        constraints.sort(key=lambda row: row[2] != "f")
        for table, name, _, _ in constraints:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
    yield
    with connection.cursor() as cursor:
        for statement in _BUILD:
            cursor.execute(statement)
        for table, name, kind, definition in reversed(constraints):
            if kind != "f":
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        for _, definition in indexes:
            cursor.execute(definition)
        for table in tables:
            cursor.execute(f"ANALYZE {table}")
        for table, name, kind, definition in constraints:
            if kind == "f":
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def _rows(cursor: Any, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    cursor.execute(statement, values)
    return list(cursor.fetchall())
