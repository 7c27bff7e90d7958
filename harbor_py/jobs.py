"""``python -m harbor_py.jobs PARENT_ID list|show|log|stop …``: the jobs, for who has a shell on the machine."""

import argparse
import os
import sys
import time
from contextlib import suppress
from datetime import datetime

import django
import orjson

from harbor_py.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harbor_py.settings")
django.setup()

# Below the call above: models can be imported only when Django is set up.
from apps.accounts.security import SystemContext  # noqa: E402
from apps.jobs.dashboard import dashboard_job_stop  # noqa: E402
from apps.jobs.logs import log_read  # noqa: E402
from apps.jobs.models import Task  # noqa: E402
from apps.jobs.selectors import recent_tasks, task_find  # noqa: E402
from apps.jobs.types import FINAL  # noqa: E402

_POLL_SECONDS = 1.0


def main() -> None:
    """Do what the arguments say; ends with 1 and one line if there is no such job."""
    die_with_parent(int(sys.argv[1]))
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    lister = commands.add_parser("list")
    lister.add_argument("--kind", default="")
    lister.add_argument("--limit", type=int, default=20)
    for name in ("show", "log", "stop"):
        command = commands.add_parser(name)
        command.add_argument("id", type=int)
        if name == "log":
            command.add_argument("--follow", action="store_true")
    arguments = parser.parse_args(sys.argv[2:])
    if arguments.command == "list":
        _list(arguments.kind, arguments.limit)
        return
    task = task_find(arguments.id)
    if task is None:
        sys.stderr.write(f"harbor-py: there is no job {arguments.id}\n")
        sys.exit(1)
    if arguments.command == "show":
        _show(task)
    elif arguments.command == "log":
        with suppress(KeyboardInterrupt):
            _log(task, follow=arguments.follow)
    else:
        _stop(task)


def _list(kind: str, limit: int) -> None:
    _line("ID", "KIND", "STATUS", "BEGUN BY", "CREATED", "ENDED")
    for task in recent_tasks(vendor_type=kind.upper())[:limit]:
        _line(
            str(task.pk),
            task.vendor_type,
            "Stopping" if task.stop_requested and task.status not in FINAL else task.status,
            task.execution.operator or task.execution.trigger.lower(),
            _time(task.creation_time),
            _time(task.end_time),
        )


def _line(*cells: str) -> None:
    widths = (8, 24, 10, 20, 20, 20)
    text = " ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    sys.stdout.write(text.rstrip() + "\n")


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _show(task: Task) -> None:
    shown = {
        "id": task.pk,
        "kind": task.vendor_type,
        "status": task.status,
        "status_message": task.status_message,
        "execution": task.execution_id,
        "trigger": task.execution.trigger,
        "operator": task.execution.operator,
        "parameters": task.parameters,
        "results": task.extra_attrs,
        "worker": task.worker,
        "attempts": task.attempts,
        "losses": task.losses,
        "created": task.creation_time,
        "due": task.due_time,
        "started": task.start_time,
        "heartbeat": task.heartbeat_at,
        "ended": task.end_time,
    }
    sys.stdout.write(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode() + "\n")


def _log(task: Task, *, follow: bool) -> None:
    last = 0
    while True:
        # Looked at before the log: what is written after this look and before the end is not missed.
        task.refresh_from_db(fields=["status"])
        for row, text in log_read(task_ids=[task.pk], after=last):
            sys.stdout.write(text)
            last = row
        sys.stdout.flush()
        if not follow or task.status in FINAL:
            return
        time.sleep(_POLL_SECONDS)


def _stop(task: Task) -> None:
    if task.status in FINAL:
        sys.stdout.write(f"Job {task.pk} has ended already: {task.status}.\n")
        return
    dashboard_job_stop(actor=SystemContext("command line"), job_id=str(task.pk))
    task.refresh_from_db()
    state = "is stopped" if task.status in FINAL else "is told to stop"
    sys.stdout.write(f"Job {task.pk} {state}.\n")


if __name__ == "__main__":
    main()
