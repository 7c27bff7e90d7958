"""What every driver does with files (uploads: test_conformance.py). Nothing here knows which one it is talking to."""

import random
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from apps.storage.errors import FileMissingError
from apps.storage.layout import BLOBS
from tests.storage.samples import publish, upload

MIB = 1024 * 1024
RNG = random.Random(11)


class TestFiles:
    # -- files --------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("data", [b"", b"x", RNG.randbytes(MIB)], ids=len)
    def test_put_and_get(self, medium, data):
        medium.open().put("docker/registry/v2/note", data)
        assert medium.open().get("docker/registry/v2/note") == data
        assert list(medium.open().walk_uploads()) == []

    def test_put_replaces(self, driver):
        driver.put("a/b/c", b"a longer first text")
        driver.put("a/b/c", b"second")
        assert driver.get("a/b/c") == b"second"
        assert driver.stat("a/b/c").size == 6

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            (0, None),
            (0, 10),
            (3, 7),
            (9, 10),
            (4, None),
            (0, 1),
            (5, 5),
            (7, 3),
            (8, 99),
            (10, None),
            (99, None),
            (0, 0),
        ],
    )
    def test_ranges(self, driver, start, end):
        driver.put("digits", b"0123456789")
        assert b"".join(driver.read("digits", start=start, end=end)) == b"0123456789"[start:end]

    @pytest.mark.parametrize(("start", "end"), [(0, None), (0, 5), (1, None)])
    def test_ranges_of_an_empty_file(self, driver, start, end):
        driver.put("empty", b"")
        assert b"".join(driver.read("empty", start=start, end=end)) == b""

    def test_ranges_over_many_pieces(self, driver):
        data = RNG.randbytes(MIB + 17)
        driver.put("large", data)
        for start, end in [(0, None), (1, MIB), (262_143, 262_145), (262_144, 524_288), (MIB, MIB + 17)]:
            pieces = list(driver.read("large", start=start, end=end))
            assert b"".join(pieces) == data[start:end]
            assert all(0 < len(piece) <= 262_144 for piece in pieces)

    def test_a_closed_stream_ends(self, driver):
        driver.put("large", b"x" * MIB)
        stream = driver.read("large")
        assert next(stream)
        stream.close()
        stream.close()
        assert list(stream) == []

    def test_a_stream_can_be_closed_before_it_is_read(self, driver):
        driver.put("large", b"x" * MIB)
        stream = driver.read("large")
        stream.close()
        assert list(stream) == []

    def test_a_missing_file(self, driver):
        for call in (driver.get, driver.stat, driver.read, driver.read_upload, driver.upload_size):
            with pytest.raises(FileMissingError):
                call("no/such/file")
        for start, end in [(5, None), (0, 0), (5, 6)]:
            with pytest.raises(FileMissingError):
                driver.read("no/such/file", start=start, end=end)

    def test_a_folder_is_no_file(self, driver):
        driver.put("folder/file", b"x")
        with pytest.raises(FileMissingError):
            driver.stat("folder")

    def test_stat(self, driver):
        driver.put("docker/file", b"abc")
        info = driver.stat("docker/file")
        assert (info.path, info.size) == ("docker/file", 3)
        assert abs(info.modified - datetime.now(UTC)) < timedelta(hours=1)

    def test_delete_can_be_repeated(self, driver):
        driver.put("a/b/c", b"x")
        driver.delete("a/b/c")
        driver.delete("a/b/c")
        with pytest.raises(FileMissingError):
            driver.stat("a/b/c")

    def test_delete_leaves_neighbours(self, driver):
        driver.put("a/b/c", b"x")
        driver.put("a/b/d", b"y")
        driver.delete("a/b/c")
        assert driver.get("a/b/d") == b"y"

    def test_walk(self, driver):
        assert list(driver.walk(BLOBS)) == []
        paths = {publish(driver, bytes([number]) * number): number for number in range(25)}
        driver.put("docker/registry/v2/blobs-of-another-kind/data", b"not below")
        upload(driver, b"nor this")
        assert {info.path: info.size for info in driver.walk(BLOBS)} == paths

    # -- other ways to the bytes --------------------------------------------------------------------------

    def test_redirect_url(self, medium, driver):
        data = b"0123456789" * 100
        path = publish(driver, data)
        url = driver.redirect_url(path, filename='a "name".tar', expires_in=60)
        if not medium.redirects:
            assert url is None
            return
        whole = httpx.get(url)
        assert (whole.status_code, whole.content) == (200, data)
        assert whole.headers["content-disposition"] == "attachment; filename*=UTF-8''a%20%22name%22.tar"
        part = httpx.get(url, headers={"Range": "bytes=5-9"})
        assert (part.status_code, part.content) == (206, b"56789")

    def test_local_path(self, medium, driver):
        path = publish(driver, b"abc")
        local = driver.local_path(path)
        if not medium.local:
            assert local is None
            return
        with open(local, "rb") as file:
            assert file.read() == b"abc"

    def test_capacity(self, medium, driver):
        found = driver.capacity()
        if not medium.local:
            assert found is None
            return
        assert 0 < found.free <= found.total

    def test_check(self, driver):
        driver.check()
