"""Logs of runs: what is written is read again, also where it was cut off."""

from datetime import UTC, datetime

import pytest

from apps.retention.candidates import Facts
from apps.retention.decision import Fate
from apps.retention.tables import ROWS, TableRow, tables, tables_read

PUSHED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STAMP = "2026-01-02T03:04:05Z [INFO] "


def facts(number: int, *, tags: tuple[str, ...] = ("v1", "v2"), labels: tuple[str, ...] = ()) -> Facts:
    return Facts(f"sha256:{number:064x}", "image", dict.fromkeys(tags, PUSHED), labels, PUSHED, None, PUSHED)


def log(*pieces: str) -> str:
    return "".join(f"{STAMP}{piece}\n" for piece in pieces)


def row(
    number: int, fate: str, *, tags: tuple[str, ...] = ("v1", "v2"), labels: tuple[str, ...] = ()
) -> TableRow:
    return TableRow(f"sha256:{number:064x}", tags, "image", labels, PUSHED, None, fate)


def test_tables_are_read_between_lines() -> None:
    [table] = tables([(facts(1), Fate.RETAIN), (facts(2, tags=()), Fate.DELETE)])
    read = list(tables_read(log("2 artifacts in a/b", table, "2 in all")))
    rows = [row(1, "RETAIN"), row(2, "DEL", tags=())]
    assert read == [f"{STAMP}2 artifacts in a/b", rows, f"{STAMP}2 in all"]


def test_tables_that_follow_each_other_are_one() -> None:
    many = [(facts(number), Fate.RETAIN) for number in range(ROWS + 3)]
    written = list(tables(many))
    assert len(written) == 2
    assert list(tables_read(log(*written))) == [[row(number, "RETAIN") for number in range(ROWS + 3)]]


@pytest.mark.parametrize("label", ["a | b", "+---+", "bar|", "\N{LINE SEPARATOR}"])
def test_cells_may_hold_what_draws_tables(label: str) -> None:
    [table] = tables([(facts(1, labels=(label,)), Fate.IMMUTABLE), (facts(2), Fate.ERROR)])
    assert list(tables_read(log(table))) == [[row(1, "IMMUTABLE", labels=(label,)), row(2, "ERR")]]


def test_what_is_no_whole_table_comes_as_lines() -> None:
    [table] = tables([(facts(1), Fate.RETAIN), (facts(2), Fate.DELETE)])
    lines = table.strip("\n").split("\n")
    # From its fourth line on: the beginning of a log is left out where it is long.
    assert list(tables_read("\n".join(lines[3:]))) == lines[3:]
    # As it is while it is being written.
    assert list(tables_read("\n".join(lines[:-1]))) == lines[:-1]
    [whole] = list(tables_read(log(table)))
    assert list(tables_read("\n".join(lines[3:]) + f"\n{log(table)}")) == [*lines[3:], whole]
    assert list(tables_read("")) == []
