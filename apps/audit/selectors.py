"""Reads of the audit log."""

from django.db.models import QuerySet

from apps.accounts.security import USER, SecurityContext, require_project, require_system
from apps.audit.models import AuditLog
from apps.projects.models import Member
from apps.projects.types import ProjectRef


def audit_list(*, actor: SecurityContext, project: ProjectRef | None = None) -> QuerySet[AuditLog]:
    """Rows of one project, or all that ``actor`` may see, newest first.

    Without a project those who may read the whole log see all of it, and other people the rows of the projects
    whose log is open to them. Raises :class:`ForbiddenError` or :class:`UnauthorizedError`.
    """
    rows = AuditLog.objects.order_by("-op_time", "-id")
    if project is not None:
        require_project(actor, project.id, public=project.public, resource="log", action="list")
        return rows.filter(project_id=project.id)
    principal = actor.principal
    if principal is not None and principal.kind == USER and not actor.can_system("audit-log", "list"):
        return rows.filter(project_id__in=_open_projects(actor, principal.id))
    require_system(actor, "audit-log", "list")
    return rows


def _open_projects(actor: SecurityContext, user_id: int) -> list[int]:
    """The projects of a person whose log their role opens."""
    memberships = Member.objects.filter(user_id=user_id).values_list("project_id", "project__public")
    return [
        project_id
        for project_id, public in memberships
        if actor.can_project(project_id, public=public, resource="log", action="list")
    ]
