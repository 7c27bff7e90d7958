"""How many rows a list has, without counting millions for one page.

On PostgreSQL a count walks over every row that it counts. So it is exact up to :data:`EXACT_UP_TO` rows, and beyond
them, or where even that would cost too much, the planner's estimate. SQLite, the small installation, counts.
"""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.db.models import Model, QuerySet

EXACT_UP_TO = 10_000
# Tables below this are counted without asking the planner first.
_SMALL_TABLE = 100_000
# In the planner's unit, a page read in order: up to about a twentieth of a second.
_MOST_COST = 50_000
# And in time, whatever the planner thought.
_MOST_MILLISECONDS = 50
_CANCELLED = "57014"
_REMEMBERED_SECONDS = 60.0


class RowCount(NamedTuple):
    """``is_exact`` is False for an estimate."""

    total: int
    is_exact: bool


class _TableSizes:
    """Rows of tables as the last statistics have them, asked for once a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def rows(self, table: str) -> int:
        """About how many; 0 for a table without statistics."""
        now = self._clock()
        known = self._known.get(table)
        if known is not None and now < known[0]:
            return known[1]
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
            rows = max(int(cursor.fetchone()[0]), 0)
        with self._lock:
            self._known[table] = (now + _REMEMBERED_SECONDS, rows)
        return rows


_sizes = _TableSizes()


def count_rows(rows: QuerySet[Any, Any]) -> RowCount:
    """Count, or estimate where counting costs more than a page of a list may."""
    model: type[Model] = rows.model
    if connection.vendor != "postgresql" or _sizes.rows(model._meta.db_table) < _SMALL_TABLE:  # noqa: SLF001
        return RowCount(rows.count(), is_exact=True)
    some = rows.order_by().values("pk")[: EXACT_UP_TO + 1]
    cost, estimate = _plan(some)
    if cost > _MOST_COST:
        return RowCount(estimate, is_exact=False)
    counted = _count_in_time(some)
    if counted is None:
        return RowCount(estimate, is_exact=False)
    if counted <= EXACT_UP_TO:
        return RowCount(counted, is_exact=True)
    return RowCount(max(estimate, counted), is_exact=False)


def _count_in_time(rows: QuerySet[Any, Any]) -> int | None:
    """The count, or None if it takes too long: the planner can take what is rare for frequent."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {_MOST_MILLISECONDS}")
            counted = rows.count()
            # A transaction around this one goes on.
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
            return counted
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _CANCELLED:
            raise
        return None


def _plan(limited: QuerySet[Any, Any]) -> tuple[float, int]:
    """What the planner expects of a query with a limit: its cost, and the rows that there were without one."""
    try:
        statement, values = limited.query.sql_with_params()
    except EmptyResultSet:
        return 0.0, 0
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", values)
        answer = cursor.fetchone()[0]
    (explained,) = json.loads(answer) if isinstance(answer, str) else answer
    plan = explained["Plan"]
    inner = plan["Plans"][0] if plan["Node Type"] == "Limit" else plan
    return float(plan["Total Cost"]), int(inner["Plan Rows"])
