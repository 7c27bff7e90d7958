"""Celery's beat for several background processes: what one of them has to do is sent by the one that holds a lease."""

import logging
import uuid
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry

from apps.common.database import connections_heal, release_connection
from apps.jobs.leases import Election
from harbor_py.celery import HOST_QUEUE

logger = logging.getLogger(__name__)

_LEASE = "beat"
_LEASE_SECONDS = 15.0


class LeasedScheduler(PersistentScheduler):
    """Each process keeps the schedule; all but the elected one let what is due pass, unless it is for their own host.

    So the next one that is elected goes on with the schedule, and does not begin with what was sent long ago.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._election = Election(name=_LEASE, holder=uuid.uuid4().hex, seconds=_LEASE_SECONDS)
        self._has_failed = False
        super().__init__(*arguments, **options)

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """See Celery: send what is due."""
        if (entry.options or {}).get("queue") == HOST_QUEUE or self._is_elected():
            super().apply_entry(entry, producer=producer)

    def close(self) -> None:
        """See Celery; another one may go on at once."""
        try:
            super().close()
        finally:
            self._election.resign()
            release_connection()

    def _is_elected(self) -> bool:
        try:
            elected = self._election.is_elected()
        except Exception:
            if not self._has_failed:
                logger.exception("the schedule waits for the database")
            self._has_failed = True
            connections_heal()
            return False
        finally:
            release_connection()
        self._has_failed = False
        return elected
