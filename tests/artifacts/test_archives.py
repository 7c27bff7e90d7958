"""Files out of archives, good ones and those made to hurt."""

import gzip
import io
import tarfile
from collections.abc import Iterator

import pytest

from apps.artifacts.archives import MAX_ENTRIES, MAX_FILE, MAX_UNPACKED, archive_files
from apps.artifacts.errors import ArchiveInvalidError, ContentTooLargeError
from tests.support.images import tar_of


class Stream:
    """The bytes in pieces, as storage gives them."""

    def __init__(self, data: bytes, size: int = 1000) -> None:
        self._pieces: Iterator[bytes] = iter([data[at : at + size] for at in range(0, len(data), size)])

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        pass


def read(data: bytes, *, gzipped: bool = False) -> dict[str, bytes]:
    return dict(archive_files(Stream(data), gzipped=gzipped, wanted=lambda path: not path.endswith("-not")))


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_ordinary_files_come_out_whole(form: int, gzipped: bool) -> None:
    long = "deep/" * 25 + "über.txt" if form != tarfile.USTAR_FORMAT else f"{'d' * 99}/{'e' * 50}/file"
    files = {"a": b"1" * 513, long: b"two", "empty": b"", "skipped-not": b"x" * 2000, "z": b"3" * 512}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    data = buffer.getvalue()
    found = read(gzip.compress(data) if gzipped else data, gzipped=gzipped)
    assert found == {name: data for name, data in files.items() if name != "skipped-not"}


@pytest.mark.parametrize(
    "size", [MAX_FILE + 1, MAX_UNPACKED + 1], ids=["one file is too large", "everything is too large"]
)
@pytest.mark.parametrize("name", ["bomb", "bomb-not"])
def test_a_bomb_is_not_unpacked(size: int, name: str) -> None:
    small = gzip.compress(tar_of({name: bytes(size), "after": b"1"}), 9)
    assert len(small) < 64 * 1024
    if name == "bomb-not" and size < MAX_UNPACKED:
        assert read(small, gzipped=True) == {"after": b"1"}
        return
    with pytest.raises(ContentTooLargeError):
        read(small, gzipped=True)


def test_a_crowd_of_entries_is_refused() -> None:
    with pytest.raises(ContentTooLargeError, match="entries"):
        read(tar_of({f"{number}-not": b"" for number in range(MAX_ENTRIES + 1)}))


def _header(**changes: str) -> bytes:
    entry = tarfile.TarInfo("x")
    entry.pax_headers = changes
    return entry.tobuf(tarfile.PAX_FORMAT)


def _pax(body: bytes) -> bytes:
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = tarfile.XHDTYPE, len(body)
    return entry.tobuf(tarfile.USTAR_FORMAT) + body + bytes(-len(body) % 512)


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 600,
        b"x" * 512,
        tar_of({"a": b"1" * 600})[:1000],
        tar_of({"a": b"1" * 600})[:1030],
        _pax(b"0 path=a\n") + _header(),
        _pax(b"99999 path=a\n") + _header(),
        _pax(b"9" * 10_000) + _header(),
        _pax(b"-5 path=a\n") + _header(),
    ],
)
def test_what_is_no_archive(data: bytes) -> None:
    with pytest.raises(ArchiveInvalidError):
        read(data)


@pytest.mark.parametrize("data", [b"plain", gzip.compress(tar_of({"a": b"1" * 3000}))[:-40]])
def test_what_is_no_gzip(data: bytes) -> None:
    with pytest.raises(ArchiveInvalidError):
        read(data, gzipped=True)


def test_nothing_at_all() -> None:
    assert read(b"") == {}
