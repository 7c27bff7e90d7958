"""Uploads: bytes on their way in. They live in storage only; the database hears of a blob when it is whole.

An upload belongs to a repository by its path in storage, so that its id opens nothing elsewhere, and any node can
go on with it. What was hashed so far travels with the client in a signed state (:mod:`apps.distribution`).
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from apps.artifacts.errors import BlobSizeError, UploadUnknownError
from apps.oci.digests import new_hasher
from apps.oci.errors import excerpt
from apps.storage.driver import StorageDriver
from apps.storage.errors import FileMissingError, UploadSealedError
from apps.storage.layout import upload_path, uploads_prefix
from apps.storage.selectors import get_driver

PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """``offset`` bytes are there; ``digest`` is the hex digest of them all if it is known, else ""."""

    offset: int
    digest: str


def upload_create(*, repository_name: str) -> str:
    """Start an upload; returns its id."""
    upload_id = str(uuid.uuid4())
    with get_driver().open_writer(upload_path(repository_name, upload_id), offset=0):
        pass
    return upload_id


def upload_append(
    *,
    repository_name: str,
    upload_id: str,
    offset: int,
    read: Callable[[int], bytes],
    limit: int | None,
    algorithm: str,
    expected: int | None = None,
) -> Received:
    """Append what ``read`` gives until it gives nothing.

    ``limit`` is the most bytes that may come, ``expected`` how many were announced. Raises
    :class:`BlobSizeError` when more came or fewer than announced (what came in order stays, to be resumed),
    :class:`UploadUnknownError`, and the storage's OffsetMismatchError and UploadBusyError.
    """
    path = upload_path(repository_name, upload_id)
    driver = get_driver()
    if offset == 0:
        upload_require(repository_name=repository_name, upload_id=upload_id)
    hasher = new_hasher(algorithm) if offset == 0 else None
    received = 0
    try:
        opened = driver.open_writer(path, offset=offset)
    except UploadSealedError:
        raise UploadUnknownError("another request finished the upload", detail=upload_id) from None
    with opened as writer:
        while piece := read(PIECE):
            received += len(piece)
            if limit is not None and received > limit:
                raise BlobSizeError(f"the upload may take {limit} more bytes, and more came")
            writer.write(piece)
            if hasher is not None:
                hasher.update(piece)
        total = writer.offset
    if expected is not None and received != expected:
        raise BlobSizeError(f"the request announced {expected} bytes and sent {received}")
    return Received(total, hasher.hexdigest() if hasher is not None else "")


def upload_require(*, repository_name: str, upload_id: str) -> int:
    """The bytes that an upload holds; raises :class:`UploadUnknownError`."""
    try:
        return get_driver().upload_size(upload_path(repository_name, upload_id))
    except (FileMissingError, ValueError):
        raise UploadUnknownError(
            "the upload is not known to the registry", detail=excerpt(upload_id)
        ) from None


def upload_cancel(*, repository_name: str, upload_id: str) -> None:
    """Throw an upload away; raises :class:`UploadUnknownError`."""
    upload_require(repository_name=repository_name, upload_id=upload_id)
    get_driver().discard_upload(upload_path(repository_name, upload_id))


def upload_hash(*, driver: StorageDriver, path: str, algorithm: str) -> str:
    """The hex digest of an upload, read once more."""
    hasher = new_hasher(algorithm)
    pieces: Iterator[bytes] = driver.read_upload(path)
    for piece in pieces:
        hasher.update(piece)
    return hasher.hexdigest()


def uploads_discard(*, repository_name: str, before: datetime) -> int:
    """Throw away the uploads into a repository to which nothing was added since ``before``; returns how many.

    To the second, as buckets tell times: what somebody has begun since, into a new repository of the name, stays.
    """
    prefix, deadline = uploads_prefix(repository_name) + "/", before.replace(microsecond=0)
    return _discard(
        info.path
        for info in get_driver().walk_uploads()
        if info.path.startswith(prefix) and info.modified < deadline
    )


def uploads_purge(*, older_than: timedelta) -> int:
    """Throw away uploads to which nothing was added for this long; returns how many there were."""
    deadline = timezone.now() - older_than
    return _discard(info.path for info in get_driver().walk_uploads() if info.modified < deadline)


def _discard(paths: Iterable[str]) -> int:
    count = 0
    for path in list(paths):
        get_driver().discard_upload(path)
        count += 1
    return count
