"""Changes to projects and their switches. Each bumps the stamps of what others cached of it."""

from collections.abc import Mapping

from django.core.management.color import no_style
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from apps.accounts.group_selectors import stamps_of_members
from apps.accounts.models import User
from apps.accounts.security import USER, SecurityContext, require_project, require_system
from apps.accounts.selectors import live_users, lowest_system_admin
from apps.common.database import write_atomic
from apps.common.errors import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    PreconditionError,
    UnauthorizedError,
)
from apps.common.stamps import principal_key, project_key, touch
from apps.config.selectors import system_settings
from apps.events import bus
from apps.events.catalogue import ProjectCreated, ProjectDeleted, ProjectUpdated
from apps.projects.allowlists import Allowlist, allowlist_check, allowlist_store
from apps.projects.metadata import PUBLIC, is_metadata, metadata_clean
from apps.projects.models import Member, Project, ProjectMetadata
from apps.projects.selectors import MAX_PROJECT_NAME, is_project_name
from apps.projects.types import Role

LIBRARY_ID = 1
_RESERVED = frozenset({"sys_harb0r"})
_MAX_LIMIT = 1 << 50


def project_create(
    *,
    actor: SecurityContext,
    name: str,
    public: bool = False,
    storage_limit: int | None = None,
    metadata: Mapping[str, str] | None = None,
    allowlist: Allowlist | None = None,
) -> Project:
    """Make a project: any person may unless the settings leave it to system administrators; a robot account, an
    auditor and an access token of limited scope need ``project:create``. Its maker becomes project admin.

    ``storage_limit`` in bytes, -1 for none, None or 0 for the installation's default, which it always is for people
    who are no system administrators. A ``public`` in ``metadata`` wins, as in Harbor. Raises BadRequestError (a rule)
    or ConflictError (name used).
    """
    principal = actor.principal
    if principal is None:
        raise UnauthorizedError("sign in to do this")
    only_admins = system_settings().project_creation_restriction == "adminonly"
    if principal.person is None or principal.is_narrowed or principal.is_auditor or only_admins:
        require_system(actor, "project", "create")
    if not is_project_name(name):
        raise BadRequestError(
            f"the project name must have 1 to {MAX_PROJECT_NAME} characters: lower-case letters and digits, "
            "with single '.', '_' or '-' between them"
        )
    if name in _RESERVED:
        raise BadRequestError(f"the project name {name} is reserved")
    limit = (storage_limit or 0) if actor.can_system("project", "create") else 0
    if limit not in (-1, 0) and not 0 < limit <= _MAX_LIMIT:
        raise BadRequestError(f"the storage limit must be -1 or 1 to {_MAX_LIMIT} bytes")
    switches = metadata_clean(metadata or {})
    checked = None if allowlist is None else allowlist_check(allowlist)
    with write_atomic():
        owner = (
            lowest_system_admin()
            if principal.person is None
            else live_users().filter(id=principal.person).first()
        )
        if owner is None:
            raise UnauthorizedError("the account is gone")
        project = Project(name=name, owner=owner, public=_take_public(switches, default=public))
        _project_insert(project, switches=switches, operator=actor.name, storage_limit=limit)
        if checked is not None:
            allowlist_store(project, checked)
    return project


def library_create(*, owner: User) -> Project:
    """Make the public project ``library``, id 1, at first start; raises ConflictError if it is there."""
    with write_atomic():
        project = Project(id=LIBRARY_ID, name="library", owner=owner, public=True)
        _project_insert(project, switches={}, operator=owner.username, storage_limit=0)
        with connection.cursor() as cursor:
            # PostgreSQL does not count ids that are given by hand.
            for statement in connection.ops.sequence_reset_sql(no_style(), [Project]):
                cursor.execute(statement)
    return project


def project_update(
    *,
    actor: SecurityContext,
    project_id: int,
    public: bool | None = None,
    metadata: Mapping[str, str] | None = None,
    allowlist: Allowlist | None = None,
) -> Project:
    """Change visibility, switches and CVE allowlist; what is not given stays. A ``public`` in ``metadata`` wins."""
    switches = metadata_clean(metadata or {})
    checked = None if allowlist is None else allowlist_check(allowlist)
    with write_atomic():
        project = project_lock(actor, project_id, resource="", action="update")
        project.public = _take_public(switches, default=project.public if public is None else public)
        _switches_store(project, switches)
        if checked is not None:
            allowlist_store(project, checked)
        _project_changed(actor, project)
    return project


def project_delete(*, actor: SecurityContext, project_id: int) -> None:
    """Delete a project with its members, robot accounts and rules.

    Raises PreconditionError while it has repositories. :class:`ProjectDeleted` is told while the rows are still
    there, so that its handlers find what goes.
    """
    with write_atomic():
        project = project_lock(actor, project_id, resource="", action="delete")
        people = project.members.filter(user__isnull=False).values_list("user_id", flat=True)
        groups = project.members.filter(group__isnull=False).values_list("group_id", flat=True)
        touch(project_key(project.name), *(principal_key(USER, user_id) for user_id in people))
        touch(*stamps_of_members(groups))
        bus.publish(ProjectDeleted(operator=actor.name, project_id=project.id, project_name=project.name))
        try:
            project.delete()
        except ProtectedError:
            raise PreconditionError(
                f"the project {project.name} contains repositories and can not be deleted"
            ) from None


def metadata_add(*, actor: SecurityContext, project_id: int, name: str, value: str) -> None:
    """Set a switch that is not set yet; raises ConflictError if it is (``public`` always is)."""
    _metadata_write(actor=actor, project_id=project_id, name=name, value=value, action="create")


def metadata_update(*, actor: SecurityContext, project_id: int, name: str, value: str) -> None:
    """Change a switch that is set; raises NotFoundError if it is not."""
    _metadata_write(actor=actor, project_id=project_id, name=name, value=value, action="update")


def metadata_delete(*, actor: SecurityContext, project_id: int, name: str) -> None:
    """Unset a switch; raises NotFoundError if it is not set, BadRequestError for ``public``, which always is."""
    with write_atomic():
        project = project_lock(actor, project_id, resource="metadata", action="delete")
        if name == PUBLIC:
            raise BadRequestError("the visibility of a project cannot be deleted")
        if not is_metadata(name) or not project.metadata.filter(name=name).delete()[0]:
            raise NotFoundError(f"metadata {name} of project {project.name} not found")
        _project_changed(actor, project)


def metadata_note(*, project: Project, name: str, value: str) -> None:
    """Have a project's switches say what a feature keeps elsewhere, "" for nothing any more.

    Inside the feature's transaction, which has authorised the caller and tells what happened.
    """
    if value:
        _switches_store(project, metadata_clean({name: value}))
    else:
        project.metadata.filter(name=name).delete()
    touch(project_key(project.name))


def project_lock(actor: SecurityContext, project_id: int, *, resource: str, action: str) -> Project:
    """The project, locked and authorised; who may not see it cannot tell whether it is there."""
    project = Project.objects.select_for_update().filter(id=project_id).first()
    if project is None:
        require_project(actor, 0, public=False, resource=resource, action=action)
        raise NotFoundError(f"project {project_id} not found")
    require_project(actor, project.id, public=project.public, resource=resource, action=action)
    return project


def _project_insert(
    project: Project, *, switches: Mapping[str, str], operator: str, storage_limit: int
) -> None:
    try:
        with transaction.atomic():
            project.save(force_insert=True)
    except IntegrityError:
        raise ConflictError(f"the project {project.name} already exists") from None
    _switches_store(project, switches)
    Member.objects.create(project=project, user=project.owner, role=Role.PROJECT_ADMIN)
    touch(project_key(project.name), principal_key(USER, project.owner.id))
    bus.publish(
        ProjectCreated(
            operator=operator, project_id=project.id, project_name=project.name, storage_limit=storage_limit
        )
    )


def _take_public(switches: dict[str, str], *, default: bool) -> bool:
    """Take ``public`` out of the switches: it is a column."""
    value = switches.pop(PUBLIC, None)
    return default if value is None else value == "true"


def _switches_store(project: Project, switches: Mapping[str, str]) -> None:
    ProjectMetadata.objects.bulk_create(
        [ProjectMetadata(project=project, name=name, value=value) for name, value in switches.items()],
        update_conflicts=True,
        unique_fields=["project", "name"],
        update_fields=["value"],
    )


def _metadata_write(*, actor: SecurityContext, project_id: int, name: str, value: str, action: str) -> None:
    with write_atomic():
        project = project_lock(actor, project_id, resource="metadata", action=action)
        switches = metadata_clean({name: value})
        is_set = name == PUBLIC or project.metadata.filter(name=name).exists()
        if is_set and action == "create":
            raise ConflictError(f"metadata {name} of project {project.name} already exists")
        if not is_set and action == "update":
            raise NotFoundError(f"metadata {name} of project {project.name} not found")
        project.public = _take_public(switches, default=project.public)
        _switches_store(project, switches)
        _project_changed(actor, project)


def _project_changed(actor: SecurityContext, project: Project) -> None:
    project.save(update_fields=["public", "update_time"])
    touch(project_key(project.name))
    bus.publish(ProjectUpdated(operator=actor.name, project_id=project.id, project_name=project.name))
