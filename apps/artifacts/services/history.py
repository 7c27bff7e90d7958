"""The history of tags: a row each time that one comes, moves or goes, in the transaction that does it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.artifacts.models import TagMove
from apps.common.origin import current_address

_OPERATOR = 511
_ADDRESS = 64


@dataclass(frozen=True, slots=True)
class Move:
    """``previous`` is the digest before, "" for a tag that came; ``digest`` that after, "" for one that went."""

    tag: str
    previous: str
    digest: str


def tag_moves_record(
    *, operator: str, project_id: int, repository_name: str, moves: Iterable[Move], at: datetime
) -> None:
    """Record what happened to these tags, in one statement; inside the caller's transaction."""
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
            at=at,
        )
        for move in moves
    )


def repository_tags_gone_record(
    *, operator: str, project_id: int, repository_id: int, repository_name: str, at: datetime
) -> None:
    """Record that every tag of a repository goes, before they do: one statement, however many they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tag_move (project_id, repository_name, tag, previous_digest, digest, operator, address, at)"
            " SELECT %s, %s, tag.name, artifact.digest, '', %s, %s, %s"
            " FROM tag JOIN artifact ON artifact.id = tag.artifact_id WHERE tag.repository_id = %s",
            [
                project_id,
                repository_name,
                operator[:_OPERATOR],
                current_address()[:_ADDRESS],
                at,
                repository_id,
            ],
        )
