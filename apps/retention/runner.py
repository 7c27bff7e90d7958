"""A policy applied to one repository: decided, deleted, told.

What was deleted is in the trash, and only there is it counted: a run whose worker died goes on with what is left,
and its sums are right all the same.
"""

import json
import time
from collections.abc import Iterable, Iterator

from django.db.models import Max, Prefetch, QuerySet, prefetch_related_objects
from django.utils import timezone

from apps.accounts.security import SystemContext
from apps.artifacts.errors import ArtifactChangedError, ArtifactReferencedError, ManifestUnknownError
from apps.artifacts.gates import GateRefusedError
from apps.artifacts.models import Repository, TrashedArtifact, TrashEntry
from apps.artifacts.services.artifacts import artifact_delete, artifacts_delete, deletion_refusal
from apps.artifacts.types import repository_path
from apps.common.database import write_atomic
from apps.common.errors import DomainError
from apps.events.bus import publish
from apps.events.catalogue import RetentionFinished, Retired
from apps.jobs.context import JobContext, JobStoppedError
from apps.jobs.types import Status
from apps.projects.models import Label
from apps.retention.candidates import Facts, Snapshot, snapshot_load
from apps.retention.decision import Fate, Links, Rule, deletion_order
from apps.retention.models import RetentionPolicy
from apps.retention.tables import ROWS, tables
from apps.retention.types import rules_of

OPERATOR = "retention"
_ACTOR = SystemContext(OPERATOR)
_IMMUTABLE = "PRECONDITION"
# A decision is no older than this when something is deleted by it: people go on pulling.
ROUND_SECONDS = 60.0
# Deleted in one transaction, in which nobody else writes on SQLite.
AT_ONCE = 50
_MOST_TOLD = 1000


def retention_run(context: JobContext) -> None:
    """Do one task. The policy is read now: rules that somebody changed since the run was begun hold."""
    name = str(context.parameters["repository_name"])
    policy = RetentionPolicy.objects.select_related("project").filter(pk=context.parameters["policy_id"])
    repository = Repository.objects.filter(name=name)
    _run(context, policy.first(), repository.first())


def _run(context: JobContext, policy: RetentionPolicy | None, repository: Repository | None) -> None:
    if policy is None or repository is None or repository.project_id != policy.project_id:
        context.log.write("the policy or the repository is gone: nothing is done")
        context.report(total=0, retained=0)
        return
    path = repository_path(repository.name)
    rules = [rule.rule for rule in rules_of(policy.rules) if rule.holds_repository(path)]
    if not rules:
        context.log.write("no enabled rule speaks of this repository any more: nothing is done")
        context.report(total=0, retained=0)
        return
    run = _Run(context, policy, repository, rules)
    if context.parameters["dry_run"]:
        run.rehearse()
        return
    try:
        run.delete()
    except JobStoppedError:
        run.finish(Status.STOPPED)
        raise
    run.finish(Status.SUCCESS)


class _Run:
    """One repository; ``snapshot`` is what it held at the last decision, ``fates`` that decision and what came of it."""

    def __init__(
        self, context: JobContext, policy: RetentionPolicy, repository: Repository, rules: list[Rule]
    ) -> None:
        self.context = context
        self.policy = policy
        self.repository = repository
        self.rules = rules
        self.fates: dict[str, Fate] = {}
        self.snapshot = Snapshot([], {}, Links(), frozenset())
        # What failed, or was changed at the wrong moment, is left alone for this run.
        self.left: dict[str, Fate] = {}

    def rehearse(self) -> None:
        """Say what would be done, and do nothing."""
        self._decide()
        going = sum(fate is Fate.DELETE for fate in self.fates.values())
        self._tell((facts, self.fates[digest]) for digest, facts in self.snapshot.facts.items())
        self._sums(total=len(self.fates), retained=len(self.fates) - going, dry=True)

    def delete(self) -> None:
        """Decide and delete, and decide anew each minute, until nothing is left to delete."""
        if "base" not in self.context.state:
            newest = TrashEntry.objects.aggregate(Max("pk"))["pk__max"] or 0
            self.context.remember(base=newest, told=newest)
        is_over = False
        while not is_over:
            self._decide()
            is_over = self._round(time.monotonic() + ROUND_SECONDS)

    def finish(self, status: Status) -> None:
        """Tell what became of each, and the sums, once."""
        self._tell_deleted()
        # What was to go and was not reached before a stop stays.
        self._tell(
            (self.snapshot.facts[digest], Fate.RETAIN if fate is Fate.DELETE else fate)
            for digest, fate in self.fates.items()
        )
        deleted = self._deleted()
        count, stayed = deleted.count(), len(self.fates)
        self._sums(total=stayed + count, retained=stayed, dry=False)
        if not count or self.context.state.get("told_all"):
            return
        rows = [Retired(facts.digest, tuple(facts.tags)) for facts in _facts_of(list(deleted[:_MOST_TOLD]))]
        with write_atomic():
            self.context.remember(told_all=True)
            publish(
                RetentionFinished(
                    operator=OPERATOR,
                    project_id=self.policy.project_id,
                    project_name=self.policy.project.name,
                    repository_id=self.repository.pk,
                    repository_name=self.repository.name,
                    policy_id=self.policy.pk,
                    execution_id=self.context.task.execution_id,
                    task_id=self.context.task.pk,
                    rules=json.dumps(self.policy.rules),
                    status=status,
                    total=stayed + count,
                    retained=stayed,
                    deleted=tuple(rows),
                )
            )

    def _decide(self) -> None:
        snapshot = snapshot_load(self.repository)
        self.context.check_stop()
        fates = snapshot.fates(self.rules, self._is_immutable, now=timezone.now().timestamp())
        self.snapshot = snapshot
        self.fates = fates | {digest: fate for digest, fate in self.left.items() if digest in fates}
        going = sum(fate is Fate.DELETE for fate in self.fates.values())
        self.context.log.write(
            f"{len(self.fates)} artifacts in {self.repository.name}, of which {going} are to be deleted"
        )
        # Before anything goes: whoever dies here has said what it was about.
        self.context.log.flush()

    def _is_immutable(self, digest: str, tags: tuple[str, ...]) -> bool:
        refusal = deletion_refusal(operator=OPERATOR, repository=self.repository, digest=digest, tags=tags)
        return refusal is not None and refusal.code == _IMMUTABLE

    def _round(self, until: float) -> bool:
        """Delete by the last decision; False if the time was over before all was done."""
        going = [digest for digest, fate in self.fates.items() if fate is Fate.DELETE]
        order = deletion_order(going, self.snapshot.links)
        untold = 0
        for start in range(0, len(order), AT_ONCE):
            some = order[start : start + AT_ONCE]
            for digest in self._delete_plain(some):
                self.context.check_stop()
                self._delete_one(digest)
            untold += len(some)
            is_late = time.monotonic() >= until
            if is_late or untold >= ROWS:
                self._tell_deleted()
                untold = 0
            if is_late:
                return False
        return True

    def _delete_plain(self, digests: list[str]) -> list[str]:
        """Delete what is alone, all at once: a transaction for each takes most of the time. Returns the others."""
        self.context.check_stop()
        if len(digests) == 1:
            return digests
        gone = self.context.insist(
            lambda: artifacts_delete(
                actor=_ACTOR,
                repository_name=self.repository.name,
                reason=TrashEntry.RETENTION,
                seen={digest: self.snapshot.facts[digest].tags for digest in digests},
            )
        )
        for digest in gone:
            del self.fates[digest]
        return [digest for digest in digests if digest not in gone]

    def _delete_one(self, digest: str) -> None:
        try:
            self.context.insist(
                lambda: artifact_delete(
                    actor=_ACTOR,
                    repository_name=self.repository.name,
                    reference=digest,
                    reason=TrashEntry.RETENTION,
                    seen=self.snapshot.facts[digest].tags,
                )
            )
        except ManifestUnknownError:
            # Somebody else, or the deletion of its index, was first.
            del self.fates[digest]
        except (ArtifactChangedError, ArtifactReferencedError) as error:
            # Tagged, or made a child of an index, since the decision; or the index could not be deleted.
            self._leave(digest, Fate.RETAIN, error, "INFO")
        except GateRefusedError as error:
            fate = Fate.IMMUTABLE if error.code == _IMMUTABLE else Fate.ERROR
            self._leave(digest, fate, error, "WARNING")
        except DomainError as error:
            self._leave(digest, Fate.ERROR, error, "ERROR")
        else:
            del self.fates[digest]

    def _leave(self, digest: str, fate: Fate, error: DomainError, level: str) -> None:
        self.fates[digest] = self.left[digest] = fate
        self.context.log.write(f"{digest} stays: {error.message}", level=level)

    def _deleted(self) -> QuerySet[TrashEntry]:
        """What this task deleted, in whichever of its runs: tasks of one repository run one after the other.

        Not by time: hosts and the database have clocks of their own.
        """
        return TrashEntry.objects.filter(
            repository_name=self.repository.name,
            reason=TrashEntry.RETENTION,
            pk__gt=self.context.state["base"],
        ).order_by("pk")

    def _tell_deleted(self) -> None:
        """Log what was deleted since the last time."""
        while entries := list(self._deleted().filter(pk__gt=self.context.state["told"])[:ROWS]):
            self._tell((facts, Fate.DELETE) for facts in _facts_of(entries))
            self.context.log.flush()
            self.context.remember(told=entries[-1].pk)

    def _tell(self, rows: Iterable[tuple[Facts, Fate]]) -> None:
        for table in tables(rows):
            self.context.log.write(table)

    def _sums(self, *, total: int, retained: int, dry: bool) -> None:
        would = "would be " if dry else ""
        self.context.log.write(f"{total} in all, {retained} retained, {total - retained} {would}deleted")
        self.context.report(total=total, retained=retained)


def _facts_of(entries: list[TrashEntry]) -> Iterator[Facts]:
    """What the log says of artifacts in the trash."""
    own = TrashedArtifact.objects.defer("manifest").prefetch_related("tags", "label_links")
    prefetch_related_objects(entries, Prefetch("artifacts", own))
    rows = [row for entry in entries for row in entry.artifacts.all() if row.digest == entry.digest]
    names = dict(
        Label.objects.filter(
            pk__in={link.label_id for row in rows for link in row.label_links.all()}
        ).values_list("pk", "name")
    )
    for row in rows:
        tags = {tag.name: tag.push_time for tag in row.tags.all()}
        pulls = [pull for pull in (row.pull_time, *(tag.pull_time for tag in row.tags.all())) if pull]
        yield Facts(
            row.digest,
            row.type.lower(),
            tags,
            tuple(names[link.label_id] for link in row.label_links.all() if link.label_id in names),
            max(row.push_time, *tags.values()) if tags else row.push_time,
            max(pulls, default=None),
            row.push_time,
        )
