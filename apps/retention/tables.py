"""The log of a run: tables of artifacts and what became of them."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

from apps.retention.candidates import Facts
from apps.retention.decision import Fate

ROWS = 500
"""Rows of one table."""

_HEAD = ("Digest", "Tag", "Kind", "Labels", "PushedTime", "PulledTime", "CreatedTime", "Retention")


def tables(rows: Iterable[tuple[Facts, Fate]]) -> Iterator[str]:
    """Tables of at most :data:`ROWS` artifacts each, with a line feed before each line; times in UTC."""
    left = iter(rows)
    while some := list(islice(left, ROWS)):
        yield _table([_cells(facts, fate) for facts, fate in some])


def _cells(facts: Facts, fate: Fate) -> tuple[str, ...]:
    return (
        facts.digest,
        ",".join(facts.tags),
        facts.kind,
        ",".join(facts.labels),
        _time(facts.pushed),
        _time(facts.pulled),
        _time(facts.created),
        fate,
    )


def _time(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y/%m/%d %H:%M:%S") if moment else ""


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    border = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    lines = [border, _line(_HEAD, widths), border, *(_line(row, widths) for row in rows), border]
    return "".join(f"\n{line}" for line in lines)


def _line(cells: Iterable[str], widths: list[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
