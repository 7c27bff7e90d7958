"""Reads of projects, members and roles."""

import re
from collections.abc import Mapping

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from apps.accounts.models import UserGroupMember
from apps.accounts.security import USER, SecurityContext, require_project
from apps.common.caches import StampedCache
from apps.common.errors import NotFoundError
from apps.common.stamps import principal_key, project_key
from apps.projects.models import Member, Project
from apps.projects.roles import PROJECT_PERMISSIONS, ROLE_RANK, Permission
from apps.projects.types import Membership, ProjectRef, Role

PROJECT_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*\Z")
MAX_PROJECT_NAME = 255
REPOSITORY_ACTIONS = ("pull", "push", "delete")

_MAX_AGE = 10.0
# A name that no project has is remembered too, as an empty tuple.
_projects: StampedCache[tuple[ProjectRef, ...]] = StampedCache(max_entries=8192, max_age=_MAX_AGE)
_roles: StampedCache[Mapping[int, tuple[Membership, ...]]] = StampedCache(max_entries=4096, max_age=_MAX_AGE)


def is_project_name(name: str) -> bool:
    """Whether a project could have this name."""
    return len(name) <= MAX_PROJECT_NAME and PROJECT_NAME.match(name) is not None


def project_find(name: str) -> ProjectRef | None:
    """The project of this name, or None; no SQL when warm, whether it exists or not."""
    if not is_project_name(name):
        return None
    found = _projects.get(name, (project_key(name),), lambda: _project_load(name))
    return found[0] if found else None


def _project_load(name: str) -> tuple[ProjectRef, ...]:
    rows = Project.objects.filter(name=name).values_list("id", "name", "public")
    return tuple(ProjectRef(*row) for row in rows)


def project_get(*, name_or_id: str | int, is_name: bool = False) -> Project:
    """The project by its id (a number, unless ``is_name``) or name; raises :class:`NotFoundError`."""
    text = str(name_or_id)
    # Ids are 64 bits wide: a longer row of digits can only be a name.
    by_id = not is_name and text.isascii() and text.isdigit() and len(text) < 19
    query = Project.objects.select_related("owner")
    if by_id:
        project = query.filter(id=int(text)).first()
    else:
        project = query.filter(name=text).first() if is_project_name(text) else None
    if project is None:
        raise NotFoundError(f"project {text} not found")
    return project


def project_require(
    *,
    actor: SecurityContext,
    name_or_id: str | int,
    is_name: bool = False,
    resource: str = "",
    action: str = "read",
    repository: str = "",
) -> Project:
    """The project, if ``actor`` may do ``action`` on ``resource`` of it, in ``repository`` if that is named.

    Raises NotFoundError only for callers who could see any project; others learn nothing (401 or 403).
    """
    try:
        project = project_get(name_or_id=name_or_id, is_name=is_name)
    except NotFoundError:
        require_project(actor, 0, public=False, resource=resource, action=action, repository=repository)
        raise
    require_project(
        actor, project.id, public=project.public, resource=resource, action=action, repository=repository
    )
    return project


def projects_visible_to(actor: SecurityContext) -> QuerySet[Project]:
    """The projects that ``actor`` may see in a list, by name."""
    projects = Project.objects.select_related("owner").order_by("name")
    principal = actor.principal
    if actor.sees_everything:
        return projects
    if principal is None:
        return projects.filter(public=True)
    if principal.kind == USER:
        own, by_groups = (rows.values("project_id") for rows in _memberships(principal.id))
        return projects.filter(Q(public=True) | Q(id__in=own) | Q(id__in=by_groups))
    private = list(Project.objects.filter(public=False).values_list("id", flat=True))
    seen = [project_id for project_id in private if _sees(actor, project_id)]
    return projects if len(seen) == len(private) else projects.filter(Q(public=True) | Q(id__in=seen))


def _sees(actor: SecurityContext, project_id: int) -> bool:
    return any(
        actor.can_project(project_id, public=False, resource=resource, action=action)
        for resource, action in (("", "read"), ("repository", "pull"), ("repository", "list"))
    )


def projects_open_to(actor: SecurityContext, *, resource: str, action: str, most: int) -> list[Project]:
    """The projects, by name, where ``actor`` may do ``action`` on ``resource`` in some repository; at most ``most``."""
    found: list[Project] = []
    for project in projects_visible_to(actor).iterator():
        if actor.can_project(project.pk, public=project.public, resource=resource, action=action):
            found.append(project)
            if len(found) >= most:
                break
    return found


def metadata_of(project: Project) -> dict[str, str]:
    """The project's switches by Harbor's keys, ``public`` among them; prefetch ``metadata`` for lists."""
    return {"public": str(project.public).lower()} | {row.name: row.value for row in project.metadata.all()}


def metadata_list(*, actor: SecurityContext, project: Project) -> dict[str, str]:
    """Every switch; needs ``metadata:list``."""
    require_project(actor, project.id, public=project.public, resource="metadata", action="list")
    return metadata_of(project)


def metadata_get(*, actor: SecurityContext, project: Project, name: str) -> str:
    """One switch; needs ``metadata:read``; raises :class:`NotFoundError`."""
    require_project(actor, project.id, public=project.public, resource="metadata", action="read")
    values = metadata_of(project)
    if name not in values:
        raise NotFoundError(f"metadata {name} of project {project.name} not found")
    return values[name]


def member_list(*, actor: SecurityContext, project: Project, name: str = "") -> QuerySet[Member]:
    """Members by name, people and groups, of those whose name contains ``name``; needs ``member:list``.

    ``entity_name`` is the name, of either.
    """
    require_project(actor, project.id, public=project.public, resource="member", action="list")
    members = (
        Member.objects.filter(project=project)
        .select_related("user", "group")
        .annotate(entity_name=Coalesce("user__username", "group__group_name"))
        .order_by("entity_name", "id")
    )
    return members.filter(entity_name__icontains=name) if name else members


def member_get(*, actor: SecurityContext, project: Project, member_id: int) -> Member:
    """One membership with its person or group; needs ``member:read``; raises :class:`NotFoundError`."""
    require_project(actor, project.id, public=project.public, resource="member", action="read")
    member = Member.objects.filter(project=project, id=member_id).select_related("user", "group").first()
    if member is None:
        raise NotFoundError(f"member {member_id} of project {project.name} not found")
    return member


def roles_of(user_id: int) -> Mapping[int, tuple[Membership, ...]]:
    """A person's own role and those of their groups, the highest first, by project id; no SQL when warm."""
    return _roles.get(user_id, (principal_key(USER, user_id),), lambda: _roles_load(user_id)) or {}


def _memberships(user_id: int) -> tuple[QuerySet[Member], QuerySet[Member]]:
    """A person's own and those of their groups; apart, since each has an index and both together have none."""
    groups = UserGroupMember.objects.filter(user_id=user_id).values("group_id")
    return Member.objects.filter(user_id=user_id), Member.objects.filter(group_id__in=groups)


def _roles_load(user_id: int) -> Mapping[int, tuple[Membership, ...]]:
    found: dict[int, list[Membership]] = {}
    own, by_groups = (
        rows.values_list("project_id", "role", "pull_patterns", "push_patterns")
        for rows in _memberships(user_id)
    )
    for project_id, role, pull_patterns, push_patterns in own.union(by_groups, all=True):
        membership = Membership(Role(role), tuple(pull_patterns), tuple(push_patterns))
        found.setdefault(project_id, []).append(membership)
    rank = ROLE_RANK.index
    return {
        project_id: tuple(sorted(memberships, key=lambda membership: rank(membership.role)))
        for project_id, memberships in found.items()
    }


def actions_on_repository(
    actor: SecurityContext, project: ProjectRef, repository: str = ""
) -> frozenset[str]:
    """Which of pull, push and delete ``actor`` may do in a repository of the project; no SQL when warm.

    ``repository`` is its name without the project; "" for any repository at all.
    """
    return frozenset(
        action
        for action in REPOSITORY_ACTIONS
        if actor.can_project(
            project.id, public=project.public, resource="repository", action=action, repository=repository
        )
    )


def permissions_in(*, actor: SecurityContext, project: Project | ProjectRef) -> frozenset[Permission]:
    """Every (resource, action) that ``actor`` may do in the project; the resource "" is the project itself."""
    return frozenset(
        (resource, action)
        for resource, action in PROJECT_PERMISSIONS
        if actor.can_project(project.id, public=project.public, resource=resource, action=action)
    )
