"""Sessions of browsers: Django's, in the database, so that every process and host knows them.

A session names the account and the version it had at sign-in. What ends an account's credentials (suspension,
deletion, a new password) ends its sessions with them: each request asks for the account as it is now.
"""

import re
import time

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore

from apps.accounts.authentication import authenticate, current_principal
from apps.accounts.security import USER, Principal
from apps.common.database import write_atomic
from apps.config.selectors import system_settings
from apps.events import bus
from apps.events.catalogue import UserLoggedIn, UserLoggedOut

RENEWAL_SECONDS = 60.0
"""A session in use is written once in this time, not on each request."""

_KEY = re.compile(r"[a-z0-9]{32}\Z")
_ACCOUNT, _RENEWED = "account", "renewed"


def session_open(*, username: str, password: str, address: str, replaces: str = "") -> str | None:
    """Sign a person in and return the key of a new session; None if name or password is wrong.

    ``replaces`` is the key that the client brought: it never becomes the key of the new session, so that nobody can
    plant one. Robot accounts and access tokens have no sessions.
    """
    principal = authenticate(username, password, address=address)
    if principal is None or principal.kind != USER:
        return None
    session = SessionStore()
    session[_ACCOUNT] = [principal.kind, principal.id, principal.version]
    _renew(session)
    with write_atomic():
        if _KEY.match(replaces):
            SessionStore(replaces).delete()
        session.create()
        bus.publish(
            UserLoggedIn(operator=principal.name, username=principal.name, succeeded=True, address=address)
        )
    return session.session_key


def session_principal(key: str, *, renew: bool) -> Principal | None:
    """Whose session this is, as the account is now; None if it is over. ``renew`` makes it last longer."""
    if not _KEY.match(key):
        return None
    session = SessionStore(key)
    age = time.time() - session.get(_RENEWED, 0.0)
    if _ACCOUNT not in session or age >= _life_seconds():
        return None
    kind, principal_id, version = session[_ACCOUNT]
    principal = current_principal(kind=kind, principal_id=principal_id, version=version)
    if principal is not None and renew and age >= RENEWAL_SECONDS:
        _renew(session)
        try:
            with write_atomic():
                session.save()
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
        SessionStore(key).delete()
        if principal is not None:
            bus.publish(UserLoggedOut(operator=principal.name, username=principal.name))


def sessions_clear() -> None:
    """Delete the rows of sessions that are over."""
    with write_atomic():
        SessionStore.clear_expired()


def _renew(session: SessionStore) -> None:
    session[_RENEWED] = time.time()
    session.set_expiry(_life_seconds())


def _life_seconds() -> int:
    return system_settings().session_timeout * 60
