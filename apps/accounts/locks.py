"""Locks of people after wrong passwords, for those who administer them: see :mod:`apps.accounts.throttle`."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max
from django.utils import timezone

from apps.accounts.models import SignInRecord, User
from apps.accounts.security import TOKEN, SecurityContext, require_system
from apps.accounts.selectors import user_get
from apps.accounts.throttle import account_hash
from apps.common.database import write_atomic
from apps.common.errors import ForbiddenError
from apps.events import bus
from apps.events.logins import SignInUnlocked


def user_locks(*, actor: SecurityContext, users: Iterable[User]) -> dict[int, datetime]:
    """Until when people are locked, anywhere or at some address, by their ids; those who are not are not in it."""
    require_system(actor, "user", "read")
    accounts = {account_hash(user.username): user.pk for user in users}
    rows = SignInRecord.objects.filter(
        account__in=accounts, is_locked=True, held_until__gt=timezone.now()
    ).values_list("account")
    return {accounts[account]: until for account, until in rows.annotate(until=Max("held_until")).order_by()}


def user_locked_until(*, actor: SecurityContext, user_id: int) -> datetime | None:
    """Until when a person is locked; needs ``user:read``, also for oneself: who is locked out learns nothing of it."""
    require_system(actor, "user", "read")
    return user_locks(actor=actor, users=[user_get(actor=actor, user_id=user_id)]).get(user_id)


def user_unlock(*, actor: SecurityContext, user_id: int) -> None:
    """End the locks of a person and forget the wrong passwords; needs ``user:update``."""
    if actor.principal is not None and actor.principal.kind == TOKEN:
        raise ForbiddenError("an access token cannot manage accounts; sign in with your password")
    require_system(actor, "user", "update")
    user = user_get(actor=actor, user_id=user_id)
    with write_atomic():
        SignInRecord.objects.filter(account=account_hash(user.username)).update(
            failures=0, held_until=None, is_locked=False
        )
        bus.publish(SignInUnlocked(operator=actor.name, user_id=user.pk, username=user.username))
