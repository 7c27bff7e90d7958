"""Steps of migrations for indexes that only PostgreSQL has."""

import logging
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_log = logging.getLogger(__name__)

Step = Callable[[Any, BaseDatabaseSchemaEditor], None]


def postgres_index_create(*, name: str, table: str, method: str, extension: str = "") -> Step:
    """Make an index; ``method`` is what follows USING.

    An ``extension`` that it needs is created too. Those that come with PostgreSQL and are trusted may be created by
    who owns the database; where that is refused the index is left out, and what it is for reads all rows.
    """

    def create(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        connection = schema_editor.connection
        if connection.vendor != "postgresql":
            return
        try:
            if extension:
                with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                    cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
        except DatabaseError as error:
            _log.warning("index %s left out: extension %s cannot be created: %s", name, extension, error)
            return
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {table} USING {method}")

    return create


def postgres_index_drop(*, name: str) -> Step:
    """The opposite step; an extension stays, for others may use it."""

    def drop(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if schema_editor.connection.vendor == "postgresql":
            with schema_editor.connection.cursor() as cursor:
                cursor.execute(f"DROP INDEX IF EXISTS {name}")

    return drop
