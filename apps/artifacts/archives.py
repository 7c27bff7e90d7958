"""Single files out of tar archives that anybody may have pushed: read as a stream, within bounds.

A small archive can hold gigabytes of zeros: what is unpacked, each file that is kept and the number of entries are
limited, and nothing is written anywhere. We read the format ourselves: only ordinary files matter, and every step is
linear in the bytes, which the standard library does not promise for headers made to hurt.
"""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator

from apps.artifacts.errors import ArchiveInvalidError, ContentTooLargeError
from apps.storage.driver import ByteStream

MAX_FILE = 4 * 1024 * 1024
MAX_UNPACKED = 32 * 1024 * 1024
MAX_ENTRIES = 10_000

_BLOCK = 512
_PIECE = 64 * 1024
_LARGEST_NAME = 16 * 1024
_ORDINARY = (b"0", b"\0", b"7")


class _StreamFile(io.RawIOBase):
    """A storage stream as a file that can only be read on."""

    def __init__(self, stream: ByteStream) -> None:
        self._pieces = iter(stream)
        self._rest = b""

    def readable(self) -> bool:
        """See :class:`io.RawIOBase`."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # the stubs name a private type
        """See :class:`io.RawIOBase`."""
        if not self._rest:
            self._rest = next(self._pieces, b"")
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


class _Unpacked:
    """What is read of an archive: counts, and stops at :data:`MAX_UNPACKED` bytes."""

    def __init__(self, source: io.BufferedIOBase) -> None:
        self._source = source
        self._left = MAX_UNPACKED

    def take(self, size: int) -> bytes:
        """Exactly ``size`` bytes, or none at the very end; raises :class:`ArchiveInvalidError` in between."""
        if size > self._left:
            raise ContentTooLargeError(f"the archive has more than {MAX_UNPACKED} bytes")
        self._left -= size
        data = self._source.read(size)
        if data and len(data) < size:
            raise ArchiveInvalidError("the archive ends in the middle of a file")
        return data

    def skip(self, size: int) -> None:
        """Go on by ``size`` bytes."""
        while size > 0:
            if not (data := self.take(min(size, _PIECE))):
                raise ArchiveInvalidError("the archive ends in the middle of a file")
            size -= len(data)


def archive_files(
    stream: ByteStream, *, gzipped: bool, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, bytes]]:
    """Path and content of each ordinary file whose path is ``wanted``, in the archive's order.

    Raises :class:`ContentTooLargeError` beyond the bounds and :class:`ArchiveInvalidError` for what is no archive.
    The caller closes ``stream``.
    """
    raw = io.BufferedReader(_StreamFile(stream), _PIECE)
    source: io.BufferedIOBase = gzip.GzipFile(fileobj=raw) if gzipped else raw
    try:
        yield from _files(_Unpacked(source), wanted)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ArchiveInvalidError(f"the archive cannot be read: {error}") from error


def _files(source: _Unpacked, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    long_name = ""
    for _ in range(MAX_ENTRIES):
        header = source.take(_BLOCK)
        if not header.strip(b"\0"):
            return
        kind, size = header[156:157], _size(header)
        padding = -size % _BLOCK
        if kind in {b"L", b"x"}:
            long_name = _long_name(kind, _kept(source, size, _LARGEST_NAME)) or long_name
        elif kind in _ORDINARY and wanted(name := long_name or _name(header)):
            yield name, _kept(source, size, MAX_FILE)
            long_name = ""
        else:
            source.skip(size)
            long_name = ""
        source.skip(padding)
    raise ContentTooLargeError(f"the archive has more than {MAX_ENTRIES} entries")


def _kept(source: _Unpacked, size: int, most: int) -> bytes:
    if size > most:
        raise ContentTooLargeError(f"a file of the archive has more than {most} bytes")
    return source.take(size)


def _size(header: bytes) -> int:
    """The size of an entry, after a look at the header's sum. Larger ones than octal digits can say are refused."""
    try:
        expected = int(header[148:156].strip(b" \0") or b"0", 8)
        if expected != sum(header[:148]) + 8 * 32 + sum(header[156:]):
            raise ArchiveInvalidError("the archive is damaged, or no archive")
        return max(int(header[124:136].strip(b" \0") or b"0", 8), 0)
    except ValueError as error:
        raise ArchiveInvalidError("the archive has a header that cannot be read") from error


def _name(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:262] == b"ustar" and header[262:263] == b"\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _long_name(kind: bytes, data: bytes) -> str:
    """The name that an entry of its own gives to the one after it: GNU's, or ``path`` of a POSIX header."""
    if kind == b"L":
        return _text(data)
    while data:
        length, _, _ = data.partition(b" ")
        if len(length) > 5 or not length.isdigit() or not 0 < (end := int(length)) <= len(data):
            raise ArchiveInvalidError("the archive has a header that cannot be read")
        key, _, value = data[len(length) + 1 : end].removesuffix(b"\n").partition(b"=")
        if key == b"path":
            return _text(value)
        data = data[end:]
    return ""


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode(errors="replace")
