"""From a name and a password to a principal, quickly when they were good a moment ago and slowly to guess.

* Verified credentials are remembered by a keyed hash; a hit costs no Argon2, and no SQL while the principal's
  stamp stands. They end with the row's ``version``, and by age.
* A wrong password freezes that name for that address, so that ``admin`` is not locked out from elsewhere. That is the
  first step, in this process; what comes after several is in :mod:`apps.accounts.throttle`.
* A name that nobody has costs the same work as a wrong password.
"""

import hashlib
import hmac
import os
import threading
import time
from collections.abc import Callable

from django.conf import settings

from apps.accounts.federation import federated_principal, is_signed_token
from apps.accounts.passwords import MAX_PASSWORD, has_control, password_matches
from apps.accounts.security import Principal, kinds, principal_stamps
from apps.accounts.sources import may_come_from
from apps.accounts.throttle import Place, sign_in_failed, sign_in_succeeded, standing_of
from apps.common.caches import StampedCache
from apps.common.database import release_connection, write_atomic
from apps.common.metrics import get_recorder
from apps.events import bus
from apps.events.catalogue import UserLoggedIn

FREEZE_SECONDS = 1.5
REPORT_SECONDS = 10.0

_MAX_NAME = 1024
_AUDITED_NAME = 255
_STRIPES = 64

# None is not cached, so that an account that is not there is an empty tuple.
_principals: StampedCache[tuple[Principal, ...]] = StampedCache(max_entries=16384, max_age=10)


class Deadlines:
    """Keys that hold for some seconds; ``size`` of them at most, the oldest go first. Threads may share it."""

    def __init__(self, *, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._deadlines: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def holds(self, key: tuple[str, str]) -> bool:
        """Whether the key was started less than its seconds ago."""
        return self._clock() < self._deadlines.get(key, 0.0)

    def start(self, key: tuple[str, str], seconds: float) -> bool:
        """Start the key unless it holds; says whether it was started."""
        with self._lock:
            if self.holds(key):
                return False
            self._deadlines.pop(key, None)
            while len(self._deadlines) >= self._size:
                del self._deadlines[next(iter(self._deadlines))]
            self._deadlines[key] = self._clock() + seconds
            return True


class VerifiedCredentials:
    """Whose a name and password are, by a hash under a key of this process: the password is not kept."""

    def __init__(self, *, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._key = os.urandom(32)
        self._entries: dict[bytes, tuple[Principal, float]] = {}
        self._lock = threading.Lock()

    def find(self, username: str, password: str) -> Principal | None:
        """The principal as it is now, if these credentials were good and the account has not changed since."""
        entry = self._entries.get(self._digest(username, password))
        if entry is None or self._clock() >= entry[1]:
            return None
        principal = entry[0]
        current = current_principal(
            kind=principal.kind,
            principal_id=principal.id,
            version=principal.version,
            owner_id=principal.owner_id,
        )
        return None if current is None else current.through(principal.via, until=principal.until)

    def remember(self, username: str, password: str, principal: Principal, seconds: float) -> None:
        """Take these credentials for good for some seconds."""
        if seconds <= 0:
            return
        digest = self._digest(username, password)
        with self._lock:
            self._entries.pop(digest, None)
            while len(self._entries) >= self._size:
                del self._entries[next(iter(self._entries))]
            if principal.until:
                seconds = min(seconds, principal.until - time.time())
            self._entries[digest] = (principal, self._clock() + seconds)

    def _digest(self, username: str, password: str) -> bytes:
        name, secret = (text.encode("utf-8", "surrogatepass") for text in (username, password))
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        return hmac.digest(self._key, len(name).to_bytes(4) + name + secret, hashlib.sha256)


_verified = VerifiedCredentials(size=8192)
_frozen = Deadlines(size=16384)
_reported = Deadlines(size=16384)
# Tries of one name from one address go one after another: the first wrong one freezes those behind it, and a
# client's eight connections with the right password cost one hash.
_one_by_one = [threading.Lock() for _ in range(_STRIPES)]


def authenticate(username: str, password: str, *, address: str, device: str = "") -> Principal | None:
    """The account of a name and password, or None. ``address`` is the client's, for the freeze and the audit.

    ``device`` is a browser that this account has signed in with before (:mod:`apps.accounts.devices`): it is a place
    of its own, whatever others at the same address do.
    """
    if not 0 < len(username) <= _MAX_NAME or has_control(username):
        return None
    if is_signed_token(password):
        principal = _verified.find(username, password) or _try_token(username, password, address)
    elif 0 < len(password) <= MAX_PASSWORD:
        principal = _verified.find(username, password) or _try(username, password, address, device)
    else:
        return None
    if principal is not None and not may_come_from(principal, address):
        _report(username, address)
        return None
    if principal is not None and (used := kinds()[principal.kind].used) is not None:
        used(principal, address)
    return principal


def _try(username: str, password: str, address: str, device: str) -> Principal | None:
    """Ask those who know, once at a time for a name and an address."""
    key = (username, device or address)
    # Those who wait must not hold the pool's connections, which the one who tries needs.
    release_connection()
    with _one_by_one[hash(key) % _STRIPES]:
        if principal := _verified.find(username, password):
            return principal
        if _frozen.holds(key):
            _note("frozen")
            return None
        if principal := _ask_unless_held(username, password, address, device):
            _verified.remember(username, password, principal, settings.HARBOR.credential_cache_seconds)
            return principal
        _frozen.start(key, FREEZE_SECONDS)
    _report(username, address)
    return None


def _try_token(username: str, token: str, address: str) -> Principal | None:
    """Ask those who trust tokens of others. No guess comes near one: a wrong one is reported, and freezes nobody."""
    principal = federated_principal(username, token, address=address)
    if principal is None:
        _note("wrong")
        _report(username, address)
        return None
    _note("success")
    _verified.remember(username, token, principal, settings.HARBOR.credential_cache_seconds)
    return principal


def _ask_unless_held(username: str, password: str, address: str, device: str) -> Principal | None:
    """Ask, and keep the books of :mod:`apps.accounts.throttle`. What is held costs the same work as a wrong password."""
    claimed = [name for name, kind in kinds().items() if kind.authenticator.claims(username, password)]
    place = Place(username, address, kind=claimed[0] if claimed else "", device=device)
    standing = standing_of(place)
    if standing.is_held:
        password_matches(password, None)
        _note("held")
        return None
    principal = _ask(claimed, username, password)
    if principal is None:
        sign_in_failed(place, standing)
        _note("wrong")
    else:
        sign_in_succeeded(place, standing)
        _note("success")
    return principal


def current_principal(*, kind: str, principal_id: int, version: int, owner_id: int = 0) -> Principal | None:
    """The account as it is now; None if it is gone, may not sign in, or changed since ``version``.

    ``owner_id`` as the principal had it.

    Warm, it costs a stamp read; it is loaded again after ten seconds whatever the stamp says.
    """
    known = kinds().get(kind)
    if known is None:
        return None

    def load() -> tuple[Principal, ...]:
        principal = known.authenticator.current(principal_id)
        return () if principal is None else (principal,)

    stamps = principal_stamps(kind, principal_id, owner_id)
    found = _principals.get((kind, principal_id, owner_id), stamps, load)
    same = found and (found[0].version, found[0].owner_id) == (version, owner_id)
    return found[0] if found and same else None


def _ask(claimed: list[str], username: str, password: str) -> Principal | None:
    """Ask each kind that they can be of; a name of no kind costs the same work."""
    for name in claimed:
        if principal := kinds()[name].authenticator.authenticate(username, password):
            return principal
    if not claimed:
        password_matches(password, None)
    return None


def _note(result: str) -> None:
    """For the metrics."""
    if (recorder := get_recorder()) is not None:
        recorder.login(result)


def _report(username: str, address: str) -> None:
    """One event for all failures of a name from an address in ten seconds: guessing fills no table."""
    if _reported.start((username, address), REPORT_SECONDS):
        name = username[:_AUDITED_NAME]
        with write_atomic():
            bus.publish(UserLoggedIn(operator=name, username=name, succeeded=False, address=address))
