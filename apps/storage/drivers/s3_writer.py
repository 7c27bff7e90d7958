"""The writer of the S3 driver."""

import errno
from collections.abc import Callable
from types import TracebackType
from typing import Self

from apps.storage.drivers.s3_parts import PartBuffer
from apps.storage.drivers.s3_uploads import S3Uploads, UploadState
from apps.storage.errors import StorageError, StorageFullError, UploadBusyError


class S3Writer:
    """See :class:`apps.storage.driver.Writer`. Holds one part at most; each full part is sent at once."""

    def __init__(
        self, uploads: S3Uploads, path: str, state: UploadState, *, memory: int, released: Callable[[], None]
    ) -> None:
        """Load the tail of ``state``; ``released`` is called once, when the writer closes."""
        self._uploads = uploads
        self._path = path
        self._state = state
        self._released = released
        self._buffer = PartBuffer(memory)
        self._open = True
        self._changed = not state.keys
        uploads.fill(path, state, self._buffer)
        self._parts_size = state.parts_size

    @property
    def offset(self) -> int:
        return self._parts_size + len(self._buffer)

    def write(self, data: bytes | memoryview) -> None:
        if not self._open:
            raise StorageError(f"{self._path}: the writer is closed")
        rest = memoryview(data)
        while rest:
            target = self._uploads.target(len(self._state.parts) + 1)
            # No room is left when an earlier write could not send the part: it is tried again.
            room = max(0, target - len(self._buffer))
            try:
                self._buffer.append(rest[:room])
            except OSError as error:
                kind = StorageFullError if error.errno == errno.ENOSPC else StorageError
                raise kind(f"{self._path}: the temporary file of a part: {error.strerror}") from error
            self._changed = True
            rest = rest[room:]
            if len(self._buffer) >= target:
                self._send_part()

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        try:
            if self._changed:
                self._keep()
        finally:
            self._buffer.clear()
            self._released()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send_part(self) -> None:
        size = len(self._buffer)
        self._uploads.add_part(self._path, self._state, self._buffer)
        self._parts_size += size

    def _keep(self) -> None:
        state = self._state
        if len(self._buffer) >= self._uploads.enough(len(state.parts) + 1):
            self._send_part()
        kept = None
        if len(self._buffer) or not state.parts:
            self._uploads.put_tail(self._path, state, self._buffer)
            kept = self._uploads.tail_key(self._path, state.parts_size)
        for key in state.keys:
            if key != kept and key.rpartition("/")[2].startswith("tail-"):
                self._uploads.drop(self._path, key)
        if state.multipart_id and self._uploads.stored_parts(self._path, state.multipart_id) != state.parts:
            raise UploadBusyError(f"{self._path}: another node wrote to it at the same time")
