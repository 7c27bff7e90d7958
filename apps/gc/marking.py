"""The first half of the protocol: blobs lose their links and become ``deleting``, in one transaction.

A push that needs a blob holds its row until it commits (``blobs_hold``), or brings the bytes and revives the row
(``blob_ensure``). So the collector takes the rows' locks first, those that are free at once, and asks in a statement
of its own, which sees what others committed before: what it marks then has no links, and gets none any more.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from apps.artifacts.models import Blob, Repository
from apps.artifacts.services.links import storage_charge
from apps.common.database import again_after_deadlock, write_atomic
from apps.common.stamps import repository_key, touch
from apps.common.steps import step
from apps.gc.selectors import needed_blobs

OPERATOR = "garbage-collection"
BATCH = 500
"""Blobs of one transaction."""

_DROP = (
    "DELETE FROM {table} WHERE blob_id IN ({ids})"
    " AND NOT EXISTS (SELECT 1 FROM artifact_blob AS need JOIN artifact ON artifact.id = need.artifact_id"
    " WHERE need.blob_id = {table}.blob_id AND artifact.{owner} = {table}.{owner})"
    " RETURNING {owner}, blob_id"
)


@again_after_deadlock
def blobs_mark(*, blob_ids: Sequence[int], touched_before: datetime) -> None:
    """Mark those of the blobs that nothing needs; what somebody holds at this moment stays for another run."""
    step("mark: candidates chosen")
    with write_atomic():
        sizes = _lock(blob_ids, touched_before)
        step("mark: rows locked")
        needed = needed_blobs(sizes)
        free = {pk: size for pk, size in sizes.items() if pk not in needed}
        freed = _links_drop(free)
        Blob.objects.filter(pk__in=list(free)).update(state=Blob.DELETING)
        step("mark: rows marked")
        _give_back(freed)
    step("mark: committed")


@again_after_deadlock
def blobs_unlink(*, blob_ids: Sequence[int], touched_before: datetime) -> None:
    """Take the blobs from the repositories and projects in which no artifact needs them; others keep them."""
    with write_atomic():
        freed = _links_drop(_lock(blob_ids, touched_before))
        step("unlink: links dropped")
        _give_back(freed)


def _lock(blob_ids: Sequence[int], touched_before: datetime) -> dict[int, int]:
    """Lock those that are live, old enough and not locked; sizes in bytes by id."""
    rows = Blob.objects.select_for_update(skip_locked=True).filter(
        pk__in=list(blob_ids), state=Blob.LIVE, touched_at__lt=touched_before
    )
    return dict(rows.order_by("pk").values_list("pk", "size"))


def _links_drop(sizes: dict[int, int]) -> Counter[int]:
    """Delete the links of these blobs behind which no artifact stands; bytes that are no longer paid for, by project."""
    freed: Counter[int] = Counter()
    repository_ids = {owner for owner, _ in _drop("repository_blob", "repository_id", sizes)}
    if repository_ids:
        names = Repository.objects.filter(pk__in=repository_ids).values_list("name", flat=True)
        touch(*map(repository_key, names))
    for project_id, blob_id in _drop("project_blob", "project_id", sizes):
        freed[project_id] += sizes[blob_id]
    return freed


def _drop(table: str, owner: str, blob_ids: dict[int, int]) -> list[tuple[int, int]]:
    if not blob_ids:
        return []
    statement = _DROP.format(table=table, owner=owner, ids=", ".join(["%s"] * len(blob_ids)))
    with connection.cursor() as cursor:
        cursor.execute(statement, list(blob_ids))
        return [(owner_id, blob_id) for owner_id, blob_id in cursor.fetchall()]


def _give_back(freed: Counter[int]) -> None:
    for project_id, size in sorted(freed.items()):
        storage_charge(project_id=project_id, delta=-size, operator=OPERATOR)
