"""Reads of quotas."""

from django.db.models import QuerySet

from apps.accounts.security import SecurityContext, require_system
from apps.common.errors import NotFoundError
from apps.quotas.models import Quota


def quota_list(*, actor: SecurityContext, project_id: int | None = None) -> QuerySet[Quota]:
    """Every quota, or that of one project, with project and owner at hand.

    Raises :class:`ForbiddenError` or :class:`UnauthorizedError` unless ``actor`` may list quotas.
    """
    require_system(actor, "quota", "list")
    quotas = Quota.objects.select_related("project__owner")
    return quotas if project_id is None else quotas.filter(project_id=project_id)


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
