"""``python -m tests.bench``: start the servers, measure them side by side, print the table, write the samples."""

import argparse
import json
import os
import platform
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from tests.bench.client import HttpError
from tests.bench.measures import MEASURES, QUICK, Bench, Measure, Sizes
from tests.bench.processes import Meter
from tests.bench.report import lines, memory_lines, table
from tests.bench.servers import BenchError, OurServer, Server, TheirServer

_ROUNDS = 5
# Seconds of others' work in a second of measuring, above which the figures are not to be trusted.
_QUIET = 0.15

_MODES: dict[str, list[Callable[[], Server]]] = {
    "embedded": [OurServer.embedded],
    "server": [OurServer.with_services],
    "both": [OurServer.embedded, OurServer.with_services],
}

Samples = dict[str, dict[str, list[dict[str, Any]]]]


def main() -> int:
    """Run; 0 if every goal that was measured is met, 1 if one is missed, 2 if it could not be measured."""
    options = _options()
    chosen = [measure for measure in MEASURES if not options.only or measure.name in options.only]
    try:
        with ExitStack() as stack:
            servers: list[Server] = []
            for start in (TheirServer, *_MODES[options.mode]):
                server = start()
                stack.callback(server.stop)
                servers.append(server)
            samples = _measure(chosen, servers, Bench(QUICK if options.quick else Sizes()), options.rounds)
    except (BenchError, HttpError) as error:
        click.echo(f"bench: {error}", err=True)
        return 2
    click.echo(table(samples))
    found, memory = lines(samples), memory_lines(samples)
    machine = {
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": machine,
        "quick": options.quick,
        "lines": found,
        "memory": memory,
        "samples": samples,
    }
    options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    verdicts = [value.get("met", True) for line in (*found, *memory) for value in line["values"].values()]
    click.echo(f"\n{verdicts.count(False)} goals missed. Every sample is in {options.json}.")
    return 0 if all(verdicts) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--mode", choices=_MODES, default="both", help="what of ours is measured")
    parser.add_argument(
        "--only",
        action="append",
        choices=[one.name for one in MEASURES],
        help="this measure; may be repeated",
    )
    parser.add_argument("--quick", action="store_true", help="less work a sample; the figures are rougher")
    parser.add_argument("--rounds", type=int, default=0, help=f"samples of each (default {_ROUNDS}, quick 1)")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), help="where the samples go")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else _ROUNDS)
    return options


def _measure(chosen: Sequence[Measure], servers: Sequence[Server], bench: Bench, rounds: int) -> Samples:
    """In each round every server has its turn at a measure, the order turning too, before the next measure."""
    samples: Samples = defaultdict(lambda: defaultdict(list))
    for server in servers:
        bench.warm(server)
    for measure in chosen:
        able = [server for server in servers if not (server.bare and measure.needs_tokens)]
        for turn in range(1 if measure.once else rounds):
            for server in able[turn % len(able) :] + able[: turn % len(able)]:
                samples[measure.name][server.name].append(_sample(measure, server, bench))
    return {
        name: {server.name: by_server[server.name] for server in servers if server.name in by_server}
        for name, by_server in samples.items()
    }


def _sample(measure: Measure, server: Server, bench: Bench) -> dict[str, Any]:
    with Meter(server.roots(), server.counted()) as meter:
        taken = measure.sample(bench, server)
    cost = meter.cost
    sample = {
        **taken,
        "cpu": cost.cpu,
        "peak": cost.peak,
        "process": cost.largest,
        "strangers": cost.strangers,
    }
    shown = ", ".join(f"{name} {value:,.3g}" for name, value in taken.items())
    warning = f"  (others used {cost.strangers:.0%} of a core)" if cost.strangers > _QUIET else ""
    click.echo(f"{measure.label:30} {server.name:16} {shown}{warning}", err=True)
    return sample


if __name__ == "__main__":
    sys.exit(main())
