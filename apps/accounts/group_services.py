"""Changes to groups. Each that changes somebody's roles bumps the stamps of those people."""

from django.db import IntegrityError, transaction

from apps.accounts.directory_groups import directory_group
from apps.accounts.group_selectors import group_id_check, require_group, stamps_of_members
from apps.accounts.models import User, UserGroup, UserGroupMember
from apps.accounts.security import USER, SecurityContext, require_system
from apps.accounts.selectors import live_users
from apps.accounts.types import GroupType
from apps.common.database import write_atomic
from apps.common.errors import BadRequestError, ConflictError, NotFoundError, PreconditionError
from apps.common.stamps import principal_key, touch
from apps.events import bus
from apps.events.catalogue import GroupChanged

_MAX_NAME = 255
_MAX_DN = 512


def group_create(
    *, actor: SecurityContext, group_name: str, group_type: int, ldap_group_dn: str = ""
) -> UserGroup:
    """Make a group; needs ``user-group:create``. A group of LDAP is known by its distinguished name.

    Raises BadRequestError (a rule, or the directory has no such group) or ConflictError: a group of this type has the
    name or the distinguished name.
    """
    require_system(actor, "user-group", "create")
    kind = _type(group_type)
    dn = ldap_group_dn.strip() if kind == GroupType.LDAP else ""
    if kind == GroupType.LDAP:
        _dn_check(dn)
        if (known := directory_group(dn)) is not None:
            # As the directory writes it: that is what a person's groups are compared with.
            dn = dn if dn.lower() == known.dn.lower() else known.dn
            group_name = group_name or known.name
    _name_check(group_name)
    group = UserGroup(group_name=group_name, group_type=kind, ldap_group_dn=dn)
    with write_atomic():
        _save(group)
        _publish(actor, group, operation="create", description=f"create user group: {group_name}")
    return group


def group_onboard(*, actor: SecurityContext, ldap_group_dn: str) -> str:
    """Make the group of a distinguished name, if it is not here and a directory has it; gives the name as it is kept.

    For callers that have checked who asks. It waits for the network: never call it inside a transaction. Raises
    BadRequestError: the directory has no such group.
    """
    dn = ldap_group_dn.strip()
    _dn_check(dn)
    groups = UserGroup.objects.filter(group_type=GroupType.LDAP)
    if groups.filter(ldap_group_dn=dn).exists() or (known := directory_group(dn)) is None:
        return dn
    here = groups.filter(ldap_group_dn__iexact=known.dn).first()
    if here is None:
        here = UserGroup(group_name=known.name, group_type=GroupType.LDAP, ldap_group_dn=known.dn)
        with write_atomic():
            _save(here)
            _publish(actor, here, operation="create", description=f"create user group: {known.name}")
    return here.ldap_group_dn


def group_rename(*, actor: SecurityContext, group_id: int, group_name: str) -> UserGroup:
    """Change the name, as Harbor lets change nothing else; raises BadRequestError, NotFoundError, ConflictError."""
    with write_atomic():
        group = _locked(actor, group_id, "update")
        _name_check(group_name)
        before, group.group_name = group.group_name, group_name
        _save(group)
        _publish(actor, group, operation="update", description=f"rename user group: {before} to {group_name}")
    return group


def group_delete(*, actor: SecurityContext, group_id: int) -> None:
    """Delete a group with its memberships in projects; raises NotFoundError.

    :class:`GroupChanged` is told while the rows are still there, so that its handlers find what goes.
    """
    with write_atomic():
        group = _locked(actor, group_id, "delete")
        touch(*stamps_of_members([group.pk]))
        _publish(actor, group, operation="delete", description=f"delete user group: {group.group_name}")
        group.delete()


def group_member_add(
    *, actor: SecurityContext, group_id: int, user_id: int | None = None, username: str = ""
) -> User:
    """Put a person, by id or else by name, into a local group; needs ``user-group:update``.

    Raises NotFoundError (no such group or person), PreconditionError (a directory's group), ConflictError (there).
    """
    with write_atomic():
        group = _locked_local(actor, group_id)
        # Locked, so that a deletion at the same time either finds this membership or is found.
        people = live_users().select_for_update()
        user = (people.filter(id=user_id) if user_id else people.filter(username=username)).first()
        if user is None:
            raise NotFoundError(f"user {user_id or username[:_MAX_NAME]} not found")
        try:
            with transaction.atomic():
                UserGroupMember.objects.create(group=group, user=user)
        except IntegrityError:
            raise ConflictError(f"{user.username} is already in the group {group.group_name}") from None
        touch(principal_key(USER, user.pk))
        _publish(
            actor,
            group,
            operation="update",
            description=f"add {user.username} to user group: {group.group_name}",
        )
    return user


def group_member_remove(*, actor: SecurityContext, group_id: int, user_id: int) -> None:
    """Take a person out of a local group; needs ``user-group:update``. Raises as :func:`group_member_add`."""
    with write_atomic():
        group = _locked_local(actor, group_id)
        member = UserGroupMember.objects.filter(group=group, user_id=user_id).select_related("user").first()
        if member is None:
            raise NotFoundError(f"user {user_id} is not in the group {group.group_name}")
        member.delete()
        touch(principal_key(USER, user_id))
        _publish(
            actor,
            group,
            operation="update",
            description=f"remove {member.user.username} from user group: {group.group_name}",
        )


def _type(group_type: int) -> GroupType:
    try:
        return GroupType(group_type)
    except ValueError:
        raise BadRequestError(
            f"there is no group type {group_type}: 1 is LDAP, 2 HTTP, 3 OIDC, 4 local"
        ) from None


def _name_check(name: str) -> None:
    if not name.strip() or len(name) > _MAX_NAME or "\x00" in name:
        raise BadRequestError(f"the group name must have 1 to {_MAX_NAME} characters")


def _dn_check(dn: str) -> None:
    if not dn or len(dn) > _MAX_DN or "\x00" in dn:
        raise BadRequestError(f"the LDAP group's distinguished name must have 1 to {_MAX_DN} characters")


def _locked(actor: SecurityContext, group_id: int, action: str) -> UserGroup:
    require_system(actor, "user-group", action)
    group_id_check(group_id)
    return require_group(UserGroup.objects.select_for_update().filter(id=group_id).first(), group_id)


def _locked_local(actor: SecurityContext, group_id: int) -> UserGroup:
    group = _locked(actor, group_id, "update")
    if group.group_type != GroupType.LOCAL:
        raise PreconditionError(f"the members of the group {group.group_name} are kept by its directory")
    return group


def _save(group: UserGroup) -> None:
    """The name is one's own within the type, of LDAP the distinguished name as well."""
    same = UserGroup.objects.filter(group_type=group.group_type).exclude(pk=group.pk)
    if group.ldap_group_dn and same.filter(ldap_group_dn__iexact=group.ldap_group_dn).exists():
        raise ConflictError(f"there is a group with the distinguished name {group.ldap_group_dn}")
    try:
        with transaction.atomic():
            group.save()
    except IntegrityError:
        raise ConflictError(f"the user group {group.group_name} already exists") from None


def _publish(actor: SecurityContext, group: UserGroup, *, operation: str, description: str) -> None:
    bus.publish(
        GroupChanged(
            operator=actor.name,
            operation=operation,
            group_id=group.pk,
            group_name=group.group_name,
            description=description,
        )
    )
