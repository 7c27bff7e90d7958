"""Files below one local folder.

Uploads and blobs have to be on one file system, because an upload becomes a blob by a hard link (by a copy
where there are none).
"""

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from apps.storage.driver import ByteStream, Capacity, FileInfo, StorageDriver, Writer
from apps.storage.drivers.durable_folders import DurableFolders, sync
from apps.storage.errors import (
    FileMissingError,
    OffsetMismatchError,
    StorageError,
    StorageFullError,
    StorageUrlError,
    UploadBusyError,
    UploadSealedError,
)
from apps.storage.layout import UPLOADS, temporary_path
from apps.storage.storage_url import StorageUrl

PIECE = 256 * 1024
FILE_MODE = 0o640

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
# A folder can go (a blob deleted beside us) between its making and its use; it cannot go on doing so for ever.
_ATTEMPTS = 50


def filesystem_from_url(url: StorageUrl) -> StorageDriver:
    """The driver of ``file:///absolute/folder``. Raises :class:`StorageUrlError`."""
    url.check_options(())
    if url.host or not url.path.strip("/"):
        raise StorageUrlError("a file:// storage URL is file:///absolute/folder")
    return FilesystemDriver(url.path)


class FilesystemWriter:
    """See :class:`apps.storage.driver.Writer`; owns the descriptor, whose lock makes it the only one."""

    def __init__(self, descriptor: int, path: str, offset: int) -> None:
        self._descriptor = descriptor
        self._path = path
        self._offset = offset

    @property
    def offset(self) -> int:
        return self._offset

    def write(self, data: bytes | memoryview) -> None:
        if self._descriptor < 0:
            raise StorageError(f"{self._path}: the writer is closed")
        try:
            written = os.write(self._descriptor, data)
            self._offset += written
            rest = memoryview(data)[written:]
            while rest:
                written = os.write(self._descriptor, rest)
                self._offset += written
                rest = rest[written:]
        except OSError as error:
            raise _storage_error(error, self._path) from error

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            try:
                os.close(descriptor)
            except OSError as error:  # A network file system tells here that there was no room.
                raise _storage_error(error, self._path) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FilesystemReader:
    """See :class:`apps.storage.driver.ByteStream`.

    A class rather than a generator: a generator that was closed before its first piece would keep the file open.
    """

    __slots__ = ("_descriptor", "_path", "_position", "_remaining")

    def __init__(self, descriptor: int, path: str, start: int, end: int | None) -> None:
        self._descriptor = descriptor
        self._path = path
        self._position = start
        self._remaining = -1 if end is None else max(0, end - start)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        wanted = PIECE if self._remaining < 0 else min(PIECE, self._remaining)
        if self._descriptor < 0 or not wanted:
            self.close()
            raise StopIteration
        try:
            piece = os.pread(self._descriptor, wanted, self._position)
        except OSError as error:
            self.close()
            raise _storage_error(error, self._path) from error
        self._position += len(piece)
        if self._remaining > 0:
            self._remaining -= len(piece)
        if len(piece) < wanted:  # A regular file gives less only at its end: no read to find that out.
            self.close()
        if not piece:
            raise StopIteration
        return piece

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


class FilesystemDriver:
    """See :class:`apps.storage.driver.StorageDriver`. Safe for threads and for many processes of one host."""

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/")
        self._folders = DurableFolders(self._root)

    def open_writer(self, path: str, *, offset: int) -> Writer:
        for _ in range(_ATTEMPTS):
            try:
                descriptor = self._open_upload(path, create=offset == 0)
            except FileMissingError:
                if offset == 0:
                    continue  # The folder was taken away at this moment.
                raise OffsetMismatchError(size=0) from None
            try:
                return self._lock_upload(descriptor, path, offset)
            except FileMissingError:
                os.close(descriptor)  # Discarded between open and lock: what was locked has no name any more.
            except BaseException:
                os.close(descriptor)
                raise
        raise StorageError(f"{path}: the upload is taken away again and again")

    def upload_size(self, path: str) -> int:
        return self.stat(path).size

    def read_upload(self, path: str) -> ByteStream:
        return self.read(path)

    def publish(self, upload_path: str, path: str) -> None:
        try:
            descriptor = os.open(self._absolute(upload_path), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _storage_error(error, upload_path) from error
        try:
            # Shared: two that publish may meet, a writer may not, for it would write into the blob.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            os.fsync(descriptor)
            self._place(descriptor, upload_path, path)
        except BlockingIOError:
            raise UploadBusyError(upload_path) from None
        except OSError as error:
            raise _storage_error(error, path) from error
        finally:
            os.close(descriptor)

    def discard_upload(self, path: str) -> None:
        with suppress(FileMissingError):
            self._unlink(path)

    def walk_uploads(self) -> Iterator[FileInfo]:
        return self.walk(UPLOADS)

    def put(self, path: str, data: bytes) -> None:
        temporary = temporary_path()
        try:
            with self.open_writer(temporary, offset=0) as writer:
                writer.write(data)
            sync(self._absolute(temporary))
            self._replace(temporary, path)
            with suppress(FileNotFoundError):  # Deleted again beside us: nothing is left to sync.
                self._folders.sync_above(path)
        except OSError as error:
            raise _storage_error(error, path) from error
        finally:
            self.discard_upload(temporary)

    def get(self, path: str) -> bytes:
        return b"".join(self.read(path))

    def read(self, path: str, *, start: int = 0, end: int | None = None) -> ByteStream:
        try:
            descriptor = os.open(self._absolute(path), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _storage_error(error, path) from error
        return FilesystemReader(descriptor, path, start, end)

    def stat(self, path: str) -> FileInfo:
        try:
            status = os.stat(self._absolute(path))
        except OSError as error:
            raise _storage_error(error, path) from error
        if not stat.S_ISREG(status.st_mode):
            raise FileMissingError(f"{path}: not a file")
        return FileInfo(path, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def delete(self, path: str) -> None:
        try:
            self._unlink(path)
            self._folders.forget(path)
        except FileMissingError:
            return
        except OSError as error:
            raise _storage_error(error, path) from error

    def walk(self, prefix: str) -> Iterator[FileInfo]:
        folders = [prefix]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(self._absolute(folder)) as entries:
                    children = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _storage_error(error, folder) from error
            for name, is_folder in children:
                if is_folder:
                    folders.append(f"{folder}/{name}")
                else:
                    with suppress(FileMissingError):  # It went while we walked.
                        yield self.stat(f"{folder}/{name}")

    def redirect_url(self, path: str, *, filename: str, expires_in: int) -> str | None:  # noqa: ARG002 - the Protocol's
        return None

    def local_path(self, path: str) -> str | None:
        return self._absolute(path)

    def capacity(self) -> Capacity | None:
        try:
            self._folders.make("")
            space = os.statvfs(self._root)
        except OSError as error:
            raise StorageError(f"the storage folder cannot be used: {error.strerror}") from error
        return Capacity(total=space.f_blocks * space.f_frsize, free=space.f_bavail * space.f_frsize)

    def check(self) -> None:
        try:
            self._folders.make("")
            space = os.statvfs(self._root)
        except OSError as error:
            raise StorageError(f"the storage folder cannot be used: {error.strerror}") from error
        if not os.access(self._root, os.R_OK | os.W_OK | os.X_OK):
            raise StorageError("the storage folder cannot be written")
        if not space.f_bavail or (space.f_files and not space.f_favail):
            raise StorageFullError("the storage folder's file system is full")

    def _absolute(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _open_upload(self, path: str, *, create: bool) -> int:
        """A descriptor to append to the upload; raises :class:`FileMissingError` if it may not be created."""
        absolute = self._absolute(path)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        try:
            if not create:
                return os.open(absolute, flags)
            try:
                return os.open(absolute, flags | os.O_CREAT, FILE_MODE)
            except FileNotFoundError:
                self._folders.make(os.path.dirname(path))
                return os.open(absolute, flags | os.O_CREAT, FILE_MODE)
        except OSError as error:
            raise _storage_error(error, path) from error

    def _lock_upload(self, descriptor: int, path: str, offset: int) -> FilesystemWriter:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(descriptor)
            if stat.S_IMODE(status.st_mode) != FILE_MODE:
                os.fchmod(descriptor, FILE_MODE)  # Whatever the umask says: nginx's group reads blobs.
        except BlockingIOError:
            raise UploadBusyError(path) from None
        except OSError as error:
            raise _storage_error(error, path) from error
        if status.st_nlink == 0:
            raise FileMissingError(path)
        if status.st_nlink > 1:
            raise UploadSealedError(path)  # The other name is the blob's.
        if status.st_size != offset:
            raise OffsetMismatchError(size=status.st_size)
        return FilesystemWriter(descriptor, path, offset)

    def _place(self, descriptor: int, upload_path: str, path: str) -> None:
        """Give the synced upload its second name ``path`` and sync that; raises :class:`OSError`."""
        for attempt in range(_ATTEMPTS):
            try:
                self._folders.make(os.path.dirname(path))
                self._link(descriptor, upload_path, path)
                self._folders.sync_above(path)
            except FileNotFoundError:  # The file or its folder was deleted beside us, or the upload is gone.
                if attempt == _ATTEMPTS - 1 or not os.fstat(descriptor).st_nlink:
                    raise
            else:
                return

    def _link(self, descriptor: int, upload_path: str, path: str) -> None:
        target = self._absolute(path)
        try:
            os.link(self._absolute(upload_path), target)
        except FileExistsError:
            if os.stat(target).st_size != os.fstat(descriptor).st_size:
                self._copy(descriptor, path)
            else:
                sync(target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._copy(descriptor, path)

    def _copy(self, descriptor: int, path: str) -> None:
        """Put a copy of the upload over ``path``: there are no links here, or the file there is damaged."""
        temporary = temporary_path()
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)  # An attempt before this one may have read it.
            with (
                open(descriptor, "rb", closefd=False) as source,
                self.open_writer(temporary, offset=0) as writer,
            ):
                shutil.copyfileobj(source, writer, 1024 * 1024)
            sync(self._absolute(temporary))
            self._replace(temporary, path)
        finally:
            self.discard_upload(temporary)

    def _replace(self, temporary: str, path: str) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                self._folders.make(os.path.dirname(path))
                os.replace(self._absolute(temporary), self._absolute(path))
            except FileNotFoundError:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    def _unlink(self, path: str) -> None:
        try:
            os.unlink(self._absolute(path))
        except OSError as error:
            raise _storage_error(error, path) from error


def _storage_error(error: OSError, path: str) -> StorageError:
    reason = f"{path}: {error.strerror}"
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return FileMissingError(reason)
    if error.errno in _FULL:
        return StorageFullError(reason)
    return StorageError(reason)
