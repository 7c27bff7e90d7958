"""One collection from beginning to end. Each step can be cut off anywhere, and is gone on with by the next run."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from apps.accounts.security import SystemContext
from apps.artifacts.models import TrashEntry
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.trash import chunks, trash_purge
from apps.common.errors import DomainError
from apps.config.selectors import system_settings
from apps.gc import marking, sweeping
from apps.gc.models import Collection
from apps.gc.selectors import (
    blob_ranges,
    idly_linked_blobs,
    marked_blobs,
    marked_garbage,
    needed_blobs,
    unneeded_blobs,
    untagged_artifacts,
)
from apps.gc.strays import strays_mark, strays_sum, uploads_collect
from apps.gc.types import Garbage, parameters_read
from apps.jobs.context import JobContext, JobStoppedError

_MIB = 1024 * 1024


def collect(context: JobContext) -> None:
    """The runner of ``GARBAGE_COLLECTION``; what it found or freed stands in the execution afterwards."""
    run = _Run(context)
    try:
        run.all()
    finally:
        if not run.parameters.dry_run:
            run.report_deleted()


class _Run:
    def __init__(self, context: JobContext) -> None:
        self.parameters = parameters_read(context.parameters)
        self._context = context
        self._actor = SystemContext(marking.OPERATOR)
        self._window = timedelta(hours=settings.HARBOR.gc_time_window_hours)
        # Of this run's beginning: what is pushed while it goes on is no business of its.
        self._deadline: datetime = timezone.now() - self._window
        Collection.objects.get_or_create(task=context.task)

    def all(self) -> None:
        """Every step; raises what :meth:`JobContext.check_stop` raises."""
        hours = settings.HARBOR.gc_time_window_hours
        self._log(f"time window: {hours} hours, workers: {self.parameters.workers}")
        self._check()
        if self.parameters.dry_run:
            self._log("dry run: nothing is changed")
        self._trash()
        if self.parameters.delete_untagged:
            self._untagged()
        uploads_collect(
            window=self._window, dry_run=self.parameters.dry_run, check=self._check, log=self._log
        )
        garbage = self._estimate() if self.parameters.dry_run else self._mark()
        self._log(f"{garbage.blobs} blobs and {garbage.manifests} manifests eligible for deletion")
        self._log(f"The GC could free up {_amount(garbage.size)}")
        if self.parameters.dry_run:
            self._report(garbage)
            return
        self._sweep()

    def report_deleted(self) -> None:
        """Show what the task has deleted so far, in all its runs."""
        done = Collection.objects.get(task=self._context.task)
        self._report(Garbage(done.purged_blobs, done.purged_manifests, done.freed_space))

    def _report(self, garbage: Garbage) -> None:
        self._context.report_execution(
            purged_blobs=garbage.blobs, purged_manifests=garbage.manifests, freed_space=garbage.size
        )

    def _log(self, text: str, level: str = "INFO") -> None:
        self._context.log.write(text, level=level)

    def _check(self) -> None:
        self._context.check_stop()
        if system_settings().read_only:
            self._log("the system is in read only mode", "WARNING")
            raise JobStoppedError

    def _trash(self) -> None:
        if (days := settings.HARBOR.trash_days) and not self.parameters.dry_run:
            gone = trash_purge(older_than=timedelta(days=days))
            self._log(f"{gone} entries of the trash were older than {days} days and are gone")

    def _untagged(self) -> None:
        last = count = 0
        while rows := untagged_artifacts(after=last, pushed_before=self._deadline):
            last = rows[-1][0]
            for _, repository_name, digest in rows:
                self._check()
                count += self.parameters.dry_run or self._untagged_delete(repository_name, digest)
        what = "could go" if self.parameters.dry_run else "are in the trash"
        self._log(f"{count} untagged artifacts {what}")

    def _untagged_delete(self, repository_name: str, digest: str) -> bool:
        try:
            self._context.insist(
                lambda: artifact_delete(
                    actor=self._actor,
                    repository_name=repository_name,
                    reference=digest,
                    reason=TrashEntry.COLLECTION,
                    seen={},
                )
            )
        except DomainError as error:
            # Tagged, put into an index or deleted since we looked, or kept by a gate.
            self._log(f"{repository_name}@{digest} stays: {error}", "WARNING")
            return False
        self._log(f"delete the untagged artifact: {repository_name}@{digest}")
        return True

    def _mark(self) -> Garbage:
        for within in blob_ranges():
            self._check()
            unneeded = unneeded_blobs(within, touched_before=self._deadline)
            for batch in chunks((pk for pk, _, _ in unneeded), marking.BATCH):
                self._check()
                marking.blobs_mark(blob_ids=batch, touched_before=self._deadline)
            for batch in chunks(idly_linked_blobs(within), marking.BATCH):
                self._check()
                marking.blobs_unlink(blob_ids=batch, touched_before=self._deadline)
        strays_mark(
            modified_before=self._deadline,
            task_id=self._context.task.pk,
            check=self._check,
            log=self._log,
        )
        return marked_garbage()

    def _estimate(self) -> Garbage:
        """What a run without ``dry_run`` would delete now, to the byte."""
        days = settings.HARBOR.trash_days
        deleted_since = timezone.now() - timedelta(days=days) if days else None
        garbage = marked_garbage()
        for within in blob_ranges():
            self._check()
            unneeded = unneeded_blobs(within, touched_before=self._deadline)
            found = {pk: (size, stored) for pk, size, stored in unneeded}
            for batch in chunks(found, marking.BATCH):
                for pk in set(batch) - needed_blobs(batch, deleted_since=deleted_since):
                    size, stored = found[pk]
                    garbage.add(size=size, stored=stored)
        strays = strays_sum(modified_before=self._deadline, check=self._check, log=self._log)
        return Garbage(garbage.blobs + strays.blobs, garbage.manifests, garbage.size + strays.size)

    def _sweep(self) -> None:
        failed = last = 0
        with sweeping.Workers(self.parameters.workers) as workers:
            while batch := marked_blobs(after=last, limit=sweeping.BATCH):
                last = batch[-1]
                while batch:
                    self._check()
                    swept = sweeping.blobs_sweep(
                        blob_ids=batch, task_id=self._context.task.pk, workers=workers, log=self._log
                    )
                    self._log(f"deleted: {swept.garbage}")
                    failed += swept.failed
                    batch = swept.rest
        done = Collection.objects.get(task=self._context.task)
        self._log(
            f"The GC actually freed up {_amount(done.freed_space)}: {done.purged_blobs} blobs and"
            f" {done.purged_manifests} manifests"
        )
        if failed:
            self._log(f"{failed} blobs could not be deleted and are left to the next run", "ERROR")


def _amount(size: int) -> str:
    return f"{size / _MIB:.2f} MiB ({size} bytes)"
