"""Sessions of browsers: Django's, in the database, so that every process and host knows them.

A session names the account and the version it had at sign-in. What ends an account's credentials (suspension,
deletion, a new password) ends its sessions with them: each request asks for the account as it is now.

The rows are under a hash of the key that the browser has, and each has a :class:`UserSession` beside it for the eyes of
the person whose it is. Django's row is what counts: without it the other one is nothing.
"""

import hashlib
import re
import time
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.accounts.authentication import authenticate, current_principal
from apps.accounts.models import User, UserSession
from apps.accounts.security import USER, Principal
from apps.common.database import delete_rows, write_atomic
from apps.common.origin import current_address
from apps.config.selectors import system_settings
from apps.events import bus
from apps.events.catalogue import UserLoggedIn, UserLoggedOut
from apps.events.logins import PasswordConfirmed

RENEWAL_SECONDS = 60.0
"""A session in use is written once in this time, not on each request."""

_KEY = re.compile(r"[a-z0-9]{32}\Z")
_ACCOUNT, _RENEWED, _BEGAN, _CONFIRMED, _SOURCE = "account", "renewed", "began", "confirmed", "source"
_MAX_ADDRESS, _MAX_AGENT = 64, 255


class SessionStore(DatabaseStore):
    """Django's, whose rows are under a hash of the key: who reads the database has nobody's session."""

    def _get_session_from_db(self) -> Any:
        found = Session.objects.filter(
            session_key=session_key_hash(str(self.session_key)), expire_date__gt=timezone.now()
        ).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str | None) -> bool:
        """See Django."""
        return super().exists(session_key_hash(session_key or ""))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """See Django."""
        row = super().create_model_instance(data)
        row.session_key = session_key_hash(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        """See Django."""
        key = session_key or self.session_key
        if key:
            super().delete(session_key_hash(key))


def session_key_hash(key: str) -> str:
    """What the rows of a session are found by. A key is random, so that a plain hash of it suffices."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def session_open(
    *, username: str, password: str, address: str, replaces: str = "", agent: str = "", device: str = ""
) -> str | None:
    """Sign a person in and return the key of a new session; None if name or password is wrong.

    What stands for a password with programs (a CLI secret, an access token) opens none.
    ``device`` as for :func:`apps.accounts.authentication.authenticate`, the others as for :func:`session_start`.
    """
    principal = authenticate(username, password, address=address, device=device)
    if principal is None or principal.kind != USER or principal.via:
        return None
    return session_start(principal=principal, address=address, replaces=replaces, agent=agent)


def session_start(*, principal: Principal, address: str, replaces: str = "", agent: str = "") -> str:
    """Begin a session of a person who has proved just now who they are, and return its key.

    ``replaces`` is the key that the client brought: it never becomes the key of the new session, so that nobody can
    plant one. Robot accounts and access tokens have no sessions. ``agent`` is what the browser says that it is.
    """
    session = SessionStore()
    now = time.time()
    source = str(User.objects.values_list("source", flat=True).get(pk=principal.id))
    session[_ACCOUNT] = [principal.kind, principal.id, principal.version]
    session[_BEGAN] = session[_CONFIRMED] = now
    session[_SOURCE] = source
    _renew(session)
    with write_atomic():
        if _KEY.match(replaces):
            _delete(replaces)
        session.create()
        UserSession.objects.create(
            user_id=principal.id,
            key_hash=session_key_hash(str(session.session_key)),
            version=principal.version,
            source=source,
            address=address[:_MAX_ADDRESS],
            agent=agent[:_MAX_AGENT],
        )
        bus.publish(
            UserLoggedIn(operator=principal.name, username=principal.name, succeeded=True, address=address)
        )
    return str(session.session_key)


def session_principal(key: str, *, renew: bool) -> Principal | None:
    """Whose session this is, as the account is now; None if it is over. ``renew`` makes it last longer."""
    session = _live(key)
    if session is None:
        return None
    kind, principal_id, version = session[_ACCOUNT]
    principal = current_principal(kind=kind, principal_id=principal_id, version=version)
    if principal is not None and renew and time.time() - session[_RENEWED] >= RENEWAL_SECONDS:
        _renew(session)
        try:
            with write_atomic():
                session.save()
                UserSession.objects.filter(key_hash=session_key_hash(key)).update(
                    seen_at=timezone.now(), address=current_address()[:_MAX_ADDRESS]
                )
        except UpdateError:
            # It was ended since it was read: saving must not bring it back.
            return None
    return principal


def session_close(key: str) -> None:
    """End a session; one that is over already is no error."""
    principal = session_principal(key, renew=False)
    if not _KEY.match(key):
        return
    with write_atomic():
        _delete(key)
        if principal is not None:
            bus.publish(UserLoggedOut(operator=principal.name, username=principal.name))


def session_source(key: str) -> str:
    """Who said that the person of this session is who they are (:class:`apps.accounts.types.Source`); "" if it is over."""
    session = _live(key)
    return "" if session is None else str(session.get(_SOURCE, ""))


def is_confirmed(key: str) -> bool:
    """Whether this session has given its password so lately that it may do dangerous things."""
    minutes: int = settings.HARBOR.reauthentication_minutes
    if not minutes:
        return True
    session = _live(key)
    return session is not None and time.time() - session.get(_CONFIRMED, 0.0) < minutes * 60


def session_confirm(*, key: str, password: str, address: str, device: str = "") -> bool:
    """Take the password again, of the person whose session this is; whether it was right."""
    session, principal = _live(key), session_principal(key, renew=False)
    if session is None or principal is None:
        return False
    found = authenticate(principal.name, password, address=address, device=device)
    # Their own password, or that of their directory: a token of theirs is no proof.
    if found is None or (found.kind, found.id, found.via) != (USER, principal.id, ""):
        return False
    session[_CONFIRMED] = time.time()
    try:
        with write_atomic():
            session.save()
            bus.publish(PasswordConfirmed(operator=principal.name, username=principal.name))
    except UpdateError:
        return False
    return True


def sessions_clear() -> None:
    """Delete the rows of sessions that are over."""
    with write_atomic():
        SessionStore.clear_expired()
        delete_rows(UserSession.objects.exclude(key_hash__in=Session.objects.values("session_key")))


def _live(key: str) -> SessionStore | None:
    """The session, unless it is over."""
    if not _KEY.match(key):
        return None
    session = SessionStore(key)
    now = time.time()
    if _ACCOUNT not in session or now - session.get(_RENEWED, 0.0) >= _life_seconds():
        return None
    longest: int = settings.HARBOR.session_max_hours
    return None if longest and now - session.get(_BEGAN, 0.0) >= longest * 3600 else session


def _delete(key: str) -> None:
    SessionStore(key).delete()
    delete_rows(UserSession.objects.filter(key_hash=session_key_hash(key)))


def _renew(session: SessionStore) -> None:
    session[_RENEWED] = time.time()
    session.set_expiry(_life_seconds())


def _life_seconds() -> int:
    return system_settings().session_timeout * 60
