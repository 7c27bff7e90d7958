"""Whether people whom a directory brought are still there: asked again while they are at work, docker too.

One caller at a time asks for a person, and keeps that from the others for some seconds; they go on with what was said
last. A directory that cannot be reached changes nothing for an hour (``membership_grace_minutes``), then nobody of it
gets in until it answers.
"""

import logging
from datetime import datetime, timedelta

from django.utils import timezone

from apps.accounts.directories import SourceUnreachableError, directory_of, enabled_sources
from apps.accounts.external_services import identity_confirmed, identity_refused
from apps.accounts.models import Identity, User
from apps.accounts.security import Principal
from apps.accounts.selectors import ADMIN_ID, principal_of
from apps.accounts.types import Source
from apps.common.database import release_connection, write_atomic
from apps.config.selectors import system_settings

logger = logging.getLogger(__name__)

_LEASE = timedelta(seconds=30)
"""How long one who asks has for it, and after how long a directory that did not answer is asked again."""


def person_now(user: User) -> Principal | None:
    """The person as their source has them now, as a principal; None if they may not sign in."""
    return principal_of(user) if may_still_come(user) else None


def may_still_come(user: User) -> bool:
    """Whether the source of this person lets them in now; asks it, which may take seconds, where that is due.

    ``user`` is loaded again if it was asked: what it says may change the row.
    """
    if user.id == ADMIN_ID:
        return True
    if user.source not in enabled_sources():
        return False
    if user.source == Source.LOCAL:
        return True
    identity = Identity.objects.filter(user_id=user.id).select_related("user").first()
    if identity is None:
        return False
    now = timezone.now()
    if _is_due(identity, now) and _claim(identity, now):
        _ask(identity)
        identity.refresh_from_db()
        user.refresh_from_db()
    return not identity.is_refused and not _is_over(identity, now)


def _is_due(identity: Identity, now: datetime) -> bool:
    if identity.is_refused or identity.confirmed_until is not None:
        return False
    period = timedelta(seconds=system_settings().membership_check_seconds)
    is_asked = identity.asked_at is not None and now < identity.asked_at + _LEASE
    return now >= identity.confirmed_at + period and not is_asked


def _claim(identity: Identity, now: datetime) -> bool:
    """Whether it is this caller who asks."""
    same = Identity.objects.filter(pk=identity.pk, asked_at=identity.asked_at)
    with write_atomic():
        return bool(same.update(asked_at=now))


def _ask(identity: Identity) -> None:
    directory = directory_of(identity.source)
    if directory is None:
        return
    release_connection()
    try:
        said = directory.confirm(identity)
    except SourceUnreachableError as error:
        logger.warning("%s could not be asked about %s: %s", identity.source, identity.user.username, error)
        return
    if said.person is None:
        identity_refused(identity_id=identity.pk)
    else:
        identity_confirmed(identity_id=identity.pk, said=said)


def _is_over(identity: Identity, now: datetime) -> bool:
    """Whether what was said has ended: at its own end, or as nothing was heard for too long."""
    if identity.confirmed_until is not None:
        return now >= identity.confirmed_until
    values = system_settings()
    grace = timedelta(minutes=values.membership_grace_minutes, seconds=values.membership_check_seconds)
    return now >= identity.confirmed_at + grace
