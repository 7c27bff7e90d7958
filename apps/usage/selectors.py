"""Reads of usage: series by day, and the projects that hold most."""

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from apps.accounts.security import SecurityContext, require_project, require_system
from apps.projects.types import ProjectRef
from apps.quotas.models import Quota
from apps.quotas.selectors import quota_list
from apps.usage.models import UsageSample, UsageTotal
from apps.usage.types import UsagePoint


def usage_of_project(*, actor: SecurityContext, project: ProjectRef, days: int) -> list[UsagePoint]:
    """The last ``days`` days of a project, oldest first; days without a sample are left out.

    Needs ``quota:read`` in the project; raises :class:`ForbiddenError` or :class:`UnauthorizedError`. On the first
    day that there is a sample of nothing is known about its pulls: they count as none.
    """
    require_project(actor, project.id, public=project.public, resource="quota", action="read")
    # One day more, to tell how many pulls the first one had.
    newest = UsageSample.objects.filter(project_id=project.id).order_by("-day")
    since = timezone.now().date() - timedelta(days=days)
    rows = list(newest.filter(day__gte=since))[::-1]
    points = [
        UsagePoint(row.day, row.storage, row.artifact_count, max(0, row.pull_count - before.pull_count))
        for before, row in zip(rows[:1] + rows, rows, strict=False)
    ]
    return points[-days:]


def usage_of_everything(*, actor: SecurityContext, days: int) -> list[UsagePoint]:
    """The last ``days`` days of the whole installation, oldest first; needs ``quota:list`` of the system.

    A blob that several projects hold counts in each of them.
    """
    require_system(actor, "quota", "list")
    since = timezone.now().date() - timedelta(days=days - 1)
    rows = UsageTotal.objects.filter(day__gte=since).order_by("day")
    return [UsagePoint(row.day, row.storage, row.artifact_count, row.pulls) for row in rows]


def largest_projects(*, actor: SecurityContext, most: int) -> Sequence[Quota]:
    """The quotas of the projects that hold most bytes, largest first; needs ``quota:list`` of the system."""
    return list(quota_list(actor=actor).order_by("-used", "-id")[:most])
