"""Blobs read and unlinked."""

import logging
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from apps.artifacts.errors import BlobUnknownError
from apps.artifacts.selectors import blob_find, repository_find
from apps.artifacts.services.blobs import blob_delete, blob_keep
from apps.artifacts.types import BlobRef
from apps.common.caches import StampedCache
from apps.common.database import release_connection
from apps.common.stamps import repository_key
from apps.distribution.access import Caller
from apps.distribution.messages import Headers, Request, Response
from apps.distribution.target import Target
from apps.distribution.transfers import downloads
from apps.oci.digests import parse_digest
from apps.oci.errors import RangeInvalidError
from apps.oci.ranges import parse_byte_range
from apps.storage.errors import FileMissingError
from apps.storage.layout import blob_path
from apps.storage.selectors import get_driver

logger = logging.getLogger(__name__)

# A body up to this size is read at once: an iterator costs the server a channel and more wake-ups.
_AT_ONCE = 256 * 1024
_REDIRECT_SECONDS = 20 * 60

_links: StampedCache[BlobRef] = StampedCache(max_entries=32768, max_age=60)
_kept: StampedCache[bool] = StampedCache(max_entries=32768, max_age=60)


def get(request: Request, caller: Caller, target: Target, digest: str) -> Response:
    """``GET`` and ``HEAD /v2/<name>/blobs/<digest>``, whole or one range of it. Warm it needs no SQL."""
    blob = _links.get((target.name, digest), (repository_key(target.name),), lambda: _load(target, digest))
    if blob is None or (request.method == "HEAD" and not _is_kept(caller, target, blob)):
        raise BlobUnknownError("the blob is not known to the repository", detail={"digest": digest})
    headers: Headers = [
        ("Docker-Content-Digest", digest),
        ("ETag", f'"{digest}"'),
        ("Accept-Ranges", "bytes"),
        ("Cache-Control", "max-age=31536000"),
    ]
    if request.knows(digest):
        return Response(304, headers)
    headers.append(("Content-Type", "application/octet-stream"))
    if request.method == "HEAD":
        return Response(200, [*headers, ("Content-Length", str(blob.size))])
    path = blob_path(parse_digest(digest))
    driver = get_driver()
    if url := driver.redirect_url(path, filename=digest, expires_in=_REDIRECT_SECONDS):
        return Response(307, [*headers, ("Location", url), ("Content-Length", "0")])
    status, start, end = 200, 0, blob.size
    if value := request.header("HTTP_RANGE"):
        try:
            part = parse_byte_range(value, blob.size)
        except RangeInvalidError as error:
            error.detail = {"size": blob.size}
            raise
        if part is not None:
            status, start, end = 206, part.start, part.end_exclusive
            headers.append(("Content-Range", f"bytes {start}-{end - 1}/{blob.size}"))
    headers.append(("Content-Length", str(end - start)))
    release_connection()
    return Response(status, headers, _body(request, caller, path, blob, start, end))


def _body(
    request: Request, caller: Caller, path: str, blob: BlobRef, start: int, end: int
) -> bytes | Iterator[bytes]:
    try:
        if end - start <= _AT_ONCE:
            return b"".join(get_driver().read(path, start=start, end=end))
        with downloads.reserve(request, caller.name) as transfer:
            return transfer.stream(get_driver().read(path, start=start, end=end))
    except FileMissingError:
        # The database says that the bytes are there: this is damage, and somebody has to look.
        logger.exception("blob %s of %d bytes is missing in storage", blob.digest, blob.size)
        raise BlobUnknownError("the bytes of the blob are missing", detail={"digest": blob.digest}) from None


def _is_kept(caller: Caller, target: Target, blob: BlobRef) -> bool:
    """Have collection leave a blob that a pusher asks for and so will not send; False if it is too late for that.

    No SQL for one that was touched in the last half of collection's window, nor for those who cannot push.
    """
    window = timedelta(hours=settings.HARBOR.gc_time_window_hours)
    if not window or blob.touched_at is None or blob.touched_at > timezone.now() - window / 2:
        return True
    if "push" not in caller.actions(target.project, target.name):
        return True
    return bool(_kept.get(blob.id, (), lambda: blob_keep(blob_id=blob.id) or None))


def _load(target: Target, digest: str) -> BlobRef | None:
    parse_digest(digest)
    repository = repository_find(target.name)
    return blob_find(repository, digest) if repository is not None else None


def delete(request: Request, caller: Caller, target: Target, digest: str) -> Response:  # noqa: ARG001
    """``DELETE /v2/<name>/blobs/<digest>``: the repository no longer has it."""
    parsed = parse_digest(digest)
    repository = repository_find(target.name)
    if repository is None:
        raise BlobUnknownError("the blob is not known to the repository", detail={"digest": digest})
    blob_delete(
        actor=caller.context_in(target.project, target.name),
        project=target.project,
        repository=repository,
        digest=parsed,
    )
    return Response(202, [("Content-Length", "0"), ("Docker-Content-Digest", digest)])
