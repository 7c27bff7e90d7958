"""Reads of people."""

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.accounts.security import USER, Principal, SecurityContext, require_system
from apps.common.errors import BadRequestError, NotFoundError, PreconditionError, UnauthorizedError
from apps.config.selectors import system_settings

ADMIN_ID = 1


def user_list(*, actor: SecurityContext) -> QuerySet[User]:
    """Everybody who is not deleted, by name; needs ``user:list`` of the system."""
    require_system(actor, "user", "list")
    return live_users()


def user_get(*, actor: SecurityContext, user_id: int) -> User:
    """One person: oneself, or anybody with ``user:read``; raises :class:`NotFoundError`."""
    if not is_self(actor, user_id):
        require_system(actor, "user", "read")
    user = live_users().filter(id=user_id).first()
    if user is None:
        raise NotFoundError(f"user {user_id} not found")
    return user


def user_search(*, actor: SecurityContext, name: str) -> QuerySet[User]:
    """People whose name contains ``name``, whatever the case: for anybody who is signed in."""
    if actor.principal is None:
        raise UnauthorizedError("sign in to do this")
    return live_users().filter(username__icontains=name)


def user_exists(*, actor: SecurityContext, target: str, value: str) -> bool:
    """Whether somebody has this ``username`` or ``email`` (``target`` says which).

    Raises PreconditionError unless people may register themselves or ``actor`` is a system administrator.
    """
    if not system_settings().self_registration and not actor.is_system_admin:
        raise PreconditionError(
            "self registration deactivated, only system administrators can check whether a user exists"
        )
    if target not in ("username", "email"):
        raise BadRequestError("the target must be username or email")
    return "\x00" not in value and live_users().filter(**{target: value}).exists()


def live_users() -> QuerySet[User]:
    """Everybody who is not deleted, by name, for callers that have checked who asks."""
    return User.objects.filter(deleted=False).order_by("username")


def lowest_system_admin() -> User:
    """The system administrator with the lowest id: owner of what robots make."""
    user = User.objects.filter(deleted=False, sysadmin_flag=True).order_by("id").first()
    if user is None:
        raise NotFoundError("there is no system administrator")
    return user


def is_self(actor: SecurityContext, user_id: int) -> bool:
    """Whether the caller is this person."""
    principal = actor.principal
    return principal is not None and principal.person == user_id


def principal_of(user: User) -> Principal | None:
    """The person as a principal; None if they may not sign in."""
    if user.deleted or not user.is_active:
        return None
    return Principal(
        kind=USER,
        id=user.id,
        name=user.username,
        version=user.version,
        is_system_admin=user.sysadmin_flag or user.admin_role_in_auth,
        is_auditor=user.auditor_flag,
    )
