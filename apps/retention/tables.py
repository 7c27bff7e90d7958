"""The log of a run: tables of artifacts and what became of them, written for people and read for pages."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, pairwise

from apps.retention.candidates import Facts
from apps.retention.decision import Fate

ROWS = 500
"""Rows of one table."""

_TIME = "%Y/%m/%d %H:%M:%S"
_BORDER = re.compile(r"\+(?:-+\+)+")
# What stands before a line, of which the line before a table has nothing else.
_STAMP = re.compile(r"\S+ \[[A-Z]+\] ?")
_HEAD = ("Digest", "Tag", "Kind", "Labels", "PushedTime", "PulledTime", "CreatedTime", "Retention")


def tables(rows: Iterable[tuple[Facts, Fate]]) -> Iterator[str]:
    """Tables of at most :data:`ROWS` artifacts each, with a line feed before each line; times in UTC."""
    left = iter(rows)
    while some := list(islice(left, ROWS)):
        yield _table([_cells(facts, fate) for facts, fate in some])


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table that was read; times are None where the log has none."""

    digest: str
    tags: tuple[str, ...]
    kind: str
    labels: tuple[str, ...]
    pushed: datetime | None
    pulled: datetime | None
    fate: str


def tables_read(text: str) -> Iterator[str | list[TableRow]]:
    """A log as it follows: lines, and the rows of tables that follow each other.

    What is no whole table, at the beginning of a log that was cut off, comes as lines.
    """
    lines = text.removesuffix("\n").split("\n") if text else []
    place = 0
    rows: list[TableRow] = []
    while place < len(lines):
        if found := _table_at(lines, place):
            rows += found[0]
            place = found[1]
            continue
        if not _STAMP.fullmatch(lines[place]):
            if rows:
                yield rows
                rows = []
            yield lines[place]
        place += 1
    if rows:
        yield rows


def _table_at(lines: list[str], place: int) -> tuple[list[TableRow], int] | None:
    """The rows of the table that begins at this line, and the line after it; None if none begins here."""
    border = lines[place]
    if not _BORDER.fullmatch(border) or lines[place + 2 : place + 3] != [border]:
        return None
    corners = [at for at, character in enumerate(border) if character == "+"]
    if _split(lines[place + 1], corners) != _HEAD:
        return None
    rows: list[TableRow] = []
    for at in range(place + 3, len(lines)):
        if lines[at] == border:
            return rows, at + 1
        if len(lines[at]) != len(border):
            return None
        rows.append(_row(_split(lines[at], corners)))
    return None


def _split(line: str, corners: list[int]) -> tuple[str, ...]:
    """The cells of a line by where the border has its corners: a cell may hold any character."""
    return tuple(line[left + 2 : right - 1].rstrip(" ") for left, right in pairwise(corners))


def _row(cells: tuple[str, ...]) -> TableRow:
    digest, tags, kind, labels, pushed, pulled, _created, fate = cells
    return TableRow(digest, _names(tags), kind, _names(labels), _read_time(pushed), _read_time(pulled), fate)


def _names(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(",")) if cell else ()


def _read_time(cell: str) -> datetime | None:
    try:
        return datetime.strptime(cell, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


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
    return moment.astimezone(UTC).strftime(_TIME) if moment else ""


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    border = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    lines = [border, _line(_HEAD, widths), border, *(_line(row, widths) for row in rows), border]
    return "".join(f"\n{line}" for line in lines)


def _line(cells: Iterable[str], widths: list[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
