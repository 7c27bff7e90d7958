"""Jobs in real background processes: stopped, ended, two of them at the same time. Killed: test_killed_jobs.py."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest

from tests.support.accounts import api
from tests.support.server import HarborServer
from tests.support.services import PostgreSQL, Redis
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_SETTINGS = {"HARBOR_WORKERS": "1", "HARBOR_JOB_LOST_SECONDS": "6", "HARBOR_ACCESS_LOG": "false"}
_ROWS = 400_000
_ENOUGH = 250_000
_COLUMNS = (
    "op_time, operation, operation_description, operation_result, resource, resource_type, username, address,"
    " method, credential"
)
_SQLITE = f"""
    INSERT INTO audit_log_ext ({_COLUMNS})
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {_ROWS})
    SELECT datetime('now', '-30 days'), 'pull', '', 1, 'p/app:' || i, 'artifact', 'somebody', '', '', '' FROM n
"""
_POSTGRESQL = f"""
    INSERT INTO audit_log_ext ({_COLUMNS})
    SELECT now() - interval '30 days', 'pull', '', true, 'p/app:' || i, 'artifact', 'somebody', '', '', ''
    FROM generate_series(1, {2 * _ROWS}) AS i
"""
_PULLS = "SELECT count(*) FROM audit_log_ext WHERE username = 'somebody'"


class Jobs:
    """A server, its database, and purges of its log as jobs that take some seconds."""

    def __init__(self, server: HarborServer) -> None:
        self.server = server
        self.admin = api(server.url, server.admin)
        self.rows = 0

    def close(self) -> None:
        self.admin.close()

    def sql(self, statement: str) -> list[Any]:
        """See :meth:`HarborServer.query`."""
        return self.server.query(statement)

    def fill(self) -> None:
        """Old pulls to purge, enough for some seconds; what a test before has left is taken."""
        # PostgreSQL is twice as quick.
        times, statement = (2, _POSTGRESQL) if "HARBOR_DATABASE_URL" in self.server.env else (1, _SQLITE)
        if self.sql(_PULLS)[0] < _ENOUGH * times:
            self.sql(statement)
        (self.rows,) = self.sql(_PULLS)

    def left(self) -> int:
        """How many are still there."""
        return int(self.sql(_PULLS)[0])

    def begin(self, *, dry_run: bool = False) -> str:
        """A purge; its URL."""
        parameters = {
            "audit_retention_hour": 24,
            "include_event_types": "pull_artifact",
            "dry_run": dry_run,
        }
        answer = self.admin.post(
            "/system/purgeaudit/schedule",
            json={"schedule": {"type": "Manual"}, "parameters": parameters},
        )
        assert answer.status_code == 201, answer.text
        return f"{self.server.url}{answer.headers['Location']}"

    def begin_and_wait_for_the_middle(self, *, logged: bool = True) -> str:
        """A purge that has deleted some rows, whose log has begun, and that is not done."""
        url = self.begin()
        eventually(lambda: self.sql(_PULLS)[0] < self.rows and (self.log(url) or not logged))
        assert self.sql(_PULLS)[0] > 0
        assert self.status(url) == "Running"
        return url

    def status(self, url: str) -> str:
        try:
            return str(self.admin.get(url).json().get("job_status"))
        except httpx.TransportError as error:
            return str(error)

    def wait(self, url: str, expected: str = "Success") -> None:
        eventually(lambda: self.status(url), lambda found: found == expected, seconds=60)

    def log(self, url: str) -> str:
        return self.admin.get(f"{url}/log").text

    def purged(self, url: str) -> int:
        """How many rows it says that it has purged, at its end."""
        found = re.search(r"Purged (\d+) rows of audit logs\n\Z", self.log(url))
        assert found, self.log(url)
        return int(found[1])


@contextmanager
def _jobs(**settings: str) -> Iterator[Jobs]:
    with HarborServer(_SETTINGS | settings) as server, closing(Jobs(server)) as found:
        yield found


@pytest.fixture(scope="module", params=["embedded", "cluster"])
def jobs(request: pytest.FixtureRequest) -> Iterator[Jobs]:
    if request.param == "embedded":
        with _jobs() as found:
            yield found
        return
    postgresql: PostgreSQL = request.getfixturevalue("postgresql")
    redis: Redis = request.getfixturevalue("redis_server")
    url = postgresql.create_database()
    with _jobs(HARBOR_DATABASE_URL=url, HARBOR_REDIS_URL=redis.fresh_database()) as found:
        yield found


@pytest.mark.parametrize("way", ["execution", "job"])
def test_a_job_is_stopped(jobs: Jobs, way: str) -> None:
    jobs.fill()
    url = jobs.begin_and_wait_for_the_middle(logged=False)
    if way == "execution":
        answer = jobs.admin.put(url)
    else:
        workers = jobs.admin.get("/jobservice/pools/all/workers").json()
        (job_id,) = [one["job_id"] for one in workers if one.get("job_name") == "PURGE_AUDIT_LOG"]
        answer = jobs.admin.put(f"/jobservice/jobs/{job_id}")
        assert "Purge audit job start" in eventually(
            lambda: jobs.admin.get(f"/jobservice/jobs/{job_id}/log").text
        )
    assert answer.status_code == 200

    jobs.wait(url, "Stopped")
    assert jobs.log(url).endswith("[WARNING] stopped\n")
    assert 0 < jobs.sql(_PULLS)[0] < jobs.rows


def test_a_job_whose_worker_ends_goes_on_without_delay(jobs: Jobs) -> None:
    jobs.fill()
    url = jobs.begin_and_wait_for_the_middle()
    jobs.server.worker().terminate()

    jobs.wait(url)
    assert jobs.sql(_PULLS) == [0]
    assert jobs.purged(url) == jobs.rows
    assert jobs.sql("SELECT max(losses) FROM task") == [0], "nobody had to miss it"


def test_a_server_that_is_killed_goes_on_when_it_is_back(jobs: Jobs) -> None:
    jobs.fill()
    url, waiting = jobs.begin_and_wait_for_the_middle(), jobs.begin(dry_run=True)
    jobs.server.kill9()
    jobs.server.start()

    jobs.wait(url)
    jobs.wait(waiting)
    assert jobs.purged(url) == jobs.rows
    assert jobs.sql(_PULLS) == [0]


def test_two_background_processes(postgresql: PostgreSQL, redis_server: Redis) -> None:
    shared = {
        "HARBOR_DATABASE_URL": postgresql.create_database(),
        "HARBOR_REDIS_URL": redis_server.fresh_database(),
    }
    with _jobs(**shared) as first:
        keys = first.server.data_dir / "secrets"
        files = {
            "HARBOR_SECRET_KEY_FILE": str(keys / "secret-key"),
            "HARBOR_TOKEN_KEY_FILE": str(keys / "token-key.pem"),
        }
        with _jobs(**shared, **files) as second:
            _check_two(first, second)


def _check_two(first: Jobs, second: Jobs) -> None:
    eventually(lambda: len(first.admin.get("/jobservice/pools").json()), lambda found: found == 2)
    assert len(first.admin.get("/jobservice/pools/all/workers").json()) == 20
    answer = first.admin.put(
        "/system/purgeaudit/schedule",
        json={
            "schedule": {"type": "Custom", "cron": "0 0 0 1 1 *"},
            "parameters": {"audit_retention_hour": 1, "include_event_types": "", "dry_run": True},
        },
    )
    assert answer.status_code == 200, answer.text

    begun = "SELECT count(*) FROM execution WHERE trigger = 'SCHEDULE'"
    missed = "UPDATE schedule SET next_time = now() - interval '3 years'"
    for number in range(1, 6):
        first.sql(missed)
        eventually(lambda: first.sql("SELECT count(*) FROM schedule WHERE next_time > now()") == [1])
        assert first.sql(begun) == [number], "three missed ticks begin it once, and one scheduler"

    # Whoever dispatches now dies; the other one takes its place, and the beat's.
    eventually(lambda: len(first.sql("SELECT name FROM lease WHERE name IN ('jobs', 'beat')")) == 2)
    holder = first.sql("SELECT holder FROM lease WHERE name = 'jobs'")[0]
    leader_pid = first.sql(f"SELECT pid FROM worker_pool WHERE id = '{holder}'")[0]
    os.kill(leader_pid, signal.SIGKILL)
    first.sql(missed)
    eventually(lambda: first.sql("SELECT count(*) FROM schedule WHERE next_time > now()") == [1])
    assert first.sql(begun) == [6]
    assert first.sql("SELECT holder FROM lease WHERE name = 'jobs'") != [holder]
    eventually(lambda: first.sql("SELECT count(*) FROM lease WHERE name = 'beat' AND until > now()") == [1])
    eventually(lambda: first.sql("SELECT DISTINCT status FROM execution") == ["Success"])
    assert second.admin.get("/health").json()["status"] == "healthy"
