"""Changes to people. Every change that ends credentials bumps ``version`` and the person's stamp."""

from collections.abc import Callable

from django.core.management.color import no_style
from django.db import IntegrityError, connection, transaction

from apps.accounts.leaving import traces_remove
from apps.accounts.models import User
from apps.accounts.passwords import (
    password_check,
    password_hash,
    password_matches,
    profile_check,
    username_check,
)
from apps.accounts.registration import registration_take
from apps.accounts.security import TOKEN, USER, SecurityContext, require_system
from apps.accounts.selectors import ADMIN_ID, is_self
from apps.accounts.throttle import Place, sign_in_failed, standing_of
from apps.common.database import write_atomic
from apps.common.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError
from apps.common.origin import current_address
from apps.common.stamps import principal_key, touch
from apps.config.selectors import system_settings
from apps.events import bus
from apps.events.catalogue import UserChanged


def user_create(
    *, actor: SecurityContext, username: str, email: str, realname: str, password: str, comment: str = ""
) -> User:
    """Add a person: needs ``user:create``, or nobody signed in where people may register themselves.

    Nobody is made a system administrator so. Raises BadRequestError (a rule), ConflictError (name or email used) or,
    for strangers, TooManyRequestsError.
    """
    is_stranger = actor.principal is None and system_settings().self_registration
    if not is_stranger:
        _require_no_token(actor)
        require_system(actor, "user", "create")
    username_check(username)
    profile_check(email=email, realname=realname, comment=comment)
    password_check(password)
    if is_stranger:
        registration_take(current_address())
    user = User(
        username=username, email=email, realname=realname, comment=comment, password=password_hash(password)
    )
    with write_atomic():
        _save(user)
        _publish(actor, user, operation="create", description="create user")
    return user


def user_update_profile(
    *,
    actor: SecurityContext,
    user_id: int,
    email: str | None = None,
    realname: str | None = None,
    comment: str | None = None,
) -> User:
    """Change a profile, one's own or with ``user:update`` another's; None leaves a field as it is."""

    def change(user: User) -> None:
        user.email = user.email if email is None else email
        user.realname = user.realname if realname is None else realname
        user.comment = user.comment if comment is None else comment
        profile_check(email=user.email or "", realname=user.realname, comment=user.comment)

    return _user_change(
        actor=actor,
        user_id=user_id,
        own=True,
        change=change,
        ends_credentials=False,
        description="update profile",
    )


def user_set_sysadmin(*, actor: SecurityContext, user_id: int, sysadmin: bool) -> User:
    """Make somebody a system administrator or no longer one: only system administrators may, ``admin`` stays one."""
    _require_system_admin(actor)
    if user_id == ADMIN_ID and not sysadmin:
        raise ForbiddenError("the first administrator stays a system administrator")

    description = "set system administrator" if sysadmin else "unset system administrator"
    return _flag_set(actor, user_id, "sysadmin_flag", on=sysadmin, description=description)


def user_set_auditor(*, actor: SecurityContext, user_id: int, auditor: bool) -> User:
    """Let somebody read everything and change nothing, or no longer: only system administrators may.

    A system administrator who is an auditor too stays a system administrator.
    """
    _require_system_admin(actor)
    description = "set auditor" if auditor else "unset auditor"
    return _flag_set(actor, user_id, "auditor_flag", on=auditor, description=description)


def user_set_active(*, actor: SecurityContext, user_id: int, active: bool) -> User:
    """Suspend a person, or let them in again: only system administrators may, and not themselves nor ``admin``.

    Sessions, tokens and remembered passwords are dead at once; memberships and history stay.
    """
    _require_system_admin(actor)
    if not active and (is_self(actor, user_id) or user_id == ADMIN_ID):
        raise ForbiddenError("this account cannot be suspended by you")
    description = "activate user" if active else "suspend user"
    return _flag_set(actor, user_id, "is_active", on=active, description=description)


def user_change_password(*, actor: SecurityContext, user_id: int, new: str, old: str | None = None) -> User:
    """Change a password: one's own with the old one, or another's with ``user:update``.

    Raises ForbiddenError for a wrong old password, BadRequestError for one that breaks the policy or is the
    old one, ConflictError if somebody else changed it meanwhile.
    """
    user = _require_over(
        actor, User.objects.filter(id=user_id, deleted=False).first(), user_id=user_id, own=True
    )
    # Hashes are slow, so they are made outside the transaction and the row is compared again inside.
    if is_self(actor, user_id) and not _is_own_password(user, old or ""):
        raise ForbiddenError("the old password is not correct")
    password_check(new)
    if password_matches(new, user.password):
        raise BadRequestError("the new password must not be the old one")
    encoded = password_hash(new)

    def change(current: User) -> None:
        if current.password != user.password:
            raise ConflictError("the password was changed meanwhile")
        current.password = encoded

    return _user_change(actor=actor, user_id=user_id, own=True, change=change, description="change password")


def _is_own_password(user: User, password: str) -> bool:
    """Whether it is; wrong ones count as those of a login do, so that a stolen session cannot try them all."""
    place = Place(user.username, current_address())
    standing = standing_of(place)
    if standing.is_held:
        return password_matches(password, None)
    is_right = password_matches(password, user.password)
    if not is_right:
        sign_in_failed(place, standing)
    return is_right


def user_delete(*, actor: SecurityContext, user_id: int) -> None:
    """Delete a person: the row stays under ``name#id`` for the history. Not oneself, not the first ``admin``.

    Tokens, roles and the names that other tables have are the business of those who hear of it.
    """
    if is_self(actor, user_id) or user_id == ADMIN_ID:
        raise ForbiddenError("this account cannot be deleted by you")
    with write_atomic():
        user = _require_over(actor, _locked(user_id), user_id=user_id, own=False, action="delete")
        name = user.username
        traces_remove(user)
        user.version += 1
        _save(user)
        _publish(actor, user, operation="delete", description="delete user", name=name)


def admin_create(*, password: str) -> User:
    """Make ``admin``, id 1, at first start; raises ConflictError if it is there, BadRequestError for the policy."""
    password_check(password)
    user = User(
        id=ADMIN_ID,
        username="admin",
        email="admin@example.com",
        realname="system admin",
        comment="admin user",
        sysadmin_flag=True,
        password=password_hash(password),
    )
    with write_atomic():
        if User.objects.filter(id=ADMIN_ID).exists():
            raise ConflictError("the first administrator exists already")
        _save(user, force_insert=True)
        sequence_advance(User)
        bus.publish(
            UserChanged(
                operator="",
                operation="create",
                user_id=user.id,
                username=user.username,
                description="first start",
            )
        )
    return user


def sequence_advance(model: type[User]) -> None:
    """Let the table's next id come after the ids that were given by hand (PostgreSQL needs telling)."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(statement)


def _flag_set(actor: SecurityContext, user_id: int, name: str, *, on: bool, description: str) -> User:
    """Set a flag that nobody sets for themselves by the right to their own account."""

    def change(user: User) -> None:
        setattr(user, name, on)

    return _user_change(actor=actor, user_id=user_id, own=False, change=change, description=description)


def _user_change(
    *,
    actor: SecurityContext,
    user_id: int,
    own: bool,
    change: Callable[[User], None],
    description: str,
    ends_credentials: bool = True,
) -> User:
    """Apply ``change`` to the locked row, authorised, with event and stamp."""
    with write_atomic():
        user = _require_over(actor, _locked(user_id), user_id=user_id, own=own)
        change(user)
        user.version += ends_credentials
        _save(user)
        _publish(actor, user, operation="update", description=description)
    return user


def _locked(user_id: int) -> User | None:
    return User.objects.select_for_update().filter(id=user_id, deleted=False).first()


def _require_over(
    actor: SecurityContext, user: User | None, *, user_id: int, own: bool, action: str = "update"
) -> User:
    """Authorise a change; a robot that may change people may not thereby become a system administrator."""
    _require_no_token(actor)
    if not (own and is_self(actor, user_id)):
        require_system(actor, "user", action)
        may_more = user is not None and (user.sysadmin_flag or user.admin_role_in_auth or user.auditor_flag)
        if may_more and not actor.is_system_admin:
            raise ForbiddenError(
                "only a system administrator can change a system administrator or an auditor"
            )
    if user is None:
        raise NotFoundError(f"user {user_id} not found")
    return user


def _require_system_admin(actor: SecurityContext) -> None:
    """Raise for everybody else, also for a robot account that may change people."""
    if not actor.is_system_admin:
        require_system(actor, "user", "update")
        raise ForbiddenError("only a system administrator can do this")


def _require_no_token(actor: SecurityContext) -> None:
    """A stolen token must not become a password."""
    if actor.principal is not None and actor.principal.kind == TOKEN:
        raise ForbiddenError("an access token cannot manage accounts; sign in with your password")


def _save(user: User, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            user.save(force_insert=force_insert)
    except IntegrityError:
        raise ConflictError(
            f"the username {user.username} or the email {user.email} is already used"
        ) from None


def _publish(
    actor: SecurityContext, user: User, *, operation: str, description: str, name: str | None = None
) -> None:
    touch(principal_key(USER, user.id))
    bus.publish(
        UserChanged(
            operator=actor.name,
            operation=operation,
            user_id=user.id,
            username=name or user.username,
            description=description,
        )
    )
