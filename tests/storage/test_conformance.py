"""What every driver does with uploads (files: test_conformance_files.py). Nothing here knows which one it is talking to."""

import hashlib
import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from apps.storage.errors import (
    FileMissingError,
    OffsetMismatchError,
    StorageError,
    UploadBusyError,
    UploadSealedError,
)
from apps.storage.layout import BLOBS, upload_path
from tests.storage.samples import new_upload, path_of, publish, upload

MIB = 1024 * 1024
RNG = random.Random(7)
ODD_CHUNKS = (1, 65_537, 3 * MIB + 1, 999_983, 5 * MIB, 6 * MIB - 3)


def chunks_of(data: bytes) -> list[bytes]:
    chunks, start = [], 0
    while start < len(data):
        size = RNG.choice(ODD_CHUNKS)
        chunks.append(data[start : start + size])
        start += size
    return chunks


class TestUploads:
    # -- writers ------------------------------------------------------------------------------------------

    def test_offset_counts_what_was_written(self, driver):
        with driver.open_writer(new_upload(), offset=0) as writer:
            assert writer.offset == 0
            writer.write(b"abc")
            writer.write(memoryview(b"defg")[1:])
            writer.write(b"")
            assert writer.offset == 6

    def test_what_a_writer_wrote_is_there_after_close(self, driver):
        path = upload(driver, b"abcdef")
        assert driver.upload_size(path) == 6
        assert b"".join(driver.read_upload(path)) == b"abcdef"

    def test_an_upload_without_bytes_exists(self, driver):
        path = upload(driver, b"")
        assert driver.upload_size(path) == 0
        assert b"".join(driver.read_upload(path)) == b""

    @pytest.mark.parametrize("size", [0, 5, MIB])
    def test_another_node_goes_on(self, medium, size):
        path = upload(medium.open(), b"x" * size)
        with medium.open().open_writer(path, offset=size) as writer:
            assert writer.offset == size
            writer.write(b"more")
            assert writer.offset == size + 4
        driver = medium.open()
        assert driver.upload_size(path) == size + 4
        assert b"".join(driver.read_upload(path)) == b"x" * size + b"more"

    @pytest.mark.parametrize("offset", [0, 4, 6, 2**40])
    def test_a_wrong_offset_is_refused_and_the_size_told(self, driver, offset):
        path = upload(driver, b"abcde")
        with pytest.raises(OffsetMismatchError) as caught:
            driver.open_writer(path, offset=offset)
        assert caught.value.size == 5
        assert b"".join(driver.read_upload(path)) == b"abcde"

    def test_a_refused_offset_does_not_lock_the_upload(self, driver):
        path = upload(driver, b"abcde")
        with pytest.raises(OffsetMismatchError):
            driver.open_writer(path, offset=1)
        driver.open_writer(path, offset=5).close()

    def test_an_upload_that_is_missing_has_size_0(self, driver):
        path = new_upload()
        with pytest.raises(OffsetMismatchError) as caught:
            driver.open_writer(path, offset=1)
        assert caught.value.size == 0
        with pytest.raises(FileMissingError):
            driver.upload_size(path)
        assert list(driver.walk_uploads()) == []

    def test_a_second_writer_is_refused(self, driver):
        path = new_upload()
        with driver.open_writer(path, offset=0) as writer:
            writer.write(b"abc")
            with pytest.raises(UploadBusyError):
                driver.open_writer(path, offset=0)
            writer.write(b"def")
        driver.open_writer(path, offset=6).close()

    def test_a_writer_of_another_node_is_refused(self, medium):
        if not medium.locks_across_nodes:
            pytest.skip(f"{medium.name} has no locks: the lease on the upload's row keeps nodes apart")
        path = new_upload()
        with medium.open().open_writer(path, offset=0), pytest.raises(UploadBusyError):
            medium.open().open_writer(path, offset=0)

    def test_uploads_of_the_same_id_in_other_repositories_are_others(self, driver):
        upload_id = str(uuid.uuid4())
        path = upload(driver, b"secret", upload_path("library/alpine", upload_id))
        with pytest.raises(FileMissingError):
            driver.upload_size(upload_path("library/debian", upload_id))
        assert driver.upload_size(path) == 6

    def test_an_error_keeps_what_was_received(self, driver):
        path = new_upload()
        with suppress(ConnectionResetError), driver.open_writer(path, offset=0) as writer:
            writer.write(b"received")
            raise ConnectionResetError
        with driver.open_writer(path, offset=8) as writer:
            writer.write(b" and more")
        assert b"".join(driver.read_upload(path)) == b"received and more"

    def test_a_closed_writer_writes_no_more(self, driver):
        path = new_upload()
        writer = driver.open_writer(path, offset=0)
        writer.write(b"abc")
        writer.close()
        writer.close()
        with pytest.raises(StorageError):
            writer.write(b"d")
        assert driver.upload_size(path) == 3

    def test_a_late_close_does_not_free_the_next_writer(self, driver):
        path = new_upload()
        first = driver.open_writer(path, offset=0)
        first.close()
        second = driver.open_writer(path, offset=0)
        first.close()
        with pytest.raises(UploadBusyError):
            driver.open_writer(path, offset=0)
        second.close()

    # -- large uploads ------------------------------------------------------------------------------------

    def test_20_mib_in_odd_chunks_through_one_writer(self, driver):
        data, path = RNG.randbytes(20 * MIB + 13), new_upload()
        with driver.open_writer(path, offset=0) as writer:
            for chunk in chunks_of(data):
                writer.write(chunk)
            assert writer.offset == len(data)
        assert driver.upload_size(path) == len(data)
        driver.publish(path, path_of(data))
        assert hashlib.sha256(driver.get(path_of(data))).digest() == hashlib.sha256(data).digest()

    def test_20_mib_in_odd_chunks_through_a_writer_and_a_node_each(self, medium):
        data, path, offset = RNG.randbytes(20 * MIB + 13), new_upload(), 0
        for chunk in chunks_of(data):
            with medium.open().open_writer(path, offset=offset) as writer:
                writer.write(chunk)
                offset = writer.offset
            assert medium.open().upload_size(path) == offset
        driver = medium.open()
        again = hashlib.sha256()
        for piece in driver.read_upload(path):
            again.update(piece)
        assert again.digest() == hashlib.sha256(data).digest()
        driver.publish(path, path_of(data))
        assert driver.stat(path_of(data)).size == len(data)
        driver.discard_upload(path)
        assert list(driver.walk_uploads()) == []

    # -- publish and discard ------------------------------------------------------------------------------

    @pytest.mark.parametrize("size", [0, 1, 9 * MIB])
    def test_publish_and_discard(self, driver, size):
        data = RNG.randbytes(size)
        path = publish(driver, data)
        assert driver.get(path) == data
        assert driver.stat(path).size == size
        assert list(driver.walk_uploads()) == []

    @pytest.mark.parametrize("size", [3, 9 * MIB])
    def test_publish_again_on_another_node(self, medium, size):
        data = RNG.randbytes(size)
        path = upload(medium.open(), data)
        medium.open().publish(path, path_of(data))
        medium.open().publish(path, path_of(data))
        assert medium.open().get(path_of(data)) == data
        assert medium.open().upload_size(path) == size

    def test_publish_again_after_the_file_was_deleted(self, driver):
        path, target = upload(driver, b"abc"), path_of(b"abc")
        driver.publish(path, target)
        driver.delete(target)
        driver.publish(path, target)
        assert driver.get(target) == b"abc"

    def test_publish_over_the_same_content(self, driver):
        publish(driver, b"same")
        assert driver.get(publish(driver, b"same")) == b"same"
        assert [info.size for info in driver.walk(BLOBS)] == [4]

    def test_publish_over_a_damaged_file_mends_it(self, driver):
        driver.put(path_of(b"whole"), b"who")
        publish(driver, b"whole")
        assert driver.get(path_of(b"whole")) == b"whole"
        assert list(driver.walk_uploads()) == []

    def test_publish_of_a_missing_upload(self, driver):
        with pytest.raises(FileMissingError):
            driver.publish(new_upload(), path_of(b""))
        with pytest.raises(FileMissingError):
            driver.stat(path_of(b""))

    def test_publish_while_a_writer_is_open(self, driver):
        path = new_upload()
        with driver.open_writer(path, offset=0) as writer:
            writer.write(b"ab")
            with pytest.raises(UploadBusyError):
                driver.publish(path, path_of(b"ab"))
        driver.publish(path, path_of(b"ab"))

    @pytest.mark.parametrize("size", [2, 9 * MIB])
    def test_what_was_published_does_not_grow(self, driver, size):
        data = RNG.randbytes(size)
        path = upload(driver, data)
        driver.publish(path, path_of(data))
        # A driver may refuse; one that does not has made a copy.
        with suppress(UploadSealedError), driver.open_writer(path, offset=size) as writer:
            writer.write(b"more")
        assert driver.get(path_of(data)) == data

    @pytest.mark.parametrize("size", [100, 6 * MIB])
    def test_many_publish_the_same_content_at_the_same_time(self, medium, size):
        data = RNG.randbytes(size)
        drivers = [medium.open() for _ in range(4)]
        paths = [upload(driver, data) for driver in drivers]
        start = threading.Barrier(4)

        def run(driver, path):
            start.wait()
            driver.publish(path, path_of(data))
            return hashlib.sha256(driver.get(path_of(data))).digest()

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(run, drivers, paths)) == {hashlib.sha256(data).digest()}
        for path in paths:
            medium.open().discard_upload(path)
        assert list(medium.open().walk_uploads()) == []

    @pytest.mark.parametrize("size", [100, 6 * MIB])
    def test_many_publish_the_same_upload_at_the_same_time(self, medium, size):
        data = RNG.randbytes(size)
        path = upload(medium.open(), data)
        start = threading.Barrier(4)

        def run(driver):
            start.wait()
            driver.publish(path, path_of(data))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(run, [medium.open() for _ in range(4)]))
        assert medium.open().get(path_of(data)) == data

    def test_publish_beside_deletes_of_the_same_file(self, medium):
        writer, deleter, stop = medium.open(), medium.open(), threading.Event()
        target = path_of(b"coming and going")

        def delete():
            while not stop.is_set():
                deleter.delete(target)

        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(delete)
            try:
                for _ in range(20):
                    publish(writer, b"coming and going")
            finally:
                stop.set()
            done.result()
        publish(writer, b"coming and going")
        assert writer.get(target) == b"coming and going"

    @pytest.mark.parametrize("size", [0, 3, 11 * MIB])
    def test_discard_leaves_nothing_and_can_be_repeated(self, medium, size):
        path = upload(medium.open(), b"x" * size)
        driver = medium.open()
        driver.discard_upload(path)
        driver.discard_upload(path)
        assert list(driver.walk_uploads()) == []
        with pytest.raises(FileMissingError):
            driver.upload_size(path)
        with pytest.raises(FileMissingError):
            driver.read_upload(path)
        assert b"".join(driver.read_upload(upload(driver, b"anew", path))) == b"anew"

    def test_discard_keeps_what_was_published(self, driver):
        path = publish(driver, b"kept")
        assert driver.get(path) == b"kept"

    def test_walk_uploads(self, driver):
        sizes = {upload(driver, b"x" * size, new_upload(f"p/r{size}")): size for size in (0, 3, 9 * MIB)}
        found = {info.path: info for info in driver.walk_uploads()}
        assert {path: info.size for path, info in found.items()} == sizes
        for info in found.values():
            assert abs(info.modified - datetime.now(UTC)) < timedelta(hours=1)
