"""Files in storage that the database does not know: what a crash left between a blob's bytes and its row.

Such a file gets a row that is ``deleting``, and goes as every other blob does: a push of the same content that comes
in between revives the row and looks for the bytes.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.utils import timezone

from apps.artifacts.models import Blob
from apps.common.database import write_atomic
from apps.common.steps import step
from apps.gc.sweeping import Log, garbage_count
from apps.gc.types import Garbage
from apps.storage.driver import FileInfo
from apps.storage.errors import StorageError
from apps.storage.layout import BLOBS, blob_digest
from apps.storage.selectors import get_driver

UPLOAD_IDLE = timedelta(hours=1)
"""An upload is its client's for so long after its last byte, whatever the window."""

FoundT = TypeVar("FoundT")

_BATCH = 500
# Nothing goes before so many were looked at: digests are random, so that they stand for all.
_SAMPLE = 10_000
_SUSPICIOUS = 1000


@dataclass(frozen=True, slots=True)
class Strays:
    """Files of some paths: ``unknown`` have no row, ``unused`` have that of a manifest, whose bytes are in it."""

    unknown: list[tuple[str, FileInfo]]
    unused: list[tuple[str, FileInfo]]


def strays_mark(*, modified_before: datetime, task_id: int, check: Callable[[], None], log: Log) -> None:
    """Have every stray that was not modified since deleted; ``check`` raises when the run is to stop."""
    for strays in _strays(modified_before, check, log):
        with write_atomic():
            # In order, as two pushes of the same blobs would take the rows.
            Blob.objects.bulk_create(
                [
                    Blob(digest=digest, size=info.size, state=Blob.DELETING)
                    for digest, info in sorted(strays.unknown, key=lambda found: found[0])
                ],
                ignore_conflicts=True,
            )
        step("strays: marked")
        for digest, info in strays.unused:
            _unused_delete(digest, info, task_id, log)


def strays_sum(*, modified_before: datetime, check: Callable[[], None], log: Log) -> Garbage:
    """What :func:`strays_mark` would have deleted."""
    found = Garbage()
    for strays in _strays(modified_before, check, log):
        for _, info in (*strays.unknown, *strays.unused):
            found.add(size=info.size, stored=True)
    return found


def uploads_collect(*, window: timedelta, dry_run: bool, check: Callable[[], None], log: Log) -> None:
    """Throw away uploads that nobody went on with, with what belongs to them in a bucket."""
    driver = get_driver()
    deadline = timezone.now() - max(window, UPLOAD_IDLE)
    count = size = 0
    for info in _listed(driver.walk_uploads(), log):
        check()
        if info.modified >= deadline:
            continue
        try:
            if not dry_run:
                driver.discard_upload(info.path)
        except StorageError as error:
            log(f"an upload could not be thrown away: {error}", "ERROR")
            continue
        count += 1
        size += info.size
    log(f"{count} unfinished uploads of {size} bytes {'could go' if dry_run else 'are gone'}", "INFO")


def _listed(files: Iterable[FoundT], log: Log) -> Iterator[FoundT]:
    """What storage lists, up to where it fails: the rest of a collection needs no list."""
    try:
        yield from files
    except StorageError as error:
        log(f"the files in storage cannot all be listed: {error}", "ERROR")


def _strays(modified_before: datetime, check: Callable[[], None], log: Log) -> Iterator[Strays]:
    files = (
        (digest, info)
        for info in _listed(get_driver().walk(BLOBS), log)
        if info.modified < modified_before and (digest := blob_digest(info.path))
    )
    sample: list[Strays] = []
    looked = unknown = 0
    while batch := list(itertools.islice(files, _BATCH)):
        check()
        stored = dict(
            Blob.objects.filter(digest__in=[digest for digest, _ in batch]).values_list("digest", "stored")
        )
        sample.append(
            Strays(
                [found for found in batch if found[0] not in stored],
                [found for found in batch if not stored.get(found[0], True)],
            )
        )
        looked += len(batch)
        unknown += len(sample[-1].unknown)
        if _is_foreign(looked, unknown, log):
            return
        if looked >= _SAMPLE:
            yield from sample
            sample.clear()
    yield from sample


def _is_foreign(looked: int, unknown: int, log: Log) -> bool:
    """Whether most files are unknown, too many to be what crashes have left."""
    if unknown <= _SUSPICIOUS or unknown * 2 <= looked:
        return False
    log(
        f"{unknown} of {looked} files in storage are not known to the database: is this its storage? They stay",
        "ERROR",
    )
    return True


def _unused_delete(digest: str, info: FileInfo, task_id: int, log: Log) -> None:
    with write_atomic():
        row = Blob.objects.select_for_update(skip_locked=True).filter(digest=digest, stored=False)
        if not row.exists():
            return
        try:
            get_driver().delete(info.path)
        except StorageError as error:
            log(f"{digest} could not be deleted, the next run tries again: {error}", "ERROR")
            return
        garbage_count(task_id=task_id, garbage=Garbage(blobs=1, size=info.size))
