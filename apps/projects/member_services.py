"""Changes to the members of projects. Each bumps the stamps of the project and of everybody whom it concerns."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from apps.accounts.external_services import external_onboard
from apps.accounts.group_selectors import group_find, stamps_of_members
from apps.accounts.group_services import group_onboard
from apps.accounts.models import User, UserGroup
from apps.accounts.passwords import username_check
from apps.accounts.security import USER, SecurityContext
from apps.accounts.selectors import live_users
from apps.common.database import write_atomic
from apps.common.errors import BadRequestError, ConflictError, NotFoundError
from apps.common.stamps import principal_key, project_key, touch
from apps.events import bus
from apps.events.catalogue import MemberChanged
from apps.projects.models import Member
from apps.projects.patterns import repository_patterns_clean
from apps.projects.services import project_lock
from apps.projects.types import Role


def member_add(
    *,
    actor: SecurityContext,
    project_id: int,
    role: int,
    user_id: int | None = None,
    username: str | None = None,
    group_id: int | None = None,
    group_name: str = "",
    group_type: int = 0,
    ldap_group_dn: str = "",
    pull_patterns: Iterable[str] = (),
    push_patterns: Iterable[str] = (),
) -> Member:
    """Give a person or a group a role, narrowed to patterns of repositories if there are some.

    The first that is given of ``user_id``, ``group_id``, ``username``, ``ldap_group_dn`` and ``group_name`` (of
    ``group_type``, 0 for any) says whom, as in Harbor. Raises BadRequestError (a rule), NotFoundError (nobody of this
    name) or ConflictError (a member already).
    """
    if username and not user_id and not group_id:
        _from_a_directory(actor, project_id, username)
    elif ldap_group_dn and not (user_id or group_id):
        _may_add(actor, project_id)
        ldap_group_dn = group_onboard(actor=actor, ldap_group_dn=ldap_group_dn)
    with write_atomic():
        project = project_lock(actor, project_id, resource="member", action="create")
        member = Member(
            project=project,
            role=_role(role),
            pull_patterns=list(repository_patterns_clean(pull_patterns)),
            push_patterns=list(repository_patterns_clean(push_patterns)),
        )
        if user_id:
            member.user = _person(user_id, None)
        elif group_id or (not username and (group_name or ldap_group_dn)):
            member.group = _group(group_id, group_name, group_type, ldap_group_dn)
        else:
            username_check(username or "")
            member.user = _person(None, username)
        try:
            with transaction.atomic():
                member.save()
        except IntegrityError:
            raise ConflictError(
                f"{member.user or member.group} is already a member of project {project.name}"
            ) from None
        _member_changed(actor, member, operation="create")
    return member


def member_update(
    *,
    actor: SecurityContext,
    project_id: int,
    member_id: int,
    role: int | None = None,
    pull_patterns: Iterable[str] | None = None,
    push_patterns: Iterable[str] | None = None,
) -> Member:
    """Change a member's role and patterns; None leaves one as it is. Raises BadRequestError for what breaks a rule."""
    with write_atomic():
        member = _member_for(actor, project_id, member_id, action="update")
        if role is not None:
            member.role = _role(role)
        if pull_patterns is not None:
            member.pull_patterns = list(repository_patterns_clean(pull_patterns))
        if push_patterns is not None:
            member.push_patterns = list(repository_patterns_clean(push_patterns))
        member.save(update_fields=["role", "pull_patterns", "push_patterns", "update_time"])
        _member_changed(actor, member, operation="update")
    return member


def member_delete(*, actor: SecurityContext, project_id: int, member_id: int) -> None:
    """Take a member out of the project: anybody, oneself too, the last project admin as in Harbor."""
    with write_atomic():
        member = _member_for(actor, project_id, member_id, action="delete")
        _member_changed(actor, member, operation="delete")
        member.delete()


def members_of_deleted_user_remove(*, user_id: int) -> None:
    """Take a deleted person out of every project, inside the transaction that deletes them."""
    members = Member.objects.filter(user_id=user_id)
    touch(*(project_key(name) for name in members.values_list("project__name", flat=True)))
    members.delete()


def projects_of_group_touch(*, group_id: int) -> None:
    """Bump the stamps of the projects that a group is a member of, inside the transaction that deletes it."""
    members = Member.objects.filter(group_id=group_id)
    touch(*(project_key(name) for name in members.values_list("project__name", flat=True)))


def _role(role: int) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise BadRequestError(f"there is no role {role}") from None


def _person(user_id: int | None, username: str | None) -> User:
    """Locked, so that a deletion at the same time either finds the membership or is found."""
    people = live_users().select_for_update()
    user = (people.filter(id=user_id) if user_id else people.filter(username=username)).first()
    if user is None:
        raise NotFoundError(f"user {user_id or username} not found")
    return user


def _from_a_directory(actor: SecurityContext, project_id: int, username: str) -> None:
    """Let somebody become a member who has never signed in, if a directory has them."""
    username_check(username)
    if live_users().filter(username=username).exists():
        return
    _may_add(actor, project_id)
    external_onboard(username=username)


def _may_add(actor: SecurityContext, project_id: int) -> None:
    """Whether the caller may at all, before anybody outside is asked."""
    with write_atomic():
        project_lock(actor, project_id, resource="member", action="create")


def _group(group_id: int | None, name: str, group_type: int, ldap_group_dn: str) -> UserGroup:
    """Locked, as people are."""
    if any("\x00" in text for text in (name, ldap_group_dn)):
        raise BadRequestError("the group name holds a NUL character")
    if not group_id:
        found = group_find(name=name, group_type=group_type, ldap_group_dn=ldap_group_dn)
        group_id = found.pk if found is not None else 0
    group = UserGroup.objects.select_for_update().filter(pk=group_id).first()
    if group is None:
        raise NotFoundError(f"user group {(ldap_group_dn or name)[:255] or group_id} not found")
    return group


def _member_for(actor: SecurityContext, project_id: int, member_id: int, *, action: str) -> Member:
    project = project_lock(actor, project_id, resource="member", action=action)
    member = project.members.select_related("user", "group", "project").filter(id=member_id).first()
    if member is None:
        raise NotFoundError(f"member {member_id} of project {project.name} not found")
    return member


def _member_changed(actor: SecurityContext, member: Member, *, operation: str) -> None:
    touch(project_key(member.project.name))
    if member.user is not None:
        touch(principal_key(USER, member.user.pk))
    if member.group is not None:
        touch(*stamps_of_members([member.group.pk]))
    bus.publish(
        MemberChanged(
            operator=actor.name,
            operation=operation,
            project_id=member.project.pk,
            project_name=member.project.name,
            member_name=str(member.user or member.group),
            role=member.role,
        )
    )
