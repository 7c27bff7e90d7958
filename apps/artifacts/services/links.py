"""The links that say who may read a blob and who pays for it, and the quota that follows from them.

Order of locks in every transaction: the repository against deletion, an entry of the trash, artifact and tags (by
name), blobs by id and manifests' by digest, then links by blob id, then the repository's own row, then the quota row,
last.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from django.db import connection
from django.utils import timezone

from apps.artifacts.gates import StorageRefusedError, gates
from apps.artifacts.models import ArtifactBlob, Blob, ProjectBlob, RepositoryBlob
from apps.artifacts.types import BlobRef
from apps.common.database import delete_rows, sql_time


def repository_hold(*, repository_id: int) -> bool:
    """Keep a repository from being deleted until commit; False if it is gone. Only inside a transaction, first.

    The foreign keys are checked at commit only, when the quota row is locked already: a deletion, which takes the
    repository first and the quota last, would meet us there head-on.
    """
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM repository WHERE id = %s FOR KEY SHARE", [repository_id])
        return cursor.fetchone() is not None


def blob_ensure(*, digest: str, size: int, stored: bool) -> int:
    """Insert or revive the row of a blob and lock it; returns its id. Only inside a transaction.

    A collector that marked it ``deleting`` finds it ``live`` when it comes to take the same lock. The bytes of one
    that was revived may be gone: who commits them looks, under this lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO blob (digest, size, stored, state, touched_at) VALUES (%s, %s, %s, 'live', %s)"
            " ON CONFLICT (digest) DO UPDATE SET state = 'live', touched_at = excluded.touched_at,"
            " stored = (blob.stored OR excluded.stored) RETURNING id",
            [digest, size, stored, sql_time(timezone.now())],
        )
        return int(cursor.fetchone()[0])


# KEY SHARE: pushes do not wait for each other, a collector does not get the row while one needs it.
_HOLD = (
    "SELECT blob.id, blob.digest, blob.size FROM repository_blob AS link JOIN blob ON blob.id = link.blob_id"
    " WHERE link.repository_id = %s AND blob.digest IN ({places}) AND blob.stored AND blob.state = 'live'"
    " ORDER BY blob.id{lock}"
)


def blobs_hold(*, repository_id: int, digests: Iterable[str]) -> dict[str, BlobRef]:
    """Those of ``digests`` that the repository links, kept from collection until commit. Only inside a transaction.

    Without the lock a collector that was killed between bytes and row would leave a row that looks good to the end.
    """
    wanted = list(digests)
    if not wanted:
        return {}
    statement = _HOLD.format(
        places=", ".join(["%s"] * len(wanted)),
        lock=" FOR KEY SHARE OF blob" if connection.vendor == "postgresql" else "",
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [repository_id, *wanted])
        return {digest: BlobRef(pk, digest, size) for pk, digest, size in cursor.fetchall()}


def repository_blobs_link(*, repository_id: int, blob_ids: Iterable[int]) -> None:
    """Let the readers of a repository read these blobs, and keep the links from being removed until commit."""
    _ensure_links(RepositoryBlob, "repository_id", repository_id, blob_ids)


def project_blobs_link(*, project_id: int, sizes: Mapping[int, int]) -> int:
    """Make the project pay for these blobs (id to size in bytes); returns the bytes that it did not pay before."""
    return sum(sizes[blob_id] for blob_id in _ensure_links(ProjectBlob, "project_id", project_id, sizes))


# KEY SHARE: pushes of the same base layers do not wait for each other, only removals wait for them. One round trip.
_LINK_OR_LOCK = (
    "WITH locked AS (SELECT blob_id FROM {table} WHERE {owner} = %s AND blob_id = ANY(%s)"
    " ORDER BY blob_id FOR KEY SHARE),"
    " inserted AS (INSERT INTO {table} ({owner}, blob_id) SELECT %s, blob_id FROM unnest(%s::bigint[]) AS blob_id"
    " WHERE blob_id NOT IN (SELECT blob_id FROM locked) ORDER BY blob_id ON CONFLICT DO NOTHING RETURNING blob_id)"
    " SELECT blob_id, false FROM locked UNION ALL SELECT blob_id, true FROM inserted"
)


def _ensure_links(
    model: type[RepositoryBlob | ProjectBlob], owner: str, owner_id: int, blob_ids: Iterable[int]
) -> set[int]:
    """Insert the links that are not there, lock the others against removal; returns those inserted.

    One that another transaction inserts or removes meanwhile is looked at again, so that each is either ours or
    locked when this returns.
    """
    table = model._meta.db_table  # noqa: SLF001 (Django documents it as public)
    missing = sorted(set(blob_ids))
    if not missing:
        return set()
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            places = ", ".join(["(%s, %s)"] * len(missing))
            cursor.execute(
                f"INSERT INTO {table} ({owner}, blob_id) VALUES {places}"  # noqa: S608 (names of our own)
                " ON CONFLICT DO NOTHING RETURNING blob_id",
                [value for blob_id in missing for value in (owner_id, blob_id)],
            )
            return {row[0] for row in cursor.fetchall()}
        inserted: set[int] = set()
        while missing:
            cursor.execute(
                _LINK_OR_LOCK.format(table=table, owner=owner), [owner_id, missing, owner_id, missing]
            )
            rows = cursor.fetchall()
            inserted |= {blob_id for blob_id, is_new in rows if is_new}
            done = {blob_id for blob_id, _ in rows}
            missing = [blob_id for blob_id in missing if blob_id not in done]
        return inserted


def project_blobs_release(*, project_id: int, blob_ids: Iterable[int], even_if_linked: bool) -> int:
    """Stop paying for those of ``blob_ids`` that no artifact of the project needs; returns the bytes given back.

    The blobs stay readable by digest in their repositories until collection, so that a push under way which saw
    them still succeeds: its manifest links and pays for them again. With ``even_if_linked`` blobs that a repository
    of the project still links are released as well; without it only those that nothing of the project links.
    """
    links = ProjectBlob.objects.filter(project_id=project_id, blob_id__in=list(blob_ids))
    # First the locks, then, in a statement of its own that sees what others committed meanwhile, the decision.
    locked = list(links.select_for_update(of=("self",)).order_by("blob_id").values_list("blob_id", flat=True))
    needed = set(
        ArtifactBlob.objects.filter(blob_id__in=locked, artifact__project_id=project_id).values_list(
            "blob_id", flat=True
        )
    )
    free = [blob_id for blob_id in locked if blob_id not in needed]
    if not even_if_linked:
        linked = Blob.objects.filter(
            pk__in=free, repository_links__repository__project_id=project_id
        ).values_list("pk", flat=True)
        free = sorted(set(free) - set(linked))
    delete_rows(ProjectBlob.objects.filter(project_id=project_id, blob_id__in=free))
    return sum(Blob.objects.filter(pk__in=free).values_list("size", flat=True))


def storage_charge(*, project_id: int, delta: int, operator: str, repository_name: str = "") -> None:
    """Run the storage gates; the last statement of a transaction."""
    if delta:
        for gate in gates.storage:
            gate.charge(project_id, delta, operator, repository_name)


@contextmanager
def storage_refusal_recorded(*, project_id: int, operator: str, repository_name: str = "") -> Iterator[None]:
    """Around a transaction: what a charge in it refused is recorded when the transaction has been rolled back."""
    try:
        yield
    except StorageRefusedError as error:
        storage_check(
            project_id=project_id, needed=error.needed, operator=operator, repository_name=repository_name
        )
        raise


def storage_check(*, project_id: int, needed: int, operator: str, repository_name: str = "") -> None:
    """Refuse ``needed`` bytes that cannot fit, before any byte is moved. No transaction is open."""
    for gate in gates.storage:
        room = gate.room(project_id)
        if room is not None and needed > room:
            gate.refuse(project_id, needed, operator, repository_name)


def storage_room(*, project_id: int) -> int | None:
    """Bytes that still fit into the project; None for no limit."""
    rooms = [room for gate in gates.storage if (room := gate.room(project_id)) is not None]
    return min(rooms, default=None)
