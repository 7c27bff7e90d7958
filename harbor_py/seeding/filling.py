"""Filling a database, size by size, in one transaction."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from django.db import connection

from apps.access_tokens.models import AccessToken
from apps.accounts.models import User, UserGroup, UserGroupMember
from apps.accounts.passwords import password_check, password_hash
from apps.artifacts.models import (
    Artifact,
    ArtifactBlob,
    ArtifactLabel,
    ArtifactReference,
    Blob,
    ProjectBlob,
    Repository,
    RepositoryBlob,
    Tag,
    TagMove,
)
from apps.audit.models import AuditLog
from apps.common.database import write_atomic
from apps.immutability.models import ImmutableRule
from apps.oci.digests import parse_digest
from apps.projects.models import Label, Member, Project, ProjectMetadata
from apps.quotas.models import Quota
from apps.robots.models import Robot
from apps.storage.layout import blob_path
from apps.storage.selectors import get_driver
from harbor_py.seeding.artifacts import ArtifactSeeder
from harbor_py.seeding.audit import audit_seed
from harbor_py.seeding.clock import SPAN, at
from harbor_py.seeding.contents import Contents
from harbor_py.seeding.indexes import without_indexes
from harbor_py.seeding.people import people_seed
from harbor_py.seeding.projects import SeedProject, projects_seed, repositories_name
from harbor_py.seeding.sizes import Size
from harbor_py.seeding.tables import CopyWriter, InsertWriter, Sink, Table

FILLED = (
    User, UserGroup, UserGroupMember, AccessToken, Project, ProjectMetadata, Member, Label, ImmutableRule, Robot,
    Quota, Repository, Blob, Artifact, ArtifactReference, ArtifactBlob, RepositoryBlob, ProjectBlob, Tag,
    ArtifactLabel, TagMove, AuditLog,
)  # fmt: skip
# No hash has this form: nobody signs in.
_NO_PASSWORD = "!seeded"  # noqa: S105
_MANY_ROWS = 100_000


def fill(size: Size, *, seed: int, password: str = "") -> dict[str, int]:
    """Make the rows in one transaction; returns how many of each table. ``password`` is that of every person.

    Raises :class:`BadRequestError` for a password that the policy does not allow.
    """
    if password:
        password_check(password)
    encoded = password_hash(password) if password else _NO_PASSWORD
    progress = _Progress(time.monotonic())
    is_postgresql = connection.vendor == "postgresql"
    with write_atomic(), _indexes(is_postgresql=is_postgresql, size=size, progress=progress):
        counts = rows_make(size, seed=seed, password_hash=encoded, report=progress.rows)
    progress.stage("vacuum and statistics" if is_postgresql else "statistics")
    with connection.cursor() as cursor:
        # Without the visibility map no scan is of an index only.
        cursor.execute("VACUUM (ANALYZE)" if is_postgresql else "ANALYZE")
    progress.stage("done")
    return counts


def rows_make(
    size: Size, *, seed: int, password_hash: str = _NO_PASSWORD, report: Callable[[str, int], None]
) -> dict[str, int]:
    """Make the rows in the caller's transaction; ``report`` is told a table and its rows now and then."""
    sink = Sink(CopyWriter() if connection.vendor == "postgresql" else InsertWriter(), report)
    _fill(sink, size, Random(seed), seed, password_hash)  # noqa: S311 (nothing secret)
    sink.finish()
    return sink.counts


def _fill(sink: Sink, size: Size, random: Random, seed: int, password: str) -> None:
    people = people_seed(sink, random, size, password=password)
    projects = projects_seed(sink, random, size, people)
    rows = sink.table(
        Repository,
        "id",
        "project_id",
        "name",
        "description",
        "pull_count",
        "listed",
        "creation_time",
        "update_time",
    )
    repositories_name(projects, random, size, first_id=rows.first_id)
    # With the first project's id in each blob, a second seed beside the first makes other digests.
    name = f"seed {seed} from {projects[0].id}"
    contents = Contents(random, name=name, store=_store if size.real_blobs else None)
    operators = [name for _, name in people.users[:50]]
    seeder = ArtifactSeeder(sink, random, size, contents, operators)
    quotas = sink.table(Quota, "project_id", "hard", "used", "creation_time")
    for project in projects:
        seeder.project_fill(project)
        hard = -1 if random.random() < 0.5 else max(1 << 40, 2 * project.used)
        quotas.add(project.id, hard, project.used, at(0))
    audit_seed(sink, random, size, people, projects, seeder.known)
    for project in projects:
        _repositories_write(rows, project, random)
        sink.flush()


def _repositories_write(rows: Table, project: SeedProject, random: Random) -> None:
    """Last, when their pulls are counted."""
    for repository in project.repositories:
        service = repository.name.rpartition("/")[2]
        description = f"The {service} of {project.name}" if random.random() < 0.3 else ""
        last = SPAN - (SPAN - repository.first_second) / (repository.artifacts + 1)
        rows.add(
            repository.id, project.id, repository.name, description, repository.pulls, 1, at(repository.first_second),
            at(last),
        )  # fmt: skip


def _store(digest: str, data: bytes) -> None:
    get_driver().put(blob_path(parse_digest(digest)), data)


@contextmanager
def _indexes(*, is_postgresql: bool, size: Size, progress: "_Progress") -> Iterator[None]:
    if not is_postgresql or size.artifacts + size.audit_rows < _MANY_ROWS:
        yield
        return
    with without_indexes([model._meta.db_table for model in FILLED]):  # noqa: SLF001
        yield
        progress.stage("indexes and constraints")


class _Progress:
    """Lines on standard error: one for each tenth of a million rows, and one a stage."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._told: dict[str, int] = {}

    def rows(self, table: str, written: int) -> None:
        """So many rows are in the table now."""
        if written // _MANY_ROWS > self._told.get(table, 0):
            self._told[table] = written // _MANY_ROWS
            self.stage(f"{table}: {written:,} rows")

    def stage(self, text: str) -> None:
        """What is being done now."""
        sys.stderr.write(f"{time.monotonic() - self._started:7.1f} s  {text}\n")
        sys.stderr.flush()
