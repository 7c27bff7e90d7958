"""Reads of groups."""

from collections.abc import Iterable

from django.db.models import Count, QuerySet

from apps.accounts.directories import enabled_sources
from apps.accounts.models import User, UserGroup, UserGroupMember
from apps.accounts.security import USER, SecurityContext, require_system
from apps.accounts.types import GROUPS_OF, GroupType, Source
from apps.common.errors import BadRequestError, NotFoundError, UnauthorizedError
from apps.common.stamps import principal_key


def group_list(*, actor: SecurityContext, name: str = "", ldap_group_dn: str = "") -> QuerySet[UserGroup]:
    """Groups that are in use now, those whose name contains ``name``; needs ``user-group:list``.

    In use are the local ones and those of the directory that people sign in with; without one all of them.
    ``ldap_group_dn`` narrows an LDAP directory's to this name.
    """
    require_system(actor, "user-group", "list")
    groups = _in_use()
    if ldap_group_dn and Source.LDAP in enabled_sources():
        groups = groups.filter(ldap_group_dn=ldap_group_dn)
    return groups.filter(group_name__icontains=name) if name else groups


def group_search(*, actor: SecurityContext, name: str) -> QuerySet[UserGroup]:
    """Groups whose name contains ``name``, whatever the case, none for "": for anybody who is signed in."""
    if actor.principal is None:
        raise UnauthorizedError("sign in to do this")
    return _in_use().filter(group_name__icontains=name) if name else UserGroup.objects.none()


def group_get(*, actor: SecurityContext, group_id: int) -> UserGroup:
    """One group; needs ``user-group:read``. Raises :class:`NotFoundError`."""
    require_system(actor, "user-group", "read")
    group_id_check(group_id)
    return require_group(UserGroup.objects.filter(id=group_id).first(), group_id)


def group_member_list(*, actor: SecurityContext, group_id: int) -> QuerySet[User]:
    """The people of a group, by name; needs ``user-group:read``. Raises :class:`NotFoundError`."""
    group = group_get(actor=actor, group_id=group_id)
    return User.objects.filter(group_memberships__group=group, deleted=False).order_by("username")


def group_member_counts(group_ids: Iterable[int]) -> dict[int, int]:
    """How many people are in each of these groups; those without any are missing."""
    rows = UserGroupMember.objects.filter(group_id__in=list(group_ids), user__deleted=False)
    return dict(rows.values_list("group_id").annotate(Count("id")))


def require_group(group: UserGroup | None, group_id: int) -> UserGroup:
    """Raise :class:`NotFoundError` for a group that is not there."""
    if group is None:
        raise NotFoundError(f"user group {group_id} not found")
    return group


def group_id_check(group_id: int) -> None:
    """Raise :class:`BadRequestError` for what can be no id, as Harbor does."""
    if group_id <= 0:
        raise BadRequestError(f"the user group id {group_id} is not a positive number")


def group_find(*, name: str = "", group_type: int = 0, ldap_group_dn: str = "") -> UserGroup | None:
    """The one group of this distinguished name, or of this name and type (0 for any); None for none or several."""
    groups = UserGroup.objects.filter(group_type=group_type) if group_type else UserGroup.objects.all()
    groups = groups.filter(ldap_group_dn=ldap_group_dn) if ldap_group_dn else groups.filter(group_name=name)
    found = list(groups[:2])
    return found[0] if len(found) == 1 else None


def stamps_of_members(group_ids: Iterable[int]) -> list[str]:
    """The keys of the stamps of everybody in these groups."""
    rows = UserGroupMember.objects.filter(group_id__in=list(group_ids))
    return [principal_key(USER, user_id) for user_id in rows.values_list("user_id", flat=True).distinct()]


def _in_use() -> QuerySet[UserGroup]:
    """With passwords of our own alone there is no directory to choose: then all groups are."""
    groups = UserGroup.objects.order_by("group_name", "id")
    kinds = [GROUPS_OF[source] for source in enabled_sources() if source in GROUPS_OF]
    return groups.filter(group_type__in=(*kinds, GroupType.LOCAL)) if kinds else groups
