"""The one interface between the registry and the place where its bytes are.

A path is a relative POSIX path made by :mod:`apps.storage.layout`; drivers never parse it. Every driver
passes the conformance suite in ``tests/storage``: a new driver adds a fixture there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What :meth:`StorageDriver.stat` and :meth:`StorageDriver.walk` tell of one file.

    ``size`` is in bytes, ``modified`` is an aware UTC time.
    """

    path: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Capacity:
    """Bytes that a medium holds at most, and those that are free for us."""

    total: int
    free: int


class ByteStream(Protocol):
    """Pieces of a file, as ``bytes`` that stay valid; used by one thread, closed by whoever opened it."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __next__(self) -> bytes: ...

    def close(self) -> None:
        """Give the file or the connection back; at the end and when repeated it does nothing."""


class Writer(Protocol):
    """Appends to one upload file. Used by one thread; a second writer of the same path is refused.

    S3 has no lock to offer: there the refusal holds inside one process, and the lease on the upload's row
    has to keep two nodes apart.
    """

    @property
    def offset(self) -> int:
        """Bytes that the file holds, those written through this writer included."""

    def write(self, data: bytes | memoryview) -> None:
        """Append ``data``; raises :class:`StorageFullError` when there is no room."""

    def close(self) -> None:
        """Keep what was written, so that :meth:`StorageDriver.open_writer` can go on from there, on any node.

        Closing again does nothing; writing to a closed writer raises :class:`StorageError`.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close. What was received before an error stays, so that a client can resume."""


class StorageDriver(Protocol):
    """Bytes by path. All methods raise :class:`StorageError` (or a subclass) when the medium fails."""

    def open_writer(self, path: str, *, offset: int) -> Writer:
        """Open the upload file ``path`` to append at ``offset`` bytes.

        Offset 0 creates it. Raises :class:`OffsetMismatchError` (which tells the size it has, 0 if there is
        none) when the file does not hold exactly ``offset`` bytes, :class:`UploadBusyError` when another writer
        has it open, :class:`UploadSealedError` once :meth:`publish` (on S3 also :meth:`read_upload`) made the
        file one that must not grow.
        """

    def upload_size(self, path: str) -> int:
        """Bytes that the upload file ``path`` holds; raises :class:`FileMissingError`.

        While a writer is open, a driver may not yet count what that writer holds, the file itself included.
        """

    def read_upload(self, path: str) -> ByteStream:
        """The whole upload file in pieces (to hash it again before commit); raises :class:`FileMissingError`."""

    def publish(self, upload_path: str, path: str) -> None:
        """Make ``path`` hold the bytes of the upload, durably (file and folders synced) and atomically.

        The upload stays until :meth:`discard_upload`, so that publishing can be repeated: it is idempotent,
        and two of the same content at the same time both succeed. A file of the same size at ``path`` is taken
        for the same content and stays. Raises :class:`FileMissingError` when there is no such upload,
        :class:`UploadBusyError` while a writer has it open.
        """

    def discard_upload(self, path: str) -> None:
        """Remove an upload and all that belongs to it; a missing one is no error."""

    def walk_uploads(self) -> Iterator[FileInfo]:
        """Every unfinished upload, for the collector, and what crashes left beside them; in no order.

        :meth:`discard_upload` takes each of these paths.
        """

    def put(self, path: str, data: bytes) -> None:
        """Write a small file whole, durably and atomically."""

    def get(self, path: str) -> bytes:
        """Read a small file whole; raises :class:`FileMissingError`."""

    def read(self, path: str, *, start: int = 0, end: int | None = None) -> ByteStream:
        """Bytes ``start`` up to, not including, ``end`` in pieces of about 256 KiB; less if the file ends.

        Opens before it returns, so that :class:`FileMissingError` is raised here and not while iterating.
        """

    def stat(self, path: str) -> FileInfo:
        """Raises :class:`FileMissingError`."""

    def delete(self, path: str) -> None:
        """Remove a file; a missing one is no error."""

    def walk(self, prefix: str) -> Iterator[FileInfo]:
        """Every file below the folder ``prefix``, in no order; a missing folder has none."""

    def redirect_url(self, path: str, *, filename: str, expires_in: int) -> str | None:
        """A URL by which a client fetches ``path`` itself for ``expires_in`` seconds; None if there is none."""

    def local_path(self, path: str) -> str | None:
        """An absolute path of the local file system by which others can read ``path``; None if there is none."""

    def capacity(self) -> Capacity | None:
        """The medium as a whole; None where it has no bounds that could be told."""

    def check(self) -> None:
        """Raise :class:`StorageError` with a message for people when the medium cannot be used now."""
