"""A project with images in the database of the tests, and policies that run there."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.artifacts.models import Artifact, Tag
from apps.jobs.context import JobContext
from apps.jobs.logs import log_read
from apps.jobs.models import Execution, Task
from apps.jobs.running import Worker
from apps.jobs.services import task_move
from apps.jobs.types import Status
from apps.retention.models import RetentionPolicy
from apps.retention.services import policy_create, retention_execute
from tests.distribution.documents import layer, manifest_of
from tests.distribution.inside import Place, make_place
from tests.support.images import Content

Rules = list[dict[str, Any]]


def rule(template: str = "latestPushedK", number: int | None = None, **changes: Any) -> dict[str, Any]:
    """A rule as the API has it, of all tags (and what has none) in all repositories."""
    return {
        "action": "retain",
        "template": template,
        "params": {} if number is None else {template: number},
        "tag_selectors": [
            {
                "kind": "doublestar",
                "decoration": "matches",
                "pattern": changes.pop("tags", "**"),
                "extras": changes.pop("extras", ""),
            }
        ],
        "scope_selectors": {
            "repository": [
                {
                    "kind": "doublestar",
                    "decoration": "repoMatches",
                    "pattern": changes.pop("repositories", "**"),
                }
            ]
        },
    } | changes


@dataclass
class Kept:
    """``place`` with a policy."""

    place: Place

    def push(self, tag: str, *, days: float = 0, document: Content | None = None) -> Content:
        """An image of its own (or this document), pushed so many days ago; by digest if ``tag`` is one."""
        blobs = () if document else (layer(),)
        document = document or manifest_of(layers=blobs)
        self.place.push(document, *blobs, tag=tag or document.digest)
        at = timezone.now() - timedelta(days=days)
        Artifact.objects.filter(digest=document.digest).update(push_time=at)
        Tag.objects.filter(name=tag).update(push_time=at)
        return document

    def policy(self, *rules: dict[str, Any], cron: str = "") -> RetentionPolicy:
        return policy_create(
            actor=self.place.actor, project_id=self.place.project_id, rules=list(rules), cron=cron
        )

    def begin(self, policy: RetentionPolicy, *, dry_run: bool = False) -> Execution:
        return retention_execute(actor=self.place.actor, policy_id=policy.pk, dry_run=dry_run)

    def run(self, policy: RetentionPolicy, *, dry_run: bool = False) -> Task:
        """The only task of a run, at its end."""
        execution = self.begin(policy, dry_run=dry_run)
        return self.work(execution.tasks.get())

    def work(self, task: Task) -> Task:
        assert Worker(concurrency=1).run(task.pk)
        task.refresh_from_db()
        return task

    @property
    def tags(self) -> set[str]:
        rows = Tag.objects.filter(repository__name=self.place.repository)
        return set(rows.values_list("name", flat=True))

    @property
    def digests(self) -> set[str]:
        rows = Artifact.objects.filter(repository__name=self.place.repository)
        return set(rows.values_list("digest", flat=True))


def log_of(task: Task) -> str:
    return "".join(text for _, text in log_read(task_ids=[task.pk]))


def fates_in(log: str) -> dict[str, str]:
    """The last column of the tables of a log, by digest."""
    rows = [line.split(" | ") for line in log.splitlines() if line.startswith("| sha256:")]
    return {cells[0].removeprefix("| "): cells[-1].removesuffix(" |").strip() for cells in rows}


def claimed(execution: Execution) -> JobContext:
    """The only task of an execution as a worker has it that is about to run it."""
    task = Task.objects.select_related("execution").get(execution=execution)
    assert task_move(task=task, status=Status.RUNNING, start_time=timezone.now(), worker="dying")
    return JobContext(task)


@pytest.fixture
def kept() -> Kept:
    return Kept(make_place())
