"""The file: whole lines, rotated by size, by several processes, and beside somebody else's rotation."""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from apps.audit import logfile
from apps.audit.logfile import logfile_append

_WRITER = """
import pathlib, sys
from apps.audit.logfile import logfile_append

path, name = pathlib.Path(sys.argv[1]), sys.argv[2]
for batch in range(40):
    lines = [b'{"writer":"%s","number":%d,"fill":"%s"}\\n' % (name.encode(), batch * 5 + n, b"x" * 100) for n in range(5)]
    logfile_append(path, lines, max_bytes=8192, keep=1000)
"""


def append(path, *texts, max_bytes=1024, keep=2):
    logfile_append(path, [f"{text}\n".encode() for text in texts], max_bytes=max_bytes, keep=keep)


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_old_files_are_numbered_and_the_oldest_go(tmp_path):
    path = tmp_path / "audit.log"
    for number in range(5):
        append(path, str(number) * 600)

    assert names(tmp_path) == ["audit.log", "audit.log.1", "audit.log.2"]
    assert [file.read_text()[0] for file in (path, tmp_path / "audit.log.1", tmp_path / "audit.log.2")] == [
        "4",
        "3",
        "2",
    ]


def test_no_old_file_is_kept_when_none_is_wanted(tmp_path):
    path = tmp_path / "audit.log"
    for number in range(3):
        append(path, str(number) * 600, keep=0)

    assert names(tmp_path) == ["audit.log"]
    assert path.read_text()[0] == "2"


def test_a_batch_larger_than_a_file_is_written(tmp_path):
    path = tmp_path / "audit.log"
    append(path, "x" * 5000)
    append(path, "y")

    assert path.read_text() == "y\n"
    assert len((tmp_path / "audit.log.1").read_text()) == 5001


def test_a_file_that_logrotate_moved_away_is_not_written_to_again(tmp_path):
    path = tmp_path / "audit.log"
    append(path, "one")
    path.rename(tmp_path / "moved")
    append(path, "two")

    assert (tmp_path / "moved").read_text() == "one\n"
    assert path.read_text() == "two\n"


def test_a_file_that_logrotate_emptied(tmp_path):
    path = tmp_path / "audit.log"
    append(path, "one")
    os.truncate(path, 0)
    append(path, "two")

    assert path.read_text() == "two\n"


def test_a_full_disk_leaves_no_half_line(tmp_path, monkeypatch):
    path = tmp_path / "audit.log"
    append(path, "one")
    write = os.write

    def full(descriptor, data):
        if len(data) < 4:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:3])

    monkeypatch.setattr(logfile.os, "write", full)
    with pytest.raises(OSError, match="No space"):
        append(path, "second")
    monkeypatch.undo()

    assert path.read_text() == "one\n"


def test_two_processes_rotate_one_file_and_lose_nothing(tmp_path):
    path = tmp_path / "audit.log"
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), name], env=environment) for name in "ab"
    ]
    for writer in writers:
        assert writer.wait(timeout=60) == 0

    rotated = sorted(
        (file for file in tmp_path.iterdir() if file.suffix[1:].isdecimal()),
        key=lambda file: -int(file.suffix[1:]),
    )
    assert len(rotated) > 2
    lines = [json.loads(line) for file in [*rotated, path] for line in file.read_text().splitlines()]
    assert Counter(line["writer"] for line in lines) == {"a": 200, "b": 200}
    for name in "ab":
        assert [line["number"] for line in lines if line["writer"] == name] == list(range(200)), "in order"
    assert all(file.stat().st_size <= 8192 for file in rotated)
