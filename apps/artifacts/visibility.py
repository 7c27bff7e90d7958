"""Which repositories a caller may see in a list."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from apps.accounts.security import SecurityContext
from apps.artifacts.models import Repository
from apps.artifacts.types import repository_path
from apps.projects.selectors import projects_visible_to

_SEEING = ("list", "pull")


def visible_repositories(actor: SecurityContext, rows: QuerySet[Repository]) -> QuerySet[Repository]:
    """Those of ``rows`` that ``actor`` may see: of the projects that they see, where their patterns let them."""
    if actor.sees_everything:
        return rows
    projects = projects_visible_to(actor).order_by()
    rows = rows.filter(project_id__in=projects.values_list("pk", flat=True))
    if not actor.is_narrowed_in():
        return rows
    private = projects.filter(public=False).values_list("pk", flat=True)
    return _narrowed(actor, rows, [pk for pk in private if actor.is_narrowed_in(pk)])


def visible_repositories_of(
    actor: SecurityContext, rows: QuerySet[Repository], *, project_id: int, public: bool
) -> QuerySet[Repository]:
    """Those of ``rows``, which are of one project, that ``actor``'s patterns let them see.

    The caller has checked that ``actor`` may list repositories there.
    """
    if public or not actor.is_narrowed_in(project_id):
        return rows
    return _narrowed(actor, rows, [project_id])


def _narrowed(
    actor: SecurityContext, rows: QuerySet[Repository], project_ids: Iterable[int]
) -> QuerySet[Repository]:
    """Of these private projects only what a pattern matches; others are left as they are.

    Each name is looked at here: no database knows doublestar.
    """
    narrowed = list(project_ids)
    names = Repository.objects.filter(project_id__in=narrowed).values_list("pk", "project_id", "name")
    shown = [
        pk
        for pk, project_id, name in names.iterator()
        if any(
            actor.can_project(
                project_id,
                public=False,
                resource="repository",
                action=action,
                repository=repository_path(name),
            )
            for action in _SEEING
        )
    ]
    return rows.filter(~Q(project_id__in=narrowed) | Q(pk__in=shown))
