"""Series of usage as charts take them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.accounts.security import SecurityContext
from apps.projects.models import Project
from apps.usage.selectors import usage_of_project
from apps.usage.types import UsagePoint

SPANS = (30, 90, 365)
"""The numbers of days that one can look back."""


def span_asked(request: HttpRequest) -> int:
    """The days that ``?days=`` asks for, one of :data:`SPANS`."""
    text = str(request.GET.get("days", ""))
    return next((span for span in SPANS if str(span) == text), SPANS[0])


def usage_charts(points: Sequence[UsagePoint]) -> Mapping[str, Any]:
    """``labels`` (days), and ``storage`` and ``pulls`` as series of a chart each."""
    return {
        "labels": [point.day.isoformat() for point in points],
        "storage": {_("Storage"): [point.storage for point in points]},
        "artifacts": {_("Artifacts"): [point.artifact_count for point in points]},
        "pulls": {_("Pulls"): [point.pulls for point in points]},
    }


def project_usage(request: HttpRequest, actor: SecurityContext, project: Project) -> Mapping[str, Any]:
    """What ``portal/parts/project_usage.html`` shows, as ``usage``; nothing for who may not see the project's quota.

    The page that includes it loads the library of the charts.
    """
    if not actor.can_project(project.pk, public=project.public, resource="quota", action="read"):
        return {}
    days = span_asked(request)
    points = usage_of_project(actor=actor, project=project.ref, days=days)
    return {"usage": usage_charts(points), "days": days, "spans": SPANS}
