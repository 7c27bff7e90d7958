"""Send what waits in ``audit_forward`` to its destination, in order, and forget it when it was taken.

Rows are deleted after they were sent, one by one by their ids, so that a row whose transaction ends late is sent late
and never skipped; a crash between sending and deleting sends a batch twice. One process at a time sends to a
destination: it holds a lease. While a destination is away its rows wait, :data:`MOST_WAITING` of them at most.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from apps.audit.logfile import logfile_append
from apps.audit.models import AuditForward, AuditForwarder
from apps.audit.selectors import FORWARD_STAMP
from apps.audit.types import FILE, SYSLOG
from apps.common.database import delete_rows, write_atomic
from apps.common.stamps import touch
from apps.common.syslog import SyslogError, syslog_line, syslog_send
from apps.config.selectors import system_settings

logger = logging.getLogger(__name__)

MOST_WAITING = 1_000_000
_ROOM_AGAIN = MOST_WAITING // 2
_BATCH = 500
_BATCHES = 200
_LEASE = timedelta(seconds=60)
_SHORTEST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=1)

Send = Callable[[Sequence[AuditForward]], None]


def forward_run() -> int:
    """Send to each destination what waits for it; returns the number of rows that were sent."""
    senders = _senders()
    sent = 0
    for destination in (SYSLOG, FILE):
        send = senders.get(destination)
        if send is None:
            _give_up(destination)
        elif AuditForward.objects.filter(destination=destination).exists() and _lease(destination):
            sent += _run(destination, send)
    return sent


def _run(destination: str, send: Send) -> int:
    """One turn: until nothing waits, a batch fails or the turn has been long enough."""
    sent = 0
    error: Exception | None = None
    try:
        for _ in range(_BATCHES):
            count = _send_batch(destination, send)
            sent += count
            if count < _BATCH:
                break
    except (OSError, SyslogError) as failure:
        error = failure
    _release(destination, error)
    return sent


def _send_batch(destination: str, send: Send) -> int:
    rows = list(AuditForward.objects.filter(destination=destination).order_by("id")[:_BATCH])
    if rows:
        send(rows)
        with write_atomic():
            delete_rows(AuditForward.objects.filter(id__in=[row.pk for row in rows]))
            AuditForwarder.objects.filter(pk=destination).update(leased_until=timezone.now() + _LEASE)
    return len(rows)


def _senders() -> dict[str, Send]:
    """How to send to each destination that the settings name now."""
    senders: dict[str, Send] = {}
    if endpoint := system_settings().audit_log_forward_endpoint:
        senders[SYSLOG] = partial(_send_syslog, endpoint)
    if path := settings.HARBOR.audit_log_file:
        senders[FILE] = partial(_send_file, path)
    return senders


def _send_syslog(endpoint: str, rows: Sequence[AuditForward]) -> None:
    syslog_send(endpoint, [syslog_line(row.line.encode(), at=row.op_time, name=row.name) for row in rows])


def _send_file(path: Path, rows: Sequence[AuditForward]) -> None:
    logfile_append(
        path,
        [f"{row.line}\n".encode() for row in rows],
        max_bytes=settings.HARBOR.audit_log_file_size,
        keep=settings.HARBOR.audit_log_file_count,
    )


def _lease(destination: str) -> bool:
    """Whether this process may send now: nobody else does, and the pause after a failure is over."""
    now = timezone.now()
    with write_atomic():
        AuditForwarder.objects.get_or_create(
            destination=destination, defaults={"leased_until": now, "due_time": now}
        )
        free = AuditForwarder.objects.filter(pk=destination, leased_until__lte=now, due_time__lte=now)
        return free.update(leased_until=now + _LEASE) == 1


def _release(destination: str, error: Exception | None) -> None:
    now = timezone.now()
    waiting = _waiting(destination)
    with write_atomic():
        state = AuditForwarder.objects.select_for_update().get(pk=destination)
        state.leased_until = now
        if error is None:
            state.failures, state.due_time = 0, now
        else:
            state.failures += 1
            pause = min(_SHORTEST_PAUSE * 2 ** min(state.failures - 1, 10), _LONGEST_PAUSE)
            state.due_time = now + pause
            logger.warning(
                "audit log: %s does not take rows, %d wait, attempt %d: %s",
                destination,
                waiting,
                state.failures,
                error,
            )
        _measure(state, waiting)
        state.save()


def _measure(state: AuditForwarder, waiting: int) -> None:
    """Close a queue that is full, and open it when half of it is gone, or it would flutter."""
    if state.full_since is None and waiting >= MOST_WAITING:
        state.full_since = timezone.now()
        logger.error(
            "audit log: %d rows wait for %s: no more are queued, they are only in the database's audit log",
            waiting,
            state.destination,
        )
        touch(FORWARD_STAMP)
    elif state.full_since is not None and waiting <= _ROOM_AGAIN:
        logger.error(
            "audit log: rows are queued for %s again; those since %s were not",
            state.destination,
            state.full_since.isoformat(),
        )
        state.full_since = None
        touch(FORWARD_STAMP)


def _waiting(destination: str) -> int:
    """How many rows wait, roughly: by the first and the last id, for a count would read them all."""
    rows = AuditForward.objects.filter(destination=destination)
    first = rows.order_by("id").values_list("id", flat=True).first()
    last = rows.order_by("-id").values_list("id", flat=True).first()
    return 0 if first is None or last is None else last - first + 1


def _give_up(destination: str) -> None:
    """The destination was switched off: nobody waits for its rows any more."""
    if AuditForward.objects.filter(destination=destination).exists():
        with write_atomic():
            first = AuditForward.objects.filter(destination=destination).order_by("id").values("id")[:5000]
            delete_rows(AuditForward.objects.filter(id__in=[row["id"] for row in first]))
    if AuditForwarder.objects.filter(pk=destination, full_since__isnull=False).exists():
        with write_atomic():
            AuditForwarder.objects.filter(pk=destination).update(full_since=None)
            touch(FORWARD_STAMP)
