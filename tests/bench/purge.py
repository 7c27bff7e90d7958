"""``python -m tests.bench.purge``: half of the audit log is purged while others write to it and read it.

On a private PostgreSQL that syncs. Beside the purge one thread writes ten pulls and reads a page of a hundred rows, every
20 ms; how long that takes it says whether anybody notices. Exits with 1 if not exactly the old half is gone.
"""

import argparse
import os
import resource
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click

from tests.support.services import PostgreSQL

_ROWS = 1_000_000
_PAUSE = 0.02
_PULLS = 10
_PAGE = 100


def main() -> int:
    """Make the rows, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.purge", description=__doc__)
    parser.add_argument("--rows", type=int, default=_ROWS, help="of the log, half of them too old")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="harbor-purge-"))
    database = PostgreSQL(durable=True)
    os.environ["HARBOR_DATA_DIR"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "harbor_py.settings"
    os.environ["HARBOR_DATABASE_URL"] = database.create_database()
    try:
        return 0 if _measure(options.rows) else 1
    finally:
        database.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _measure(rows: int) -> bool:
    import django  # noqa: PLC0415 - the environment had to be set first
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    call_command("migrate", verbosity=0)
    from apps.audit.models import AuditLog  # noqa: PLC0415 - Django is set up by now

    _fill(rows)
    old = AuditLog.objects.filter(username="somebody", operation="pull", resource="old")
    count = old.count()
    _timed("dry run", lambda: _purge(dry_run=True))
    before = old.count()
    _timed("purge", lambda: _purge(dry_run=False))
    young = AuditLog.objects.filter(username="somebody", resource="new").count()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    click.echo(f"{count} of {rows} rows were too old; this process took {peak} MB at most")
    return before == count and not old.exists() and young == rows - count


def _fill(rows: int) -> None:
    from django.db import connection  # noqa: PLC0415 - as above

    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO audit_log_ext (op_time, operation, operation_description, operation_result, resource,
                   resource_type, username, address, method, credential)
               SELECT now() - CASE WHEN i <= %s THEN interval '60 days' ELSE interval '1 hour' END, 'pull',
                   'pull artifact: ' || md5(i::text) || md5(i::text), true,
                   CASE WHEN i <= %s THEN 'old' ELSE 'new' END, 'artifact', 'somebody', '192.0.2.1', 'GET', ''
               FROM generate_series(1, %s) AS i""",
            [rows // 2, rows // 2, rows],
        )
        cursor.execute("VACUUM ANALYZE audit_log_ext")


def _purge(*, dry_run: bool) -> str:
    from apps.accounts.security import SystemContext  # noqa: PLC0415 - as above
    from apps.audit.purge import purge_request  # noqa: PLC0415
    from apps.jobs.running import Worker  # noqa: PLC0415
    from apps.jobs.selectors import execution_log  # noqa: PLC0415

    parameters = {"audit_retention_hour": 24, "include_event_types": "pull_artifact", "dry_run": dry_run}
    execution = purge_request(
        actor=SystemContext("bench"), kind="Manual", cron="", parameters=parameters, action="create"
    )
    assert execution is not None
    Worker(concurrency=1).run(execution.tasks.get().pk)
    return execution_log(execution=execution).splitlines()[-1].partition("] ")[2]


class _Neighbour(threading.Thread):
    """Somebody who writes and reads the log meanwhile; ``seconds`` of each time."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seconds: list[float] = []
        self._ended = threading.Event()

    def run(self) -> None:
        from django.db import connection  # noqa: PLC0415 - as above

        try:
            while not self._ended.wait(_PAUSE):
                began = time.perf_counter()
                self._once()
                self.seconds.append(time.perf_counter() - began)
        finally:
            connection.close()

    def end(self) -> None:
        self._ended.set()
        self.join()

    def _once(self) -> None:
        from django.utils import timezone  # noqa: PLC0415 - as above

        from apps.audit.models import AuditLog  # noqa: PLC0415
        from apps.audit.recording import audit_entry, audit_record  # noqa: PLC0415
        from apps.common.database import write_atomic  # noqa: PLC0415

        row = audit_entry(
            at=timezone.now(),
            operator="neighbour",
            operation="pull",
            resource_type="artifact",
            resource="team/app:v1",
        )
        with write_atomic():
            audit_record([row] * _PULLS)
        list(AuditLog.objects.order_by("-op_time", "-id")[:_PAGE])


def _timed(name: str, work: Callable[[], str]) -> None:
    neighbour = _Neighbour()
    neighbour.start()
    began, processor = time.monotonic(), time.process_time()
    result = work()
    seconds, used = time.monotonic() - began, time.process_time() - processor
    neighbour.end()
    times = [second * 1000 for second in neighbour.seconds]
    slow = statistics.quantiles(times, n=100, method="inclusive")[98] if len(times) > 1 else 0.0
    click.echo(
        f"{name}: {seconds:.1f} s, {used:.1f} s of CPU with its neighbour's; the neighbour: {len(times)} times,"
        f" p50 {statistics.median(times):.0f} ms, p99 {slow:.0f} ms, longest {max(times):.0f} ms; {result}"
    )


if __name__ == "__main__":
    sys.exit(main())
