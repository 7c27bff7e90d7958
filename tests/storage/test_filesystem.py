"""What only the filesystem driver can get wrong: crashes, full disks, modes, descriptors, syncs."""

import errno
import fcntl
import os
import stat
import subprocess
from pathlib import Path

import pytest

from apps.storage.drivers.filesystem import FilesystemDriver
from apps.storage.errors import (
    FileMissingError,
    OffsetMismatchError,
    StorageError,
    StorageFullError,
    UploadBusyError,
    UploadSealedError,
)
from apps.storage.layout import BLOBS, UPLOADS
from tests.storage.samples import new_upload, path_of, upload


@pytest.fixture
def driver(tmp_path: Path) -> FilesystemDriver:
    return FilesystemDriver(str(tmp_path / "storage"))


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 1 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"mounting a small tmpfs is not allowed here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_temporary_file_of_a_crash_is_walked_and_discarded(driver, monkeypatch):
    def crash(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(FilesystemDriver, "_replace", crash)
    monkeypatch.setattr(FilesystemDriver, "discard_upload", lambda *_args: None)
    with pytest.raises(KeyboardInterrupt):
        driver.put("note", b"half")
    monkeypatch.undo()
    (left,) = driver.walk_uploads()
    assert left.size == 4
    driver.discard_upload(left.path)
    assert list(driver.walk_uploads()) == []
    with pytest.raises(FileMissingError):
        driver.stat("note")


# -- full disks ---------------------------------------------------------------------------------------------


def test_a_full_disk_while_writing(small_disk):
    driver, path = FilesystemDriver(str(small_disk)), new_upload()
    piece = b"x" * 300_000
    writer = driver.open_writer(path, offset=0)
    for _ in range(3):
        writer.write(piece)
    with pytest.raises(StorageFullError):
        writer.write(piece)
    size = writer.offset
    writer.close()
    assert driver.upload_size(path) == size
    assert b"".join(driver.read_upload(path)) == b"x" * size
    with pytest.raises(StorageFullError):
        driver.check()
    with pytest.raises(StorageFullError):
        driver.put("note", b"y" * 10_000)
    with pytest.raises(FileMissingError):
        driver.stat("note")
    driver.discard_upload(path)
    assert list(driver.walk_uploads()) == []
    driver.check()
    driver.put("note", b"y" * 10_000)


def test_a_full_disk_while_copying_leaves_nothing(small_disk, monkeypatch):
    driver = FilesystemDriver(str(small_disk))
    path = upload(driver, b"x" * 700_000)
    monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(StorageFullError):
        driver.publish(path, path_of(b"x" * 700_000))
    assert list(driver.walk(BLOBS)) == []
    assert [info.path for info in driver.walk_uploads()] == [path]


# -- links, modes, descriptors ------------------------------------------------------------------------------


def no_links(_source, target):
    raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), target)


def test_publish_needs_no_second_copy_of_the_bytes(driver):
    path = upload(driver, b"abc")
    driver.publish(path, path_of(b"abc"))
    assert os.path.samefile(driver.local_path(path), driver.local_path(path_of(b"abc")))
    with pytest.raises(UploadSealedError):
        driver.open_writer(path, offset=3)


def test_publish_where_there_are_no_links(driver, monkeypatch):
    monkeypatch.setattr(os, "link", no_links)
    data = os.urandom(3_000_001)
    path = upload(driver, data)
    driver.publish(path, path_of(data))
    assert driver.get(path_of(data)) == data
    driver.discard_upload(path)
    assert driver.get(path_of(data)) == data
    assert list(driver.walk_uploads()) == []


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_modes_do_not_depend_on_the_umask(driver, tmp_path, umask):
    before = os.umask(umask)
    try:
        path = upload(driver, b"abc")
        driver.publish(path, path_of(b"abc"))
        driver.put("folder/note", b"x")
    finally:
        os.umask(before)
    found = [tmp_path / "storage", *(tmp_path / "storage").rglob("*")]
    modes = {(entry.is_dir(), oct(stat.S_IMODE(entry.stat().st_mode))) for entry in found}
    assert modes == {(True, "0o750"), (False, "0o640")}


def test_descriptors_are_given_back(driver):
    path = upload(driver, b"x" * 600_000)
    before = open_descriptors()
    with pytest.raises(OffsetMismatchError):
        driver.open_writer(path, offset=1)
    with driver.open_writer(path, offset=600_000), pytest.raises(UploadBusyError):
        driver.open_writer(path, offset=600_000)
    driver.publish(path, path_of(b"x" * 600_000))
    with pytest.raises(UploadSealedError):
        driver.open_writer(path, offset=600_000)
    assert len(b"".join(driver.read(path))) == 600_000
    assert len(b"".join(driver.read(path, start=5, end=300_000))) == 299_995
    driver.read(path).close()
    unfinished = driver.read(path)
    next(unfinished)
    del unfinished
    assert open_descriptors() == before


def test_an_upload_discarded_under_its_writer_comes_to_nothing(driver):
    path = new_upload()
    with driver.open_writer(path, offset=0) as writer:
        writer.write(b"abc")
        driver.discard_upload(path)
        writer.write(b"def")
    with pytest.raises(FileMissingError):
        driver.publish(path, path_of(b"abcdef"))
    driver.open_writer(path, offset=0).close()
    assert driver.upload_size(path) == 0


def test_an_upload_discarded_between_open_and_lock_is_made_again(driver, monkeypatch):
    path, flock = upload(driver, b""), fcntl.flock

    def discard_first(descriptor, operation):
        monkeypatch.undo()
        driver.discard_upload(path)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", discard_first)
    with driver.open_writer(path, offset=0) as writer:
        writer.write(b"anew")
    assert b"".join(driver.read_upload(path)) == b"anew"


def test_an_upload_discarded_between_open_and_lock_is_not_gone_on_with(driver, monkeypatch):
    path, flock = upload(driver, b"abc"), fcntl.flock

    def discard_first(descriptor, operation):
        monkeypatch.undo()
        driver.discard_upload(path)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", discard_first)
    with pytest.raises(OffsetMismatchError) as caught:
        driver.open_writer(path, offset=3)
    assert caught.value.size == 0
    assert list(driver.walk_uploads()) == []


def test_a_deleted_blob_leaves_no_folder(driver, tmp_path):
    driver.publish(upload(driver, b"abc"), path_of(b"abc"))
    driver.delete(path_of(b"abc"))
    assert [path for path in (tmp_path / "storage" / BLOBS).rglob("*") if len(path.name) == 64] == []


# -- what is synced -----------------------------------------------------------------------------------------


@pytest.fixture
def synced(monkeypatch) -> list[str]:
    """The paths that were synced, in order."""
    paths: list[str] = []
    fsync = os.fsync

    def record(descriptor):
        paths.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    return paths


def test_publish_syncs_the_file_then_every_new_folder(driver, tmp_path, synced):
    path = upload(driver, b"abc")
    synced.clear()
    driver.publish(path, path_of(b"abc"))
    root, target = str(tmp_path / "storage"), Path(path_of(b"abc"))
    assert synced[0] == f"{root}/{path}"
    folders = [f"{root}/{folder}".removesuffix("/.") for folder in target.parents]
    assert synced[1:] == [*folders, str(tmp_path)]


def test_later_publishes_sync_one_file_and_two_folders(driver, synced):
    first, second = pair_of_one_folder()
    driver.publish(upload(driver, first), path_of(first))
    path = upload(driver, second)
    synced.clear()
    driver.publish(path, path_of(second))
    folder = os.path.dirname(driver.local_path(path_of(second)))
    assert synced == [driver.local_path(path), folder, os.path.dirname(folder)]


def test_a_folder_that_another_process_made_is_synced_all_the_same(tmp_path, synced):
    first, second = pair_of_one_folder()
    here, there = (FilesystemDriver(str(tmp_path / "storage")) for _ in range(2))
    there.publish(upload(there, first), path_of(first))
    path = upload(here, second)
    synced.clear()
    here.publish(path, path_of(second))
    assert str(tmp_path / "storage" / BLOBS / "sha256") in synced


def test_a_folder_that_was_removed_and_made_again_is_synced_again(driver, tmp_path, synced):
    driver.publish(upload(driver, b"abc"), path_of(b"abc"))
    driver.delete(path_of(b"abc"))
    os.rmdir(tmp_path / "storage" / BLOBS / "sha256" / path_of(b"abc").split("/")[-3])
    path = upload(driver, b"abc")
    synced.clear()
    driver.publish(path, path_of(b"abc"))
    assert str(tmp_path / "storage" / BLOBS / "sha256") in synced


def pair_of_one_folder() -> tuple[bytes, bytes]:
    """Two contents whose digests begin with the same byte."""
    seen: dict[str, bytes] = {}
    for number in range(1000):
        data = str(number).encode()
        key = path_of(data).split("/")[-3]
        if key in seen:
            return seen[key], data
        seen[key] = data
    raise AssertionError


# -- media that fail ----------------------------------------------------------------------------------------


def test_a_root_that_is_a_file(tmp_path):
    (tmp_path / "storage").write_bytes(b"")
    driver = FilesystemDriver(str(tmp_path / "storage"))
    for call in (driver.check, lambda: driver.put("a/b", b""), lambda: driver.open_writer("a/b", offset=0)):
        with pytest.raises(StorageError):
            call()


def test_an_error_of_the_disk_is_a_storage_error(driver, monkeypatch):
    def broken(*_args):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    path = upload(driver, b"abc")
    for name, call in [
        ("fsync", lambda: driver.publish(path, path_of(b"abc"))),
        ("link", lambda: driver.publish(path, path_of(b"abc"))),
        ("pread", lambda: driver.get(path)),
        ("write", lambda: driver.put("note", b"x")),
        ("unlink", lambda: driver.delete(path)),
        ("stat", lambda: driver.stat(path)),
        ("scandir", lambda: list(driver.walk(UPLOADS))),
        ("statvfs", driver.check),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(os, name, broken)
            with pytest.raises(StorageError, match="Input/output error"):
                call()
    assert driver.get(path) == b"abc"
