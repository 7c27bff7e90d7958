"""The history of tags: a row each time that one comes, moves or goes, in the transaction that does it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from apps.artifacts.models import TagMove, TrashEntry
from apps.common.database import delete_rows, sql_time, write_atomic
from apps.common.origin import current_address

_OPERATOR = 511
_ADDRESS = 64
_PURGED_AT_ONCE = 1000

REASONS_OF_TRASH = {
    TrashEntry.PERSON: TagMove.DELETED,
    TrashEntry.RETENTION: TagMove.RETENTION,
    TrashEntry.REPLICATION: TagMove.REPLICATION,
    TrashEntry.EXPIRED: TagMove.EXPIRED,
    TrashEntry.COLLECTION: TagMove.DELETED,
}
"""Why a tag went, by why it is in the trash."""


@dataclass(frozen=True, slots=True)
class Move:
    """``previous`` is the digest before, "" for a tag that came; ``digest`` that after, "" for one that went."""

    tag: str
    previous: str
    digest: str


def tag_moves_record(
    *, operator: str, project_id: int, repository_name: str, moves: Iterable[Move], reason: str
) -> None:
    """Record what happened to these tags, which the caller's transaction has locked or made.

    ``reason`` is of ``TagMove.REASONS``. The time is now: with one from before the lock the moves of a tag could be told
    in another order than they were made.
    """
    at = timezone.now()
    address = current_address()[:_ADDRESS]
    TagMove.objects.bulk_create(
        TagMove(
            project_id=project_id,
            repository_name=repository_name,
            tag=move.tag,
            previous_digest=move.previous,
            digest=move.digest,
            operator=operator[:_OPERATOR],
            address=address,
            reason=reason,
            at=at,
        )
        for move in moves
    )


def repository_tags_gone_record(
    *, operator: str, project_id: int, repository_id: int, repository_name: str, reason: str, at: datetime
) -> None:
    """Record that every tag of a repository goes, before they do: one statement, however many they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tag_move"
            " (project_id, repository_name, tag, previous_digest, digest, operator, address, reason, at)"
            " SELECT %s, %s, tag.name, artifact.digest, '', %s, %s, %s, %s"
            " FROM tag JOIN artifact ON artifact.id = tag.artifact_id WHERE tag.repository_id = %s",
            [
                project_id,
                repository_name,
                operator[:_OPERATOR],
                current_address()[:_ADDRESS],
                reason,
                sql_time(at),
                repository_id,
            ],
        )


def tag_moves_purge(*, older_than: timedelta) -> int:
    """Forget moves from longer ago than this, some a transaction; returns how many there were."""
    deadline = timezone.now() - older_than
    gone = 0
    while True:
        rows = TagMove.objects.filter(at__lt=deadline).order_by("at")
        ids = list(rows.values_list("pk", flat=True)[:_PURGED_AT_ONCE])
        with write_atomic():
            delete_rows(TagMove.objects.filter(pk__in=ids))
        gone += len(ids)
        if len(ids) < _PURGED_AT_ONCE:
            return gone
