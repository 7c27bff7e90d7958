"""Files in the memory of this process: for tests and for trying things."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from types import TracebackType
from typing import Self

from apps.storage.driver import ByteStream, Capacity, FileInfo, StorageDriver, Writer
from apps.storage.errors import (
    FileMissingError,
    OffsetMismatchError,
    StorageError,
    StorageUrlError,
    UploadBusyError,
    UploadSealedError,
)
from apps.storage.storage_url import StorageUrl

PIECE = 256 * 1024


@dataclass(slots=True)
class _File:
    data: bytes
    modified: datetime


@dataclass(slots=True)
class _Upload:
    modified: datetime
    data: bytearray = field(default_factory=bytearray)
    busy: bool = False
    sealed: bool = False


@dataclass(slots=True)
class MemoryStore:
    """The files of one name; ``lock`` is held for every look at the other two."""

    lock: Lock = field(default_factory=Lock)
    files: dict[str, _File] = field(default_factory=dict)
    uploads: dict[str, _Upload] = field(default_factory=dict)


_stores: dict[str, MemoryStore] = {}
_stores_lock = Lock()


def memory_from_url(url: StorageUrl) -> StorageDriver:
    """The driver of ``memory://name``. Raises :class:`StorageUrlError`."""
    url.check_options(())
    if not url.host or url.path:
        raise StorageUrlError("a memory:// storage URL is memory://name")
    with _stores_lock:
        return MemoryDriver(_stores.setdefault(url.host, MemoryStore()))


class MemoryWriter:
    """See :class:`apps.storage.driver.Writer`."""

    def __init__(self, store: MemoryStore, upload: _Upload) -> None:
        self._store = store
        self._upload = upload
        self._open = True

    @property
    def offset(self) -> int:
        return len(self._upload.data)

    def write(self, data: bytes | memoryview) -> None:
        if not self._open:
            raise StorageError("the writer is closed")
        with self._store.lock:
            self._upload.data += data
            self._upload.modified = datetime.now(UTC)

    def close(self) -> None:
        with self._store.lock:
            if self._open:
                self._open = self._upload.busy = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class MemoryDriver:
    """See :class:`apps.storage.driver.StorageDriver`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def open_writer(self, path: str, *, offset: int) -> Writer:
        with self._store.lock:
            upload = self._store.uploads.get(path)
            if upload is None:
                upload = _Upload(modified=datetime.now(UTC))
                if offset == 0:
                    self._store.uploads[path] = upload
            if upload.busy:
                raise UploadBusyError(path)
            if upload.sealed:
                raise UploadSealedError(path)
            if offset != len(upload.data):
                raise OffsetMismatchError(size=len(upload.data))
            upload.busy = True
            return MemoryWriter(self._store, upload)

    def upload_size(self, path: str) -> int:
        with self._store.lock:
            return len(self._upload(path).data)

    def read_upload(self, path: str) -> ByteStream:
        with self._store.lock:
            return _pieces(bytes(self._upload(path).data))

    def publish(self, upload_path: str, path: str) -> None:
        with self._store.lock:
            upload = self._upload(upload_path)
            if upload.busy:
                raise UploadBusyError(upload_path)
            upload.sealed = True
            there = self._store.files.get(path)
            if there is None or len(there.data) != len(upload.data):
                self._store.files[path] = _File(bytes(upload.data), datetime.now(UTC))

    def discard_upload(self, path: str) -> None:
        with self._store.lock:
            self._store.uploads.pop(path, None)

    def walk_uploads(self) -> Iterator[FileInfo]:
        with self._store.lock:
            found = [FileInfo(p, len(u.data), u.modified) for p, u in self._store.uploads.items()]
        return iter(found)

    def put(self, path: str, data: bytes) -> None:
        with self._store.lock:
            self._store.files[path] = _File(data, datetime.now(UTC))

    def get(self, path: str) -> bytes:
        return self._file(path).data

    def read(self, path: str, *, start: int = 0, end: int | None = None) -> ByteStream:
        return _pieces(self._file(path).data[start:end])

    def stat(self, path: str) -> FileInfo:
        file = self._file(path)
        return FileInfo(path, len(file.data), file.modified)

    def delete(self, path: str) -> None:
        with self._store.lock:
            self._store.files.pop(path, None)

    def walk(self, prefix: str) -> Iterator[FileInfo]:
        with self._store.lock:
            found = [
                FileInfo(path, len(file.data), file.modified)
                for path, file in self._store.files.items()
                if path.startswith(f"{prefix}/")
            ]
        return iter(found)

    def redirect_url(self, path: str, *, filename: str, expires_in: int) -> str | None:  # noqa: ARG002 - the Protocol's
        return None

    def local_path(self, path: str) -> str | None:  # noqa: ARG002 - the Protocol's
        return None

    def capacity(self) -> Capacity | None:
        """What this process may still take is not for us to say."""
        return None

    def check(self) -> None:
        """Memory is always there."""

    def _upload(self, path: str) -> _Upload:
        try:
            return self._store.uploads[path]
        except KeyError:
            raise FileMissingError(path) from None

    def _file(self, path: str) -> _File:
        with self._store.lock:
            try:
                return self._store.files[path]
            except KeyError:
                raise FileMissingError(path) from None


def _pieces(data: bytes) -> Generator[bytes]:
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]
