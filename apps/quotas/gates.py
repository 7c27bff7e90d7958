"""The storage gate: what a project may hold, exact whoever pushes at the same time."""

import threading
import time
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

from apps.artifacts.gates import StorageRefusedError
from apps.common.caches import StampedCache
from apps.common.database import write_atomic
from apps.common.stamps import touch
from apps.config.selectors import system_settings
from apps.events.bus import publish
from apps.events.catalogue import QuotaExceeded, QuotaWarned
from apps.quotas.constants import NO_LIMIT, WARN_PERCENT, quota_key
from apps.quotas.models import Quota
from apps.quotas.sizes import format_size

_RECORD_EVERY_SECONDS = 10.0
_MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Usage:
    """Bytes."""

    used: int
    hard: int

    @property
    def room(self) -> int | None:
        return None if self.hard == NO_LIMIT else max(0, self.hard - self.used)


class QuotaStorageGate:
    """Implements :class:`apps.artifacts.gates.StorageGate` over the quota table.

    While ``quota_per_project_enable`` is off nothing is refused, but counting goes on, so that the limits hold from
    the moment when it is on again.
    """

    def __init__(self) -> None:
        # A second old at most: it only spares clients the bytes of a push that cannot fit; `charge` is exact.
        self._usages: StampedCache[_Usage] = StampedCache(max_entries=_MAX_REMEMBERED, max_age=1.0)
        self._recorded: dict[int, float] = {}
        self._lock = threading.Lock()

    def room(self, project_id: int) -> int | None:
        """See :class:`apps.artifacts.gates.StorageGate`; no SQL when asked again within a second."""
        if not system_settings().quota_per_project_enable:
            return None
        usage = self._usages.get(project_id, (quota_key(project_id),), lambda: _load(project_id))
        return None if usage is None else usage.room

    def refuse(self, project_id: int, needed: int, operator: str, repository_name: str = "") -> None:
        """See :class:`apps.artifacts.gates.StorageGate`.

        One process records a project's refusals once in ten seconds: a client in a retry loop must not fill the
        audit log.
        """
        usage = _load(project_id) or _Usage(used=0, hard=NO_LIMIT)
        refusal = _refusal(needed, usage)
        if self._may_record(project_id):
            with write_atomic():
                publish(
                    QuotaExceeded(
                        operator=operator,
                        project_id=project_id,
                        needed=needed,
                        used=usage.used,
                        hard=usage.hard,
                        repository_name=repository_name,
                        details=refusal.message,
                    )
                )
        raise refusal

    def charge(self, project_id: int, delta: int, operator: str, repository_name: str = "") -> None:
        """See :class:`apps.artifacts.gates.StorageGate`: one conditional UPDATE."""
        if delta <= 0:
            _give_back(project_id, -delta)
            return
        is_enforced = system_settings().quota_per_project_enable
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE quota SET used = used + %s, update_time = %s"
                " WHERE project_id = %s AND (%s OR hard = -1 OR used + %s <= hard) RETURNING used, hard",
                [delta, timezone.now(), project_id, not is_enforced, delta],
            )
            row = cursor.fetchone()
        if row is None:
            usage = _load(project_id)
            if usage is None:
                # The project went while the client pushed: the caller's links fail on their foreign key.
                return
            raise _refusal(delta, usage)
        used, hard = row
        if is_enforced and hard != NO_LIMIT and (used - delta) * 100 < hard * WARN_PERCENT <= used * 100:
            publish(
                QuotaWarned(
                    operator=operator,
                    project_id=project_id,
                    used=used,
                    hard=hard,
                    repository_name=repository_name,
                    details=f"quota usage reach {WARN_PERCENT}%: resource storage used "
                    f"{format_size(used)} of {format_size(hard)}",
                )
            )

    def _may_record(self, project_id: int) -> bool:
        now = time.monotonic()
        with self._lock:
            if now - self._recorded.get(project_id, -_RECORD_EVERY_SECONDS) < _RECORD_EVERY_SECONDS:
                return False
            if len(self._recorded) >= _MAX_REMEMBERED:
                self._recorded.clear()
            self._recorded[project_id] = now
            return True


def _load(project_id: int) -> _Usage | None:
    row = Quota.objects.filter(project_id=project_id).values_list("used", "hard").first()
    return None if row is None else _Usage(*row)


def _give_back(project_id: int, freed: int) -> None:
    if not freed:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE quota SET used = CASE WHEN used > %s THEN used - %s ELSE 0 END, update_time = %s"
            " WHERE project_id = %s",
            [freed, freed, timezone.now(), project_id],
        )
    # Whoever deletes in order to push again must not meet the room from before.
    touch(quota_key(project_id))


def _refusal(needed: int, usage: _Usage) -> StorageRefusedError:
    return StorageRefusedError(
        f"adding {format_size(needed)} of storage resource, which when updated to current usage of"
        f" {format_size(usage.used)} will exceed the configured upper limit of {format_size(usage.hard)}.",
        needed=needed,
    )
