"""How much there is: of what a caller may see, and for the whole installation."""

import threading
import time
from dataclasses import dataclass

from django.db.models import Count, QuerySet, Sum

from apps.accounts.security import SecurityContext
from apps.artifacts.models import Blob, Repository
from apps.artifacts.visibility import visible_repositories
from apps.projects.models import Project
from apps.projects.selectors import projects_visible_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Counts; the totals are 0 for those who may not see everything. ``total_storage_consumption`` in bytes."""

    private_project_count: int
    private_repo_count: int
    public_project_count: int
    public_repo_count: int
    total_project_count: int = 0
    total_repo_count: int = 0
    total_storage_consumption: int = 0


def statistics(*, actor: SecurityContext) -> Statistics:
    """Harbor's counts for ``actor``; private ones are those that the caller may see."""
    projects = _by_public(projects_visible_to(actor).order_by(), "public")
    repositories = _by_public(
        visible_repositories(actor, Repository.objects.filter(listed=True)), "project__public"
    )
    everything = actor.sees_everything
    return Statistics(
        private_project_count=projects.get(False, 0),
        private_repo_count=repositories.get(False, 0),
        public_project_count=projects.get(True, 0),
        public_repo_count=repositories.get(True, 0),
        total_project_count=sum(projects.values()) if everything else 0,
        total_repo_count=sum(repositories.values()) if everything else 0,
        total_storage_consumption=STORED_BYTES.get() if everything else 0,
    )


def _by_public(rows: QuerySet[Project] | QuerySet[Repository], path: str) -> dict[bool, int]:
    return dict(rows.values_list(path).annotate(Count("pk")))


class StoredBytes:
    """Bytes of every distinct blob that is not being collected, manifests among them.

    A sum over all blobs: a second or so for millions. It is remembered for a hundred times as long as it took, so
    that asking costs a process at most a hundredth of its time; meanwhile it is that old. One thread sums, others
    get the last sum.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes: int | None = None
        self._until = 0.0

    def get(self) -> int:
        """The sum, in bytes."""
        known = self._bytes
        if known is not None and time.monotonic() < self._until:
            return known
        if not self._lock.acquire(blocking=known is None):
            return known or 0
        try:
            if self._bytes is None or time.monotonic() >= self._until:
                started = time.monotonic()
                total = Blob.objects.filter(state=Blob.LIVE).aggregate(total=Sum("size"))["total"] or 0
                self._bytes = int(total)
                self._until = time.monotonic() + 100 * (time.monotonic() - started)
            return self._bytes
        finally:
            self._lock.release()


STORED_BYTES = StoredBytes()
