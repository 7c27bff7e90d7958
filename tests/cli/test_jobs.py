"""``harbor-py jobs``: what runs, beside a server that runs it."""

import json

from tests.cli.conftest import Run
from tests.support.accounts import api
from tests.support.server import HarborServer

_PURGE = {
    "schedule": {"type": "Manual"},
    "parameters": {"audit_retention_hour": 1, "include_event_types": "other", "dry_run": True},
}


def test_jobs_of_a_running_server(embedded_server: HarborServer, run: Run) -> None:
    folder = ("--data-dir", str(embedded_server.data_dir))
    with api(embedded_server.url, embedded_server.admin) as admin:
        place = admin.post("/system/purgeaudit/schedule", json=_PURGE).headers["Location"]
        listed = run("jobs", "list", *folder, "--kind", "purge_audit_log", "--limit", "1")
        assert listed.returncode == 0, listed.stderr
        head, row = listed.stdout.splitlines()
        assert head.split()[:3] == ["ID", "KIND", "STATUS"]
        job_id, kind, _ = row.split()[:3]
        assert kind == "PURGE_AUDIT_LOG"

        followed = run("jobs", "log", "-f", job_id, *folder)
        assert followed.stdout.endswith("[DRYRUN]Purged 0 rows of audit logs\n"), followed.stderr
        assert followed.stdout == admin.get(f"{embedded_server.url}{place}/log").text
    assert run("jobs", "log", job_id, *folder).stdout == followed.stdout

    shown = json.loads(run("jobs", "show", job_id, *folder).stdout)
    assert (shown["id"], shown["status"], shown["operator"]) == (int(job_id), "Success", "admin")
    stopped = run("jobs", "stop", job_id, *folder)
    assert stopped.stdout == f"Job {job_id} has ended already: Success.\n"


def test_a_job_that_waits_is_stopped(embedded_server: HarborServer, run: Run) -> None:
    folder = ("--data-dir", str(embedded_server.data_dir))
    with api(embedded_server.url, embedded_server.admin) as admin:
        queue = "/jobservice/queues/PURGE_AUDIT_LOG"
        admin.put(queue, json={"action": "pause"})
        try:
            place = admin.post("/system/purgeaudit/schedule", json=_PURGE).headers["Location"]
            job_id = run("jobs", "list", *folder, "--limit", "1").stdout.splitlines()[1].split()[0]
            assert run("jobs", "stop", job_id, *folder).stdout == f"Job {job_id} is stopped.\n"
            assert admin.get(f"{embedded_server.url}{place}").json()["job_status"] == "Stopped"
        finally:
            admin.put(queue, json={"action": "resume"})


def test_a_job_that_is_not_there(embedded_server: HarborServer, run: Run) -> None:
    for command in ("show", "log", "stop"):
        done = run("jobs", command, "999999", "--data-dir", str(embedded_server.data_dir))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "harbor-py: there is no job 999999\n"
    assert run("jobs", "show", "nothing").returncode == 2
