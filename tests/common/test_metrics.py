"""Counts of several processes add up, and stay when a process ends."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from apps.common.metrics import BUCKETS, REQUEST, TASK, Collector, Recorder

KEY = (REQUEST, "GET", 200, "listProjects")


def _count_and_wait(folder: Path, requests: int, ready, end) -> None:
    recorder = Recorder(folder)
    for _ in range(requests):
        recorder.enter()
        recorder.leave("GET", 200, "listProjects", 0.02, 10, 100)
    recorder.enter()
    recorder.flush()
    ready.set()
    end.wait(30)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def process(tmp_path: Path):
    """Start a process that counts; returns what ends it, without a chance to tidy up."""
    context = multiprocessing.get_context("spawn")

    def start(requests: int):
        ready, end = context.Event(), context.Event()
        child = context.Process(target=_count_and_wait, args=(tmp_path, requests, ready, end), daemon=True)
        child.start()
        assert ready.wait(30)

        def kill() -> None:
            end.set()
            child.join(30)
            assert child.exitcode == -signal.SIGKILL

        return kill

    return start


def test_processes_add_up_and_leave_their_counts(tmp_path: Path, process) -> None:
    collector = Collector(tmp_path)
    first, second = process(3), process(4)

    totals = collector.totals()
    assert totals.series[KEY].count == 7
    assert (totals.series[KEY].received, totals.series[KEY].sent) == (70, 700)
    assert totals.inflight == 2

    first()
    for _ in range(3):
        totals = collector.totals()
        assert (totals.series[KEY].count, totals.inflight) == (7, 1)
    second()
    assert Collector(tmp_path).totals().series[KEY].count == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["past.json"]

    process(5)
    assert collector.totals().series[KEY].count == 12


def test_what_was_added_to_the_past_is_not_added_again(tmp_path: Path, process) -> None:
    """As after a crash between the sum and the removal of what is in it."""
    process(3)()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert Collector(tmp_path).totals().series[KEY].count == 3
    for path, content in before.items():
        path.write_bytes(content)

    assert Collector(tmp_path).totals().series[KEY].count == 3


def test_buckets(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for seconds in (0.0, BUCKETS[0], BUCKETS[0] * 1.01, 1e9):
        recorder.enter()
        recorder.leave("GET", 200, "listProjects", seconds)
    recorder.task("events.outbox_deliver", "success", 0.2)
    recorder.flush()

    series = Collector(tmp_path).totals().series
    assert series[KEY].buckets == [2, 1, *[0] * (len(BUCKETS) - 2), 1]
    assert series[(TASK, "events.outbox_deliver", "success")].count == 1


def test_a_client_makes_no_labels(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for method in ("BREW", "X" * 1000, "get"):
        recorder.enter()
        recorder.leave(method, 405, "others", 0.1)
    recorder.flush()
    assert list(Collector(tmp_path).totals().series) == [(REQUEST, "OTHER", 405, "others")]


def test_damaged_files_count_nothing(tmp_path: Path) -> None:
    (tmp_path / "past.json").write_bytes(b'{"series": [[')
    (tmp_path / "1-a.lock").write_bytes(b"")
    (tmp_path / "1-a.json").write_bytes(b"[]")
    assert Collector(tmp_path).totals().series == {}
