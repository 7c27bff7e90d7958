"""SIGKILL at any point: what was published is whole, what was appended can be gone on with."""

import hashlib
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from apps.storage.drivers.filesystem import FilesystemDriver
from apps.storage.errors import UploadBusyError
from apps.storage.layout import BLOBS, UPLOADS
from tests.storage.samples import new_upload, path_of

ROOT = Path(__file__).parents[2]
KILLS = 12


@pytest.fixture
def driver(tmp_path: Path) -> FilesystemDriver:
    return FilesystemDriver(str(tmp_path / "storage"))


PUBLISHER = """
    import hashlib, os, sys, uuid
    from apps.storage.drivers.filesystem import FilesystemDriver
    from apps.storage.layout import BLOBS, upload_path
    driver = FilesystemDriver(sys.argv[1])
    print("ready", flush=True)
    while True:
        data = os.urandom(int.from_bytes(os.urandom(2), "big") * 4)
        digest = hashlib.sha256(data).hexdigest()
        source = upload_path("p/r", str(uuid.uuid4()))
        with driver.open_writer(source, offset=0) as writer:
            for start in range(0, len(data), 10_000):
                writer.write(data[start:start + 10_000])
        path = f"{BLOBS}/sha256/{digest[:2]}/{digest}/data"
        driver.publish(source, path)
        print(path, flush=True)
        driver.discard_upload(source)
        driver.put("note", data)
"""

APPENDER = """
    import os, sys
    from apps.storage.drivers.filesystem import FilesystemDriver
    driver = FilesystemDriver(sys.argv[1])
    with driver.open_writer(sys.argv[2], offset=int(sys.argv[3])) as writer:
        print("ready", flush=True)
        while True:
            position = writer.offset
            writer.write(bytes((position + n) % 251 for n in range(9_973)))
            print(writer.offset, flush=True)
"""


def killed_after(program: str, lines: int, *arguments: str) -> list[str]:
    """Run ``program``, kill it when it has printed ``ready`` and so many more lines; what it printed in all."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        printed = [process.stdout.readline().strip() for _ in range(lines + 1)]
        process.send_signal(signal.SIGKILL)
        printed += [line.strip() for line in process.stdout if line.endswith("\n")]
    assert process.returncode == -signal.SIGKILL
    assert printed[0] == "ready"
    return printed[1:]


def test_sigkill_while_publishing_leaves_only_whole_files(driver, tmp_path):
    published = []
    rng = random.Random(3)
    for _ in range(KILLS):
        published += killed_after(PUBLISHER, rng.randrange(12), str(tmp_path / "storage"))
    there = {info.path for info in driver.walk(BLOBS)}
    assert published
    assert set(published) <= there
    for path in there:
        assert hashlib.sha256(driver.get(path)).hexdigest() == path.split("/")[-2]
    for info in list(driver.walk_uploads()):
        driver.discard_upload(info.path)
    assert list(driver.walk_uploads()) == []
    assert {path.name for path in (tmp_path / "storage" / UPLOADS).rglob("*") if path.is_file()} == set()


def test_an_upload_goes_on_after_sigkill(driver, tmp_path):
    path, size = new_upload(), 0
    for lines in (1, 5, 2, 9):
        told = killed_after(APPENDER, lines, str(tmp_path / "storage"), path, str(size))
        size = driver.upload_size(path)
        assert size >= int(told[-1])
        assert b"".join(driver.read_upload(path)) == bytes(n % 251 for n in range(size))


def test_a_process_that_was_killed_holds_no_lock(driver, tmp_path):
    path = new_upload()
    killed_after(APPENDER, 0, str(tmp_path / "storage"), path, "0")
    driver.open_writer(path, offset=driver.upload_size(path)).close()


def test_a_writer_in_another_process_is_seen(driver, tmp_path):
    path = new_upload()
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(APPENDER), str(tmp_path / "storage"), path, "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(UploadBusyError):
            driver.open_writer(path, offset=0)
        with pytest.raises(UploadBusyError):
            driver.publish(path, path_of(b""))
        process.kill()
        process.stdout.read()
