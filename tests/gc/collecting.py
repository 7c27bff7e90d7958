"""Collections run in the process of the test, and what has to hold whatever happened."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.accounts.security import SystemContext
from apps.artifacts.models import Artifact, ArtifactBlob, Blob, ProjectBlob, RepositoryBlob, TrashedBlob
from apps.common import steps
from apps.gc.running import collect
from apps.gc.selectors import linked_blobs
from apps.gc.services import collection_request
from apps.jobs.context import JobContext
from apps.jobs.logs import log_read
from apps.jobs.models import Execution, Task
from apps.jobs.running import Worker
from apps.quotas.models import Quota
from apps.storage.layout import BLOBS, blob_digest
from apps.storage.selectors import get_driver

STEPS = (
    "mark: candidates chosen",
    "mark: rows locked",
    "mark: rows marked",
    "mark: committed",
    "strays: marked",
    "sweep: batch chosen",
    "sweep: rows locked",
    "sweep: bytes deleted",
    "sweep: rows deleted",
    "sweep: committed",
)
"""Of a collection that finds something."""


class KilledError(BaseException):
    """Ends a run as the death of its process does: nothing catches it, and the open transaction is rolled back."""


@dataclass(frozen=True)
class Ended:
    """A collection that has ended."""

    status: str
    results: dict[str, Any]
    log: str

    @property
    def freed(self) -> tuple[int, int, int]:
        """Blobs, manifests, bytes."""
        names = ("purged_blobs", "purged_manifests", "freed_space")
        return tuple(self.results[name] for name in names)


def begin(**parameters: Any) -> Execution:
    """A collection that nobody has run yet."""
    execution = collection_request(
        actor=SystemContext("test"), kind="Manual", cron="", parameters=parameters, action="create"
    )
    assert execution is not None
    return execution


def run(**parameters: Any) -> Ended:
    """A collection, run by a worker."""
    return run_it(begin(**parameters))


def run_it(execution: Execution) -> Ended:
    """A collection that was begun, run by a worker."""
    (task,) = Task.objects.filter(execution=execution)
    assert Worker(concurrency=1).run(task.pk)
    execution.refresh_from_db()
    log = "".join(text for _, text in log_read(task_ids=[task.pk]))
    return Ended(execution.status, execution.extra_attrs, log)


def run_killed(at: str, execution: Execution) -> bool:
    """Run a collection until it comes to the step ``at``, and kill it there; False if it never came there."""

    def kill(name: str) -> None:
        if name == at:
            raise KilledError

    with hooked(kill):
        try:
            run_unclaimed(execution)
        except KilledError:
            return True
    return False


def run_unclaimed(execution: Execution) -> None:
    """Run a collection as a worker does that has lost its claim."""
    collect(JobContext(Task.objects.get(execution=execution)))


@contextmanager
def hooked(hook: Callable[[str], None]) -> Iterator[None]:
    """Have ``hook`` told of every step in the block."""
    steps.hooks.append(hook)
    try:
        yield
    finally:
        steps.hooks.remove(hook)


def interleaved(
    first: Callable[[], Any], at: str, second: Callable[[], Any], *, patience: float = 0.5
) -> tuple[Any, Any]:
    """What both return, ``first`` having waited at its step ``at`` until ``second`` was done or waited for a lock.

    How long to wait for ``second`` decides only which interleavings are seen, not what has to hold in them.
    """
    reached, go = threading.Event(), threading.Event()

    def pause(name: str) -> None:
        if name == at and not reached.is_set():
            reached.set()
            assert go.wait(60)

    results: dict[str, Any] = {}

    def work(name: str, call: Callable[[], Any]) -> None:
        try:
            results[name] = call()
        except Exception as error:  # noqa: BLE001 - the caller looks at it
            results[name] = error
        finally:
            connection.close()
            if name == "first":
                reached.set()

    threads = [threading.Thread(target=work, args=pair) for pair in (("first", first), ("second", second))]
    with hooked(pause):
        threads[0].start()
        assert reached.wait(60)
        threads[1].start()
        threads[1].join(patience)
        go.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
    return results["first"], results["second"]


def files() -> dict[str, int]:
    """What storage holds: sizes by digest."""
    found = {blob_digest(info.path): info.size for info in get_driver().walk(BLOBS)}
    assert None not in found
    return {str(digest): size for digest, size in found.items()}


def assert_sound(*, collected: bool = False) -> None:
    """Nothing is missing; the quotas are exact. Once ``collected`` nothing is there that is not needed."""
    held = files()
    for digest, raw in Artifact.objects.values_list("digest", "manifest"):
        assert digest == f"sha256:{hashlib.sha256(bytes(raw)).hexdigest()}"
    for model in (ArtifactBlob, ProjectBlob, RepositoryBlob, TrashedBlob):
        for digest, size, stored, state in model.objects.values_list(
            "blob__digest", "blob__size", "blob__stored", "blob__state"
        ):
            assert state == Blob.LIVE, f"{model.__name__} of {digest}"
            assert not stored or held.get(digest) == size, f"{model.__name__} of {digest}"
    for quota in Quota.objects.all():
        links = ProjectBlob.objects.filter(project_id=quota.project_id)
        assert quota.used == sum(links.values_list("blob__size", flat=True))
    if collected:
        assert held == dict(Blob.objects.filter(stored=True).values_list("digest", "size"))
        ids = list(Blob.objects.values_list("pk", flat=True))
        assert set(ids) == linked_blobs(ids)
