"""``python -m tests.bench.garbage``: how long collections take, on rows and files made for it.

``files``: 31,800 blobs and 5,164 manifests that nothing needs, 344 MB, deleted from a local folder, on SQLite or, with
``--postgres``, on a private PostgreSQL that syncs. ``rows``: what is garbage among ten million blobs, on PostgreSQL.
Exits with 1 if a goal is missed.
"""

import argparse
import hashlib
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tests.support.services import PostgreSQL

if TYPE_CHECKING:
    from apps.jobs.models import Execution

_BLOBS, _MANIFESTS, _BYTES = 31_800, 5_164, 344_000_000
_ROWS = 10_000_000
_GOAL_SECONDS, _GOAL_MB = 60, 200
# Of so many blobs one is garbage.
_ONE_OF = 200


def main() -> int:
    """Make the rows, measure, print."""
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="harbor-garbage-", dir=options.folder))
    is_files = options.case == "files"
    database = PostgreSQL(durable=is_files) if options.postgres or not is_files else None
    os.environ["HARBOR_DATA_DIR"] = str(folder)
    os.environ["HARBOR_GC_TIME_WINDOW_HOURS"] = "0"
    os.environ["DJANGO_SETTINGS_MODULE"] = "harbor_py.settings"
    if database is not None:
        os.environ["HARBOR_DATABASE_URL"] = database.create_database()
    try:
        _prepare()
        is_met = {"files": _files, "rows": _rows}[options.case](options)
    finally:
        if database is not None:
            database.stop()
        shutil.rmtree(folder, ignore_errors=True)
    click.echo(f"the goal is {'met' if is_met else 'MISSED'}")
    return 0 if is_met else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.garbage", description=__doc__)
    parser.add_argument("case", choices=("files", "rows"))
    parser.add_argument("--postgres", action="store_true", help="files: PostgreSQL and not SQLite")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--rows", type=int, default=_ROWS, help="rows: how many blobs")
    parser.add_argument("--folder", help="where the data folder is made")
    return parser.parse_args()


def _prepare() -> None:
    import django  # noqa: PLC0415 - the environment had to be set first
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    call_command("migrate", verbosity=0)


def _files(options: argparse.Namespace) -> bool:
    from apps.artifacts.models import Blob  # noqa: PLC0415 - Django is set up by now
    from apps.oci.digests import parse_digest  # noqa: PLC0415
    from apps.storage.layout import blob_path  # noqa: PLC0415
    from apps.storage.selectors import get_driver  # noqa: PLC0415

    rows = []
    size = _BYTES // _BLOBS
    for number in range(_BLOBS + _MANIFESTS):
        data = f"{number:032d}".encode() * (size // 32)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        stored = number < _BLOBS
        rows.append(Blob(digest=digest, size=len(data), stored=stored))
        if stored:
            path = Path(get_driver().local_path(blob_path(parse_digest(digest))) or "")
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
    Blob.objects.bulk_create(rows, batch_size=2000)
    _timed("dry run", lambda: _collect(dry_run=True, workers=options.workers))
    seconds = _timed(f"run with {options.workers} workers", lambda: _collect(workers=options.workers))
    left = Blob.objects.count() + len(list(get_driver().walk("docker")))
    return seconds < _GOAL_SECONDS and not left


def _collect(**parameters: object) -> str:
    from apps.gc.running import collect  # noqa: PLC0415 - Django is set up by now
    from apps.gc.services import collection_start  # noqa: PLC0415
    from apps.gc.types import parameters_read  # noqa: PLC0415
    from apps.jobs.context import JobContext  # noqa: PLC0415
    from apps.jobs.models import Task  # noqa: PLC0415
    from apps.jobs.types import Trigger  # noqa: PLC0415

    execution: Execution = collection_start(
        parameters=parameters_read(parameters), trigger=Trigger.MANUAL, operator="bench"
    )
    collect(JobContext(Task.objects.get(execution=execution)))
    execution.refresh_from_db()
    return str(execution.extra_attrs)


def _rows(options: argparse.Namespace) -> bool:
    from django.utils import timezone  # noqa: PLC0415 - Django is set up by now

    from apps.gc.selectors import (  # noqa: PLC0415
        blob_ranges,
        idly_linked_blobs,
        needed_blobs,
        unneeded_blobs,
    )

    _timed(f"{options.rows} rows made", lambda: _make_rows(options.rows))
    now = timezone.now()

    def candidates() -> str:
        found = size = 0
        for within in blob_ranges():
            rows = unneeded_blobs(within, touched_before=now)
            for start in range(0, len(rows), 500):
                batch = {pk: size for pk, size, _ in rows[start : start + 500]}
                free = batch.keys() - needed_blobs(batch)
                found += len(free)
                size += sum(batch[pk] for pk in free)
        return f"{found} candidates of {size} bytes"

    def idle() -> str:
        return f"{sum(len(idly_linked_blobs(within)) for within in blob_ranges())} idle"

    seconds = _timed("candidates", candidates)
    _timed("idle links", idle)
    return seconds < _GOAL_SECONDS and _peak() < _GOAL_MB


def _make_rows(count: int) -> str:
    """Images of ten blobs, one of them in two projects; every two hundredth blob is needed by nobody."""
    from django.db import connection  # noqa: PLC0415 - Django is set up by now

    from apps.accounts.models import User  # noqa: PLC0415
    from apps.artifacts.models import Repository  # noqa: PLC0415
    from apps.projects.models import Project  # noqa: PLC0415

    owner = User.objects.create(username="bench", email="bench@example.com")
    projects = [Project.objects.create(name=f"p{number}", owner=owner) for number in range(2)]
    repositories = [
        Repository.objects.create(project=project, name=f"{project.name}/r{number}")
        for project in projects
        for number in range(500)
    ]
    first, project = repositories[0].pk, projects[0].pk
    images = count // 10
    statements = [
        f"""INSERT INTO blob (digest, size, stored, state, touched_at)
            SELECT 'sha256:' || md5(n::text) || md5((n + 1)::text), n % 100000, true, 'live', now() - interval '1 day'
            FROM generate_series(1, {count}) AS n ORDER BY n""",
        f"""INSERT INTO artifact (repository_id, project_id, digest, media_type, artifact_type, config_media_type, type,
                manifest, size, annotations, extra_attrs, subject_digest, push_time)
            SELECT {first} + n % 500, {project}, 'sha256:' || md5((-n)::text) || md5((-n - 1)::text), 'm', '', 'c',
                'IMAGE', decode(repeat(md5(n::text), 40), 'hex'), 1, '{{}}', '{{}}', '', now() - interval '1 day'
            FROM generate_series(1, {images}) AS n ORDER BY n""",
        f"""INSERT INTO artifact_blob (artifact_id, blob_id)
            SELECT (id - 1) / 10 + 1, id FROM blob WHERE id % {_ONE_OF} <> 0 ORDER BY id""",
        f"INSERT INTO project_blob (project_id, blob_id) SELECT {project}, id FROM blob ORDER BY id",
        f"""INSERT INTO repository_blob (repository_id, blob_id)
            SELECT {first} + ((id - 1) / 10 + 1) % 500, id FROM blob ORDER BY id""",
        "VACUUM ANALYZE",
    ]
    with connection.cursor() as cursor:
        # Without a check of each foreign key: what is made here is right.
        cursor.execute("SET session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
    return "done"


def _timed(name: str, work: Callable[[], str]) -> float:
    began, processor = time.monotonic(), time.process_time()
    result = work()
    seconds, used = time.monotonic() - began, time.process_time() - processor
    click.echo(f"{name}: {seconds:.1f} s, {used:.1f} s of this process's CPU, peak {_peak()} MB; {result}")
    return seconds


def _peak() -> int:
    """Megabytes that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    sys.exit(main())
