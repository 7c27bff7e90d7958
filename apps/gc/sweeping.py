"""The second half of the protocol: under the lock of a ``deleting`` row its bytes go, then the row.

A push that wants the blob waits for the lock. Then the row is gone and it makes a new one, or, if the collector was
killed, it revives the row and finds out that the bytes are missing. A row that is left ``deleting`` is the next run's.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db.models import F

from apps.artifacts.models import Blob
from apps.common.database import again_after_deadlock, delete_rows, write_atomic
from apps.common.steps import step
from apps.gc.models import Collection
from apps.gc.selectors import linked_blobs
from apps.gc.types import Garbage
from apps.oci.digests import parse_digest
from apps.storage.errors import FileMissingError, StorageError
from apps.storage.layout import blob_path
from apps.storage.selectors import get_driver

BATCH = 100
"""Blobs of one transaction."""

# SQLite has one writer, and pushes of the same blobs wait on PostgreSQL too: a slow medium gets shorter transactions.
_SECONDS = 0.5

Log = Callable[[str, str], None]
"""Takes a line and its level."""


@dataclass(slots=True)
class Swept:
    """``rest`` are ids that there was no time for, ``failed`` how many the storage would not delete."""

    garbage: Garbage = field(default_factory=Garbage)
    rest: list[int] = field(default_factory=list)
    failed: int = 0


@again_after_deadlock
def blobs_sweep(*, blob_ids: Sequence[int], task_id: int, log: Log) -> Swept:
    """Delete those of the blobs that are still ``deleting``, bytes first; counts them for the task."""
    swept = Swept()
    with write_atomic():
        rows = Blob.objects.select_for_update(skip_locked=True).filter(
            pk__in=list(blob_ids), state=Blob.DELETING
        )
        found = list(rows.order_by("pk").values_list("pk", "digest", "size", "stored"))
        step("sweep: rows locked")
        if linked := linked_blobs([row[0] for row in found]):
            # Nothing links what is marked; were it otherwise, this is the last moment to see it.
            log(f"{len(linked)} marked blobs have links and stay", "ERROR")
            Blob.objects.filter(pk__in=linked).update(state=Blob.LIVE)
        gone: list[int] = []
        until = time.monotonic() + _SECONDS
        for pk, digest, size, stored in found:
            if pk in linked:
                continue
            if gone and time.monotonic() > until:
                swept.rest.append(pk)
            elif stored and not _bytes_delete(digest, log):
                swept.failed += 1
            else:
                gone.append(pk)
                swept.garbage.add(size=size, stored=stored)
        step("sweep: bytes deleted")
        delete_rows(Blob.objects.filter(pk__in=gone))
        garbage_count(task_id=task_id, garbage=swept.garbage)
        step("sweep: rows deleted")
    step("sweep: committed")
    return swept


def garbage_count(*, task_id: int, garbage: Garbage) -> None:
    """Count what a task deletes, in the transaction that deletes it."""
    Collection.objects.filter(task_id=task_id).update(
        purged_blobs=F("purged_blobs") + garbage.blobs,
        purged_manifests=F("purged_manifests") + garbage.manifests,
        freed_space=F("freed_space") + garbage.size,
    )


def _bytes_delete(digest: str, log: Log) -> bool:
    """Whether storage does not hold the blob any more. Failures are lines of the log."""
    driver = get_driver()
    path = blob_path(parse_digest(digest))
    try:
        driver.stat(path)
        driver.delete(path)
    except FileMissingError:
        log(f"{digest} was missing in storage already", "WARNING")
    except StorageError as error:
        log(f"{digest} could not be deleted, the next run tries again: {error}", "ERROR")
        return False
    return True
