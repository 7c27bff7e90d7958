"""The part of a multipart upload that is being filled, and how large parts are."""

import tempfile
from typing import IO, cast

MIB = 1024 * 1024
MIN_PART = 5 * MIB
MAX_PARTS = 10_000


def part_size(number: int, first: int) -> int:
    """Bytes that part ``number`` (from 1) is to have: ``first``, twice as many after each thousand parts.

    With 8 MiB first, all parts together are 7.8 TiB, more than S3 takes as one object, and no part is above S3's
    5 GiB. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
    """
    return first << ((number - 1) // 1000)


class PartBuffer:
    """Bytes that wait to become a part: in memory up to ``memory`` bytes, beyond that in a nameless file."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._bytes = bytearray()
        self._file: IO[bytes] | None = None
        self._file_size = 0

    def __len__(self) -> int:
        return self._file_size if self._file else len(self._bytes)

    def append(self, data: bytes | memoryview) -> None:
        """Add ``data``; raises :class:`OSError` when the temporary file has no room."""
        if self._file is None and len(self._bytes) + len(data) > self._memory:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by clear()
            self._file_size = self._file.write(self._bytes)
            self._bytes = bytearray()
        if self._file is None:
            self._bytes += data
        else:
            self._file.seek(self._file_size)
            self._file_size += self._file.write(data)

    def body(self) -> bytes | IO[bytes]:
        """What to send; valid until the next change."""
        if self._file is None:
            # boto3 sends a bytearray as it is; the stubs do not know, and a copy would double the memory.
            return cast("bytes", self._bytes)
        self._file.seek(0)
        return self._file

    def clear(self) -> None:
        """Forget all bytes."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._file_size = 0
        self._bytes = bytearray()
