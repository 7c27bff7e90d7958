"""The names that the log can be narrowed by are those that its rows have."""

from apps.audit.handlers import ROWS
from apps.audit.types import OPERATIONS, RESOURCE_TYPES


def test_every_kind_of_row_can_be_asked_for() -> None:
    assert {row.resource_type for row in ROWS.values()} <= set(RESOURCE_TYPES)
    assert {row.operation for row in ROWS.values() if row.operation} <= set(OPERATIONS)
