"""Searches for a part of a text, in the form that PostgreSQL's indexes of trigrams answer."""

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import IContains, Lookup
from django.db.models.sql.compiler import SQLCompiler


class Holds(IContains):
    """``icontains`` of every text, written as ILIKE, which trigrams of the column answer; Django compares UPPER."""

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[str | int, ...]]:
        """See Django's ``Lookup.as_sql``."""
        if not self.rhs_is_direct_value():
            return self.as_sql(compiler, connection)
        # The plain column: the nearer base would wrap it.
        left, left_values = Lookup.process_lhs(self, compiler, connection)
        right, right_values = self.process_rhs(compiler, connection)
        return f"{left} ILIKE {right}", (*left_values, *right_values)
