"""What people see of their sessions and end of them, and administrators of other people's."""

from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.accounts.models import User, UserSession
from apps.accounts.security import TOKEN, SecurityContext, require_system
from apps.accounts.selectors import is_self, live_users
from apps.accounts.sessions import session_key_hash
from apps.common.database import delete_rows, write_atomic
from apps.common.errors import ForbiddenError, NotFoundError
from apps.events import bus
from apps.events.logins import SessionsEnded


def session_list(*, actor: SecurityContext, user_id: int) -> QuerySet[UserSession]:
    """The sessions of a person that live, the one used last first: one's own, or with ``user:read`` another's."""
    _require_over(actor, user_id, action="read")
    return _living(user_id).order_by("-seen_at", "-id")


def session_end(*, actor: SecurityContext, user_id: int, session_id: int) -> None:
    """End one session: one's own, or with ``user:update`` another's. Raises NotFoundError."""
    user = _require_over(actor, user_id, action="update")
    found = _living(user_id).filter(pk=session_id).first()
    if found is None:
        raise NotFoundError(f"session {session_id} not found")
    with write_atomic():
        _end(actor, user, UserSession.objects.filter(pk=found.pk), f"end session from {found.address}")


def sessions_end(*, actor: SecurityContext, user_id: int, but: str = "") -> int:
    """End all sessions of a person, ``but`` the one with this key; returns how many that lived."""
    user = _require_over(actor, user_id, action="update")
    with write_atomic():
        count = _living(user_id).exclude(key_hash=session_key_hash(but)).count()
        rows = UserSession.objects.filter(user_id=user_id).exclude(key_hash=session_key_hash(but))
        _end(actor, user, rows, f"end {count} sessions")
    return count


def session_is(session: UserSession, key: str) -> bool:
    """Whether ``key`` is that of this session."""
    return session.key_hash == session_key_hash(key)


def _living(user_id: int) -> QuerySet[UserSession]:
    now = timezone.now()
    rows = UserSession.objects.filter(
        user_id=user_id,
        version=F("user__version"),
        key_hash__in=Session.objects.filter(expire_date__gt=now).values("session_key"),
    )
    longest: int = settings.HARBOR.session_max_hours
    return rows.filter(began_at__gt=now - timedelta(hours=longest)) if longest else rows


def _end(actor: SecurityContext, user: User, rows: QuerySet[UserSession], description: str) -> None:
    # Read first: SQLite's statement that deletes by a sub-query would see what the next one has deleted.
    hashes = list(rows.values_list("key_hash", flat=True))
    delete_rows(Session.objects.filter(session_key__in=hashes))
    delete_rows(rows)
    bus.publish(
        SessionsEnded(
            operator=actor.name,
            user_id=user.pk,
            username=user.username,
            description=f"{description} of {user.username}",
        )
    )


def _require_over(actor: SecurityContext, user_id: int, *, action: str) -> User:
    """The person, if the actor may do this to their sessions."""
    if actor.principal is not None and actor.principal.kind == TOKEN:
        raise ForbiddenError("an access token cannot manage sessions; sign in with your password")
    is_own = is_self(actor, user_id)
    if not is_own:
        require_system(actor, "user", action)
    user = live_users().filter(pk=user_id).first()
    if user is None:
        raise NotFoundError(f"user {user_id} not found")
    is_powerful = user.sysadmin_flag or user.admin_role_in_auth or user.auditor_flag
    if action != "read" and is_powerful and not is_own and not actor.is_system_admin:
        raise ForbiddenError("only a system administrator can change a system administrator or an auditor")
    return user
