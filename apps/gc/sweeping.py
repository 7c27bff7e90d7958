"""The second half of the protocol: under the lock of a ``deleting`` row its bytes go, then the row.

A push that wants the blob waits for the lock. Then the row is gone and it makes a new one, or, if the collector was
killed, it revives the row and finds out that the bytes are missing. A row that is left ``deleting`` is the next run's.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Self

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

BATCH = 500
"""Blobs of one transaction."""

# SQLite has one writer, and pushes of the same blobs wait on PostgreSQL too: a slow medium gets shorter transactions.
_SECONDS = 0.5
# Deletions wait for the medium, for a journal or a bucket: each worker has several under way.
_HANDS = 4
# Files that each of them deletes between two looks at the clock.
_EACH = 4

Log = Callable[[str, str], None]
"""Takes a line and its level."""


@dataclass(slots=True)
class Swept:
    """``rest`` are ids that there was no time for, ``failed`` how many the storage would not delete."""

    garbage: Garbage = field(default_factory=Garbage)
    rest: list[int] = field(default_factory=list)
    failed: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    digest: str
    size: int
    stored: bool


class Workers:
    """Threads that delete files while the thread that uses them holds the rows. They use no database."""

    def __init__(self, count: int) -> None:
        self.at_once = count * _HANDS * _EACH
        self._pool = ThreadPoolExecutor(count * _HANDS, thread_name_prefix="collection")

    def delete(self, digests: Sequence[str]) -> list[tuple[bool, str]]:
        """Whether storage does not hold each of them any more, and what is to be said about it, mostly nothing."""
        return list(self._pool.map(_bytes_delete, digests))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._pool.shutdown()


@again_after_deadlock
def blobs_sweep(*, blob_ids: Sequence[int], task_id: int, workers: Workers, log: Log) -> Swept:
    """Delete those of the blobs that are still ``deleting``, bytes first; counts them for the task."""
    swept = Swept()
    step("sweep: batch chosen")
    with write_atomic():
        rows = Blob.objects.select_for_update(skip_locked=True).filter(
            pk__in=list(blob_ids), state=Blob.DELETING
        )
        found = [_Row(*row) for row in rows.order_by("pk").values_list("pk", "digest", "size", "stored")]
        step("sweep: rows locked")
        if linked := linked_blobs([row.id for row in found]):
            # Nothing links what is marked; were it otherwise, this is the last moment to see it.
            log(f"{len(linked)} marked blobs have links and stay", "ERROR")
            Blob.objects.filter(pk__in=linked).update(state=Blob.LIVE)
            found = [row for row in found if row.id not in linked]
        gone = [row for row in found if not row.stored]
        gone += _files_delete([row for row in found if row.stored], swept, workers, log)
        step("sweep: bytes deleted")
        for row in gone:
            swept.garbage.add(size=row.size, stored=row.stored)
        delete_rows(Blob.objects.filter(pk__in=[row.id for row in gone]))
        garbage_count(task_id=task_id, garbage=swept.garbage)
        step("sweep: rows deleted")
    step("sweep: committed")
    return swept


def _files_delete(rows: list[_Row], swept: Swept, workers: Workers, log: Log) -> list[_Row]:
    """Those whose bytes are gone."""
    gone = []
    until = time.monotonic() + _SECONDS
    for start in range(0, len(rows), workers.at_once):
        if start and time.monotonic() > until:
            swept.rest = [row.id for row in rows[start:]]
            break
        some = rows[start : start + workers.at_once]
        for row, (is_gone, note) in zip(some, workers.delete([row.digest for row in some]), strict=True):
            if note:
                log(note, "WARNING" if is_gone else "ERROR")
            if is_gone:
                gone.append(row)
            else:
                swept.failed += 1
    return gone


def garbage_count(*, task_id: int, garbage: Garbage) -> None:
    """Count what a task deletes, in the transaction that deletes it."""
    Collection.objects.filter(task_id=task_id).update(
        purged_blobs=F("purged_blobs") + garbage.blobs,
        purged_manifests=F("purged_manifests") + garbage.manifests,
        freed_space=F("freed_space") + garbage.size,
    )


def _bytes_delete(digest: str) -> tuple[bool, str]:
    driver = get_driver()
    path = blob_path(parse_digest(digest))
    try:
        driver.stat(path)
        driver.delete(path)
    except FileMissingError:
        return True, f"{digest} was missing in storage already"
    except StorageError as error:
        return False, f"{digest} could not be deleted, the next run tries again: {error}"
    return True, ""
