"""``python -m tests.bench.retention``: a policy of 15 rules decides on a repository of 100,000 tags, as a dry run.

On SQLite or, with ``--postgres``, on a private PostgreSQL that syncs. ``--delete N`` has it delete N of them afterwards.
Exits with 1 if a decision about so many takes longer than it may.
"""

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tests.support.services import PostgreSQL

if TYPE_CHECKING:
    from apps.jobs.models import Task

_TAGS = 100_000
_GOAL_SECONDS = 30
_TEMPLATES = (
    ("latestPushedK", 100),
    ("latestPulledN", 100),
    ("nDaysSinceLastPush", 7),
    ("nDaysSinceLastPull", 7),
)
_PATTERNS = ("v*", "v1.*", "*-rc*")


def main() -> int:
    """Make the rows, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.retention", description=__doc__)
    parser.add_argument("--tags", type=int, default=_TAGS)
    parser.add_argument("--delete", type=int, default=0, metavar="N")
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="harbor-retention-"))
    database = PostgreSQL(durable=True) if options.postgres else None
    os.environ["HARBOR_DATA_DIR"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "harbor_py.settings"
    if database is not None:
        os.environ["HARBOR_DATABASE_URL"] = database.create_database()
    try:
        is_met = _measure(options.tags, options.delete)
    finally:
        if database is not None:
            database.stop()
        shutil.rmtree(folder, ignore_errors=True)
    click.echo(f"the goal is {'met' if is_met else 'MISSED'}")
    return 0 if is_met else 1


def _measure(tags: int, deleted: int) -> bool:
    import django  # noqa: PLC0415 - the environment had to be set first
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    call_command("migrate", verbosity=0)
    from apps.retention.models import RetentionPolicy  # noqa: PLC0415 - Django is set up by now

    project = _rows(tags)
    rules = [
        _rule(template, number + extra, pattern)
        for template, number in _TEMPLATES
        for extra, pattern in enumerate(_PATTERNS)
    ]
    rules += [_rule("latestPushedK", 200 + number, "**") for number in range(3)]
    policy = RetentionPolicy.objects.create(project=project, rules=rules)
    task, seconds = _timed("dry run", lambda: _run(policy, dry_run=True))
    click.echo(
        f"{task.extra_attrs}, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB at most"
    )
    if deleted:
        policy.rules = [_rule("latestPushedK", tags - deleted, "**")]
        policy.save()
        task, _ = _timed(f"{deleted} deleted", lambda: _run(policy, dry_run=False))
        click.echo(
            f"{task.extra_attrs}, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB at most"
        )
    return seconds < _GOAL_SECONDS


def _rule(template: str, number: int, pattern: str) -> dict[str, Any]:
    selector = {"kind": "doublestar", "pattern": pattern}
    return {
        "id": 0,
        "priority": 0,
        "disabled": False,
        "action": "retain",
        "template": template,
        "params": {template: number},
        "tag_selectors": [selector | {"decoration": "matches"}],
        "scope_selectors": {
            "repository": [{"kind": "doublestar", "pattern": "**", "decoration": "repoMatches"}]
        },
    }


def _rows(count: int) -> Any:
    from datetime import timedelta  # noqa: PLC0415 - as above

    from django.utils import timezone  # noqa: PLC0415

    from apps.accounts.models import User  # noqa: PLC0415
    from apps.artifacts.models import Artifact, Repository, Tag  # noqa: PLC0415
    from apps.projects.models import Project  # noqa: PLC0415

    owner = User.objects.create(username="bench", email="bench@example.com")
    project = Project.objects.create(name="bench", owner=owner)
    repository = Repository.objects.create(project=project, name="bench/large", listed=True)
    now = timezone.now()
    for start in range(0, count, 5000):
        numbers = range(start, min(start + 5000, count))
        made = Artifact.objects.bulk_create(
            Artifact(
                repository=repository,
                project=project,
                digest=f"sha256:{number:064x}",
                media_type="application/vnd.oci.image.manifest.v1+json",
                type="IMAGE",
                manifest=b"{}",
                size=2,
                push_time=now - timedelta(minutes=number),
                pull_time=None if number % 3 else now - timedelta(minutes=number),
            )
            for number in numbers
        )
        Tag.objects.bulk_create(
            Tag(repository=repository, artifact=row, name=f"v{number % 9}.{number}", push_time=row.push_time)
            for number, row in zip(numbers, made, strict=True)
        )
    return project


def _run(policy: Any, *, dry_run: bool) -> "Task":
    from apps.accounts.security import SystemContext  # noqa: PLC0415 - as above
    from apps.jobs.running import Worker  # noqa: PLC0415
    from apps.retention.services import retention_execute  # noqa: PLC0415

    execution = retention_execute(actor=SystemContext("bench"), policy_id=policy.pk, dry_run=dry_run)
    task = execution.tasks.get()
    Worker(concurrency=1).run(task.pk)
    task.refresh_from_db()
    return task


def _timed(name: str, work: "Callable[[], Task]") -> "tuple[Task, float]":
    began, cpu = time.monotonic(), time.process_time()
    result = work()
    seconds = time.monotonic() - began
    click.echo(f"{name}: {seconds:.1f} s, {time.process_time() - cpu:.1f} s of CPU")
    return result, seconds


if __name__ == "__main__":
    sys.exit(main())
