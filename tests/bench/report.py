"""From samples to the table: medians, ratios, goals."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

THEIRS = "docker-registry"
EMBEDDED = "ours, embedded"
SERVER = "ours, server"

Samples = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]
"""Measure to server to its samples, one a round."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: ``value`` of a sample, how ours is compared, and the goal of each mode.

    ``against`` names the measure that ours is divided by, and ``theirs`` whether that is the other server's.
    ``inverse`` is for times, where less is better: the ratio still says how many times as good ours is.
    """

    label: str
    unit: str
    measure: str
    value: Callable[[Mapping[str, float]], float]
    goal_embedded: float | None = None
    goal_server: float | None = None
    against: str = ""
    inverse: bool = False
    at_most: bool = False
    digits: int = 0


def _cpu(sample: Mapping[str, float]) -> float:
    """Microseconds of the server's CPU for a request; other work on the machine hardly changes it."""
    return sample["cpu"] / sample["requests"] * 1e6


def _of(name: str, factor: float = 1) -> Callable[[Mapping[str, float]], float]:
    return lambda sample: sample[name] * factor


ROWS = (
    Row("manifest GET by tag", "/s", "manifest-get-tag", _of("rate"), 10, 5),
    Row("— CPU of one", "µs", "manifest-get-tag", _cpu, inverse=True),
    Row("manifest GET by digest", "/s", "manifest-get-digest", _of("rate"), 10, 5),
    Row("manifest HEAD by tag", "/s", "manifest-head-tag", _of("rate")),
    Row("manifest HEAD by digest", "/s", "manifest-head-digest", _of("rate")),
    Row("blob GET, 10 KiB", "/s", "blob-get-small", _of("rate"), 8, 8),
    Row("— CPU of one", "µs", "blob-get-small", _cpu, inverse=True),
    Row("/service/token against manifest GET", "/s", "token", _of("rate"), 0.5, 0.5, "manifest-get-tag"),
    Row("blob GET, 64 MiB", "MB/s", "blob-get-medium", _of("rate")),
    Row(
        "CPU per GB served", "s/GB", "blob-get-medium", lambda sample: sample["cpu"] / sample["gigabytes"],
        0.5, 0.5, at_most=True, digits=2,
    ),
    Row("chunked push, 1 GiB", "s", "push-large", _of("seconds"), 1, 1, inverse=True, digits=2),
    Row("small images, one repository", "/s", "images-one-repository", _of("rate"), 1, 1),
    Row("— p95 of an image", "ms", "images-one-repository", _of("p95", 1000), inverse=True),
    Row("small images, eight projects", "/s", "images-eight-projects", _of("rate"), 1, 1),
    Row("— p95 of an image", "ms", "images-eight-projects", _of("p95", 1000), inverse=True),
    Row(
        "one repository against eight projects", "/s", "images-one-repository", _of("rate"), 0.9, 0.9,
        "images-eight-projects",
    ),
)  # fmt: skip

# Bytes, of the largest process, while 2 GiB are pushed and pulled.
MEMORY_GOAL = 100e6


def lines(samples: Samples) -> list[dict[str, Any]]:
    """The table as data: for each row and server the median, the ratio, the goal and whether it is met."""
    found = []
    for row in ROWS:
        by_server = samples.get(row.measure, {})
        if not by_server:
            continue
        line: dict[str, Any] = {"label": row.label, "unit": row.unit, "digits": row.digits, "values": {}}
        for server, taken in by_server.items():
            entry = {
                "median": _median(row, taken),
                "lowest": _least(row, taken),
                "highest": _most(row, taken),
            }
            if server != THEIRS:
                entry |= _compare(row, server, samples)
            line["values"][server] = entry
        found.append(line)
    return found


def memory_lines(samples: Samples) -> list[dict[str, Any]]:
    """Peak memory of the largest process in each measure, in bytes; the goal is that of the largest blobs."""
    found = []
    for measure, by_server in samples.items():
        line: dict[str, Any] = {"measure": measure, "values": {}}
        for server, taken in by_server.items():
            worst = max(taken, key=lambda sample: sample["peak"])
            line["values"][server] = {"peak": worst["peak"], "process": worst["process"]}
            if measure == "huge" and server != THEIRS:
                line["values"][server] |= {"goal": MEMORY_GOAL, "met": worst["peak"] < MEMORY_GOAL}
        found.append(line)
    return found


def _median(row: Row, taken: Iterable[Mapping[str, float]]) -> float:
    return statistics.median(map(row.value, taken))


def _least(row: Row, taken: Iterable[Mapping[str, float]]) -> float:
    return min(map(row.value, taken))


def _most(row: Row, taken: Iterable[Mapping[str, float]]) -> float:
    return max(map(row.value, taken))


def _compare(row: Row, server: str, samples: Samples) -> dict[str, Any]:
    """The median of the rounds' ratios: the two numbers of a round were taken one after the other."""
    ours = samples[row.measure][server]
    other = samples.get(row.against or row.measure, {}).get(server if row.against else THEIRS)
    if not other:
        return {}
    other_row = next(one for one in ROWS if one.measure == row.against) if row.against else row
    pairs = [(row.value(mine), other_row.value(its)) for mine, its in zip(ours, other, strict=False)]
    ratio = statistics.median(its / mine if row.inverse else mine / its for mine, its in pairs)
    goal = row.goal_embedded if server == EMBEDDED else row.goal_server
    if goal is None:
        return {"ratio": ratio}
    return {"ratio": ratio, "goal": goal, "met": ratio <= goal if row.at_most else ratio >= goal}


def table(samples: Samples) -> str:
    """Both tables, in Markdown."""
    servers = list(dict.fromkeys(server for by_server in samples.values() for server in by_server))
    ours = [server for server in servers if server != THEIRS]
    text = [_row("", *servers, *(f"ratio, {server.partition(', ')[2]}" for server in ours))]
    text.append(_row("---", *["---:"] * (len(servers) + len(ours))))
    for line in lines(samples):
        cells = [f"{line['label']} ({line['unit']})"]
        for server in servers:
            value = line["values"].get(server)
            cells.append("" if value is None else f"{value['median']:,.{line['digits']}f}")
        cells += [_verdict(line["values"].get(server, {})) for server in ours]
        text.append(_row(*cells))
    text += ["", _row("peak MB of the largest process", *servers), _row("---", *["---:"] * len(servers))]
    for line in memory_lines(samples):
        values = [line["values"].get(server, {}) for server in servers]
        text.append(_row(line["measure"], *map(_memory, values)))
    return "\n".join(text)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _verdict(value: Mapping[str, Any]) -> str:
    if "ratio" not in value:
        return ""
    if "goal" not in value:
        return f"{value['ratio']:.2f}"
    return f"{value['ratio']:.2f} of {value['goal']:g}: {'met' if value['met'] else 'MISSED'}"


def _memory(value: Mapping[str, Any]) -> str:
    if not value:
        return ""
    met = "" if "met" not in value else ", met" if value["met"] else ", MISSED"
    return f"{value['peak'] / 1e6:.0f} {value['process'].removeprefix('harbor_py.')}{met}"
