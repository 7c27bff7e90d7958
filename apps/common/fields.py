"""Model fields that behave the same on SQLite and PostgreSQL."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class BytewiseCharField(models.CharField):
    """Text that sorts and compares by its bytes, as the Distribution specification orders tags and names.

    SQLite does so by itself; PostgreSQL needs the "C" collation, whatever the locale of the database.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters = super().db_parameters(connection)
        parameters["collation"] = "C" if connection.vendor == "postgresql" else None
        return parameters
