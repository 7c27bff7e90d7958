"""Reads of quotas."""

from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet

from apps.accounts.security import SecurityContext, require_system
from apps.common.errors import NotFoundError
from apps.quotas.constants import NO_LIMIT, WARN_PERCENT
from apps.quotas.models import Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaUse:
    """Numbers of projects: without a limit, under half of it, under the warning at 85 %, under the limit, at it."""

    unlimited: int
    low: int
    middle: int
    high: int
    full: int


def quota_list(*, actor: SecurityContext, project_id: int | None = None) -> QuerySet[Quota]:
    """Every quota, or that of one project, with project and owner at hand.

    Raises :class:`ForbiddenError` or :class:`UnauthorizedError` unless ``actor`` may list quotas.
    """
    require_system(actor, "quota", "list")
    quotas = Quota.objects.select_related("project__owner")
    return quotas if project_id is None else quotas.filter(project_id=project_id)


def quota_use(*, actor: SecurityContext) -> QuotaUse:
    """How many projects have used how much of their limit; raises as :func:`quota_list` does."""
    require_system(actor, "quota", "list")
    # Whole numbers: the fraction is nobody's business.
    share = F("used") * 100 / F("hard")
    limited = Quota.objects.filter(hard__gt=0).annotate(share=share)
    counts = limited.aggregate(
        low=Count("pk", filter=Q(share__lt=50)),
        middle=Count("pk", filter=Q(share__gte=50, share__lt=WARN_PERCENT)),
        high=Count("pk", filter=Q(share__gte=WARN_PERCENT, share__lt=100)),
        full=Count("pk", filter=Q(share__gte=100)),
    )
    return QuotaUse(unlimited=Quota.objects.filter(hard=NO_LIMIT).count(), **counts)


def quota_get(*, actor: SecurityContext, quota_id: int) -> Quota:
    """One quota; raises :class:`NotFoundError`, and as :func:`quota_list` does."""
    require_system(actor, "quota", "read")
    quota = Quota.objects.select_related("project__owner").filter(pk=quota_id).first()
    if quota is None:
        raise NotFoundError(f"quota {quota_id} not found")
    return quota


def quota_of_project(*, project_id: int) -> Quota | None:
    """The quota of a project for those who have been let in already; None for a project that is gone."""
    return Quota.objects.filter(project_id=project_id).first()
