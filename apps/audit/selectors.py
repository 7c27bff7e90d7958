"""Reads of the audit log."""

from django.db.models import QuerySet

from apps.accounts.security import SecurityContext, require_project, require_system
from apps.audit.models import AuditForwarder, AuditLog
from apps.common.caches import StampedCache
from apps.projects.selectors import roles_of
from apps.projects.types import ProjectRef

FORWARD_STAMP = "audit-forward"
_full: StampedCache[frozenset[str]] = StampedCache(max_entries=1, max_age=10)


def full_destinations() -> frozenset[str]:
    """The destinations whose queue takes no more rows now; no SQL when warm."""
    return _full.get("all", (FORWARD_STAMP,), _load_full) or frozenset()


def _load_full() -> frozenset[str]:
    rows = AuditForwarder.objects.filter(full_since__isnull=False)
    return frozenset(rows.values_list("destination", flat=True))


def audit_list(*, actor: SecurityContext, project: ProjectRef | None = None) -> QuerySet[AuditLog]:
    """Rows of one project, or all that ``actor`` may see, newest first.

    Without a project those who may read the whole log see all of it, and other people the rows of the projects
    whose log is open to them. Raises :class:`ForbiddenError` or :class:`UnauthorizedError`.
    """
    rows = AuditLog.objects.order_by("-op_time", "-id")
    if project is not None:
        require_project(actor, project.id, public=project.public, resource="log", action="list")
        return rows.filter(project_id=project.id)
    person = actor.principal.person if actor.principal is not None else None
    if person is not None and not actor.can_system("audit-log", "list"):
        return rows.filter(project_id__in=_open_projects(actor, person))
    require_system(actor, "audit-log", "list")
    return rows


def _open_projects(actor: SecurityContext, person: int) -> list[int]:
    """The projects of a person whose log a role opens, their own or a group's; no log is open to the public."""
    return [
        project_id
        for project_id in roles_of(person)
        if actor.can_project(project_id, public=False, resource="log", action="list")
    ]
