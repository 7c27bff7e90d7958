"""Wrong passwords slow a place down and then lock it, counted over every process and host.

Three counts run for an hour each: of an account from a network, of an account from all of them, and of a network over
all accounts. The last four failures before a limit hold for 3, 6, 12 and 24 seconds, the limit for ``login_lock_seconds``.

Nobody can be locked out from where they usually sign in: the second and third count hold only who has not signed in from
there within 30 days, and failures there are no part of the second. A browser that has signed in before has a place of
its own (:mod:`apps.accounts.devices`). ``admin`` has no second count at all, nor have secrets that cannot be guessed
(those of robot accounts and access tokens).

Names that nobody has are counted as others are: what is held tells nothing about who exists. The table knows them by a
keyed hash, as people type passwords where the name belongs.
"""

import hashlib
import hmac
import ipaddress
import logging
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Q
from django.utils import timezone

from apps.accounts.models import SignInRecord
from apps.accounts.security import USER
from apps.common.database import delete_rows, write_atomic
from apps.events import bus
from apps.events.logins import SignInLocked

logger = logging.getLogger(__name__)

ADMIN_NAME = "admin"
COUNTED = timedelta(hours=1)
KNOWN = timedelta(days=30)
MOST_ROWS = 100_000
"""More are cleared, those first that would go first anyway: who guesses names fills no disk."""

_SLOW = 4
_FIRST_HOLD = 3.0
_TOLD_NAME = 255
_RENEWAL = timedelta(days=1)

Key = tuple[str, str]
"""Account and network, as in the table."""


@dataclass(frozen=True, slots=True)
class Place:
    """Who tries to sign in, and from where. ``kind`` is what the secret would be of, by its form."""

    username: str
    address: str
    kind: str = USER
    device: str = ""

    @property
    def account(self) -> str:
        """The name as the table has it."""
        return account_hash(self.username, self.kind)

    @property
    def network(self) -> str:
        """The address as the table has it."""
        return network_of(self.address)

    @property
    def here(self) -> Key:
        """The first count."""
        return (self.account, f"device {self.device}" if self.device else self.network)

    @property
    def everywhere(self) -> Key | None:
        """The second one, for those who have it."""
        is_guessed = self.kind == USER and _folded(self.username) != ADMIN_NAME
        return (self.account, "") if is_guessed else None

    @property
    def everybody(self) -> Key:
        """The third one."""
        return ("", self.network)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the table said of a place."""

    is_held: bool
    is_known: bool
    here: SignInRecord | None = field(repr=False)


def account_hash(username: str, kind: str = USER) -> str:
    """A name as the table has it: the same for all ways to write it."""
    text = f"sign-in:{kind}:{_folded(username)}"
    key = settings.SECRET_KEY.encode()
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()[:32]


def _folded(username: str) -> str:
    """Directories take capital and small letters for the same."""
    return unicodedata.normalize("NFKC", username).casefold().strip()


def network_of(address: str) -> str:
    """What one client has: an IPv4 address, or an IPv6 /64, in which it can have any."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((parsed, 64), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)


def standing_of(place: Place) -> Standing:
    """Whether somebody may try at all; one look-up."""
    now = timezone.now()
    found = {
        (row.account, row.network): row
        for row in SignInRecord.objects.filter(
            Q(account=place.account, network__in=("", place.here[1])) | Q(account="", network=place.network)
        )
    }
    here = found.get(place.here)
    succeeded = here.succeeded_at if here is not None else None
    is_known = bool(place.device) or (succeeded is not None and succeeded > now - KNOWN)
    counts = [place.here] if is_known else [place.here, place.everywhere, place.everybody]
    rows = [found[key] for key in counts if key in found]
    return Standing(any(_is_held(row, now) for row in rows), is_known, here)


def _is_held(row: SignInRecord, now: datetime) -> bool:
    return row.held_until is not None and now < row.held_until


def sign_in_failed(place: Place, standing: Standing) -> None:
    """Count a wrong password."""
    configuration = settings.HARBOR
    limits = {
        place.here: configuration.login_failures_before_lock,
        place.everybody: configuration.login_failures_per_address,
    }
    if place.everywhere is not None and not standing.is_known:
        limits[place.everywhere] = configuration.login_failures_per_account
    limits = {key: limit for key, limit in limits.items() if limit}
    with write_atomic():
        for key, row in _locked_rows(limits).items():
            if _count(row, limits[key]):
                bus.publish(
                    SignInLocked(
                        operator="",
                        username=place.username[:_TOLD_NAME] if row.account else "",
                        network=row.network,
                        failures=row.failures,
                        until=row.held_until or timezone.now(),
                        address=place.address,
                    )
                )


def _locked_rows(keys: Iterable[Key]) -> dict[Key, SignInRecord]:
    """The rows of these counts, made where they are not there, locked in one order for all processes."""
    ordered = sorted(keys)
    SignInRecord.objects.bulk_create(
        [SignInRecord(account=account, network=network) for account, network in ordered],
        ignore_conflicts=True,
    )
    wanted = Q(pk__isnull=True)
    for account, network in ordered:
        wanted |= Q(account=account, network=network)
    rows = SignInRecord.objects.select_for_update().filter(wanted).order_by("account", "network")
    return {(row.account, row.network): row for row in rows}


def _count(row: SignInRecord, limit: int) -> bool:
    """One more failure; whether it is the one that locks."""
    now = timezone.now()
    if row.counted_since <= now - COUNTED:
        row.counted_since, row.failures = now, 0
    row.failures += 1
    was_locked = row.is_locked and _is_held(row, now)
    seconds = hold_seconds(row.failures, limit)
    row.held_until = (
        max(filter(None, (row.held_until, now + timedelta(seconds=seconds)))) if seconds else row.held_until
    )
    row.is_locked = row.failures >= limit
    row.stale_at = max(filter(None, (row.stale_at, now + COUNTED, row.held_until)))
    row.save()
    return row.is_locked and not was_locked


def hold_seconds(failures: int, limit: int) -> float:
    """How long nobody may try after so many: the lock at the limit, and a little, doubled each time, shortly before."""
    lock = float(settings.HARBOR.login_lock_seconds)
    if failures >= limit:
        return lock
    before = failures - (limit - _SLOW)
    return min(_FIRST_HOLD * 2**before, lock) if before >= 0 and failures > limit // 2 else 0.0


def sign_in_succeeded(place: Place, standing: Standing) -> None:
    """Remember that this account signs in from here, and forget its failures here; written once a day."""
    now, here = timezone.now(), standing.here
    if here is not None and not here.failures and here.succeeded_at and here.succeeded_at > now - _RENEWAL:
        return
    account, network = place.here
    values = {
        "failures": 0,
        "held_until": None,
        "is_locked": False,
        "succeeded_at": now,
        "stale_at": now + KNOWN,
    }
    try:
        with write_atomic():
            SignInRecord.objects.update_or_create(account=account, network=network, defaults=values)
    except DatabaseError:
        # Whoever is right gets in, whatever becomes of the books.
        logger.warning("a login could not be written down", exc_info=True)


def sign_in_records_clear() -> None:
    """Delete what is of no use any more, and what is too much."""
    with write_atomic():
        delete_rows(SignInRecord.objects.filter(stale_at__lt=timezone.now()))
        surplus = SignInRecord.objects.count() - MOST_ROWS
        if surplus > 0:
            oldest = SignInRecord.objects.order_by("stale_at", "id").values_list("stale_at", flat=True)
            delete_rows(SignInRecord.objects.filter(stale_at__lte=oldest[surplus - 1]))


def locked_now() -> dict[str, int]:
    """How many locks there are now, by what is locked, for the metrics; one statement."""
    rows = SignInRecord.objects.filter(is_locked=True, held_until__gt=timezone.now())
    found = rows.aggregate(
        addresses=Count("pk", filter=Q(account="")),
        accounts=Count("pk", filter=Q(network="")),
        both=Count("pk", filter=~Q(account="") & ~Q(network="")),
    )
    return {
        "address": found["addresses"],
        "account": found["accounts"],
        "account_at_address": found["both"],
    }
