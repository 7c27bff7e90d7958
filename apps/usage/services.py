"""Writes of samples: once an hour, by the background process."""

from collections.abc import Iterator, Sequence
from datetime import date

from django.db.models import Count, Sum
from django.utils import timezone

from apps.artifacts.models import Artifact, Repository
from apps.common.database import delete_rows, write_atomic
from apps.projects.models import Project
from apps.quotas.models import Quota
from apps.usage.models import UsageSample, UsageTotal
from apps.usage.types import KEPT

# With SQLite's 999 values a statement this is still one.
_BATCH = 180


def usage_record(*, day: date | None = None) -> int:
    """Keep what every project has now as the sample of ``day`` (today, UTC); returns the number of projects.

    To do it again replaces the day's samples. What is older than :data:`apps.usage.types.KEPT` goes.
    """
    day = day or timezone.now().date()
    count = sum(_projects_record(ids, day) for ids in _batches())
    _total_record(day)
    with write_atomic():
        delete_rows(UsageSample.objects.filter(day__lt=day - KEPT))
        delete_rows(UsageTotal.objects.filter(day__lt=day - KEPT))
    return count


def _batches() -> Iterator[list[int]]:
    last = 0
    while ids := list(
        Project.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_BATCH]
    ):
        yield ids
        last = ids[-1]


def _projects_record(ids: Sequence[int], day: date) -> int:
    """One upsert; what it says is read before, so that the transaction is short."""
    storage = dict(Quota.objects.filter(project_id__in=ids).values_list("project_id", "used"))
    artifacts: dict[int, int] = dict(
        Artifact.objects.filter(project_id__in=ids).order_by().values_list("project_id").annotate(Count("pk"))
    )
    pulls: dict[int, int] = dict(
        Repository.objects.filter(project_id__in=ids)
        .order_by()
        .values_list("project_id")
        .annotate(Sum("pull_count"))
    )
    with write_atomic():
        # Held until the end: a project that is deleted meanwhile must not find a new sample behind its back.
        kept = list(
            Project.objects.select_for_update(no_key=True)
            .filter(pk__in=ids)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        UsageSample.objects.bulk_create(
            [
                UsageSample(
                    project_id=pk,
                    day=day,
                    storage=storage.get(pk, 0),
                    artifact_count=artifacts.get(pk, 0),
                    pull_count=pulls.get(pk, 0),
                )
                for pk in kept
            ],
            update_conflicts=True,
            unique_fields=["project", "day"],
            update_fields=["storage", "artifact_count", "pull_count"],
        )
    return len(kept)


def _total_record(day: date) -> None:
    """The sums of the day's samples. A repository or project that goes takes no pulls back that were counted."""
    before = UsageTotal.objects.filter(day__lt=day).order_by("-day").first()
    counted = _pull_counts(before.day) if before else {}
    now = _pull_counts(day)
    # The first day has nothing to compare with: pulls of years would be its own.
    pulls = sum(max(0, count - counted.get(pk, 0)) for pk, count in now.items()) if before else 0
    sums = UsageSample.objects.filter(day=day).aggregate(
        storage=Sum("storage"), artifacts=Sum("artifact_count")
    )
    with write_atomic():
        known = UsageTotal.objects.select_for_update().filter(day=day).first()
        UsageTotal.objects.update_or_create(
            day=day,
            defaults={
                "storage": sums["storage"] or 0,
                "artifact_count": sums["artifacts"] or 0,
                "pulls": max(pulls, known.pulls if known else 0),
            },
        )


def _pull_counts(day: date) -> dict[int, int]:
    return dict(UsageSample.objects.filter(day=day).values_list("project_id", "pull_count"))
