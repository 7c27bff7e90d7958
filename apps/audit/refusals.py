"""Refused requests in the audit log, without a write to the database on the path of the request.

A refusal is a line of a spool that survives ``kill -9`` and that a task brings into the log some seconds later. One
account (or nobody) from one address leaves one row in ten seconds for an operation in a project, and a process at most
:data:`PER_MINUTE` rows a minute, failed logins among them; what is more is counted, and the count is a row too.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from django.conf import settings

from apps.accounts.authentication import Deadlines
from apps.audit.recording import audit_entry, audit_record, clip
from apps.common.origin import current_address, current_credential, current_method
from apps.events.spool import Spool, spool_take
from apps.projects.models import Project

logger = logging.getLogger(__name__)

REPEAT_SECONDS = 10.0
PER_MINUTE = 120
SUFFIX = ".refusals"
SYSTEM = "system"

_MINUTE = 60.0
_MAX_NAME = 255
_MAX_RESOURCE = 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a refusal is written down; ``is_first_over`` and ``lost`` (of a minute before) are to be told."""

    allowed: bool
    is_first_over: bool = False
    lost: int = 0


class Budget:
    """So many a minute; threads share it."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._minute = -1
        self._taken = 0

    def take(self) -> Verdict:
        """Take one of this minute's."""
        minute = int(self._clock() // _MINUTE)
        with self._lock:
            lost = 0
            if minute != self._minute:
                lost = max(0, self._taken - self._per_minute)
                self._minute, self._taken = minute, 0
            self._taken += 1
            over = self._taken - self._per_minute
            return Verdict(allowed=over <= 0, is_first_over=over == 1, lost=lost)


_recent = Deadlines(size=16384)
_budget = Budget(PER_MINUTE)
_spool = Spool(settings.HARBOR.spool_folder, SUFFIX)


def refusal_record(
    *, operator: str, operation: str, resource_type: str, resource: str, project: str = "", reason: str = ""
) -> None:
    """Note that the request under way was refused; never raises, and does no SQL.

    ``operator`` is "" for an anonymous caller; ``project`` is the name (or the number in words) that was asked for,
    whether it is there or not. Address, method and credential are the request's.
    """
    operator, address = clip(operator, _MAX_NAME), current_address()
    key = (f"{operator}\0{address}", f"{operation}\0{project[:_MAX_NAME] or resource_type}")
    if not _recent.start(key, REPEAT_SECONDS) or not refusal_allowed():
        return
    _append(
        {
            "at": time.time(),
            "operator": operator,
            "operation": operation,
            "resource_type": resource_type,
            "resource": clip(resource, _MAX_RESOURCE),
            "project": clip(project, _MAX_NAME),
            "reason": clip(reason, _MAX_RESOURCE),
            "address": address,
            "method": current_method(),
            "credential": current_credential(),
        }
    )


def refusal_reason(operation: str, resource_type: str, resource: str, error: Exception) -> str:
    """What the row of a refused request tells: what was tried, and why it was refused."""
    return f"refused: {operation} {resource_type} {resource}: {getattr(error, 'message', '') or error}"


def refusal_allowed() -> bool:
    """Whether this minute's budget has room for one more row; tells in the log when it has not."""
    verdict = _budget.take()
    if verdict.lost:
        _summary(f"{verdict.lost} refusals of a minute before were not recorded one by one")
    if verdict.is_first_over:
        _summary(f"more than {PER_MINUTE} refusals in a minute: those that follow in it are only counted")
    return verdict.allowed


def refusals_drain(*, everything: bool = False) -> int:
    """Bring the refusals of finished spool files into the log; returns the number of lines.

    ``everything`` also takes files whose period is not over: only when no server runs.
    """
    return spool_take(SUFFIX, _take, everything=everything)


def _summary(text: str) -> None:
    place = f"{os.uname().nodename}, process {os.getpid()}"
    logger.warning("audit log: %s", text)
    _append(
        {
            "at": time.time(),
            "operator": SYSTEM,
            "operation": "refuse",
            "resource_type": "request",
            "resource": place,
            "project": "",
            "reason": f"{text} ({place})",
            "address": "",
            "method": "",
            "credential": "",
        }
    )


def _append(line: dict[str, object]) -> None:
    try:
        _spool.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    except (OSError, TypeError):
        # The refusal itself stands, whatever becomes of its row.
        logger.exception("a refusal could not be recorded")


def _take(lines: Sequence[bytes]) -> int:
    found = [refusal for line in lines if (refusal := _parse(line)) is not None]
    projects = _project_ids({refusal.project for refusal in found if refusal.project})
    audit_record(
        [
            audit_entry(
                at=datetime.fromtimestamp(refusal.at, UTC),
                operator=refusal.operator,
                operation=refusal.operation,
                resource_type=refusal.resource_type,
                resource=refusal.resource,
                project_id=projects.get(refusal.project),
                description=refusal.reason or f"refused: {refusal.operation} {refusal.resource_type}",
                succeeded=False,
                address=refusal.address,
                method=refusal.method,
                credential=refusal.credential,
            )
            for refusal in found
        ]
    )
    return len(found)


@dataclass(frozen=True, slots=True)
class _Refusal:
    at: float
    operator: str
    operation: str
    resource_type: str
    resource: str
    project: str
    reason: str
    address: str
    method: str
    credential: str


def _parse(line: bytes) -> _Refusal | None:
    """A line that the power cut in two is no refusal."""
    try:
        return _Refusal(**orjson.loads(line))
    except (ValueError, TypeError):
        return None


def _project_ids(asked: set[str]) -> dict[str, int]:
    """Ids by what was asked for: a name, or a number that is no project's name."""
    numbers = {int(text): text for text in asked if text.isascii() and text.isdecimal() and len(text) < 19}
    ids = Project.objects.filter(id__in=numbers).values_list("id", flat=True)
    found = {numbers[project_id]: project_id for project_id in ids}
    found.update(Project.objects.filter(name__in=asked).values_list("name", "id"))
    return found
