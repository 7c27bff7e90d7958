"""A project with what other features know of it. Batch functions take ids and give dictionaries."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count

from apps.accounts.security import SecurityContext
from apps.artifacts.models import Repository
from apps.projects.models import Member, Project
from apps.projects.types import Role
from apps.quotas.models import Quota
from apps.quotas.selectors import quota_of_project

HAS_REPOSITORIES = "the project contains repositories, can not be deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSummary:
    """``members`` and ``quota`` are empty for those who may not see them."""

    repo_count: int
    members: dict[Role, int] = field(default_factory=dict)
    quota: Quota | None = None


def repository_counts(project_ids: Iterable[int]) -> dict[int, int]:
    """Repositories that something was pushed to, by project; projects without any are missing."""
    rows = Repository.objects.filter(project_id__in=list(project_ids), listed=True)
    return dict(rows.values_list("project_id").annotate(Count("id")))


def project_deletable(project: Project) -> str:
    """Why the project cannot be deleted now; "" if it can."""
    return HAS_REPOSITORIES if repository_counts([project.pk]) else ""


def project_summary(*, actor: SecurityContext, project: Project) -> ProjectSummary:
    """What the first page of a project shows; the caller has checked that ``actor`` may read the project."""

    def may(resource: str, action: str) -> bool:
        return actor.can_project(project.pk, public=project.public, resource=resource, action=action)

    members: dict[Role, int] = {}
    if may("member", "list"):
        rows = Member.objects.filter(project=project).values_list("role").annotate(Count("id"))
        members = {Role(role): count for role, count in rows}
    return ProjectSummary(
        repo_count=repository_counts([project.pk]).get(project.pk, 0),
        members=members,
        quota=quota_of_project(project_id=project.pk) if may("quota", "read") else None,
    )
