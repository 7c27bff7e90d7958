"""Model fields that behave the same on SQLite and PostgreSQL."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Combinable

if TYPE_CHECKING:
    _CharField = models.CharField[str | Combinable, str]
else:
    _CharField = models.CharField


class BytewiseCharField(_CharField):
    """Text that sorts and compares by its bytes, as the Distribution specification orders tags and names.

    SQLite does so by itself; PostgreSQL needs the "C" collation, whatever the locale of the database.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters = super().db_parameters(connection)
        parameters["collation"] = "C" if connection.vendor == "postgresql" else None
        return parameters


def json_storable(value: Any) -> Any:
    """JSON data without NUL characters, which PostgreSQL's ``jsonb`` refuses; each becomes U+FFFD."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, Mapping):
        return {json_storable(name): json_storable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_storable(item) for item in value]
    return value
