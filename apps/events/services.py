"""Deliver the outbox."""

import logging
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from apps.common.database import write_atomic
from apps.events.bus import after_commit_handler, decode
from apps.events.models import OutboxEvent

logger = logging.getLogger(__name__)

_BATCH = 100
_LONGEST_PAUSE = timedelta(hours=1)


def outbox_deliver() -> int:
    """Run every due after-commit handler once; returns how many succeeded.

    A row is leased first, by moving its due time, and goes when its handler returns. A handler that raises is
    tried again, each time after twice the pause; a process that dies in it leaves the row to be due again.
    """
    delivered = 0
    while rows := _lease():
        delivered += sum(_deliver(row) for row in rows)
    return delivered


def _lease() -> list[OutboxEvent]:
    now = timezone.now()
    with write_atomic():
        query = OutboxEvent.objects.filter(due_time__lte=now).order_by("due_time", "id")
        if connection.features.has_select_for_update_skip_locked:
            query = query.select_for_update(skip_locked=True)
        rows = list(query[:_BATCH])
        for row in rows:
            row.attempts += 1
            row.due_time = now + min(timedelta(seconds=15 * 2 ** min(row.attempts, 10)), _LONGEST_PAUSE)
        OutboxEvent.objects.bulk_update(rows, ["attempts", "due_time"])
    return rows


def _deliver(row: OutboxEvent) -> bool:
    handler = after_commit_handler(row.name, row.handler)
    if handler is None:
        logger.warning("no handler %s for %s: dropped", row.handler, row.name)
    else:
        try:
            with transaction.atomic():
                handler(decode(row.name, row.payload), row.event_id)
        except Exception as error:
            logger.exception("handler %s failed on %s, attempt %d", row.handler, row.name, row.attempts)
            OutboxEvent.objects.filter(pk=row.pk).update(last_error=str(error)[:2000])
            return False
    OutboxEvent.objects.filter(pk=row.pk).delete()
    return handler is not None
