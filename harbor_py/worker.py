"""The background process: ``python -m harbor_py.worker PARENT_ID`` runs a Celery worker and the scheduler.

Both in one process: it halves the memory, and threads serve work that waits for the database.
"""

import logging
import os
import sys
import threading
import warnings

from celery.beat import Service
from celery.exceptions import SecurityWarning
from celery.signals import worker_shutting_down
from django.conf import settings
from django.utils.module_loading import import_string

from harbor_py.celery import app
from harbor_py.processes import die_with_parent

logger = logging.getLogger(__name__)

_THREADS = 4
_NICENESS = 5
_SCHEDULER_FAILED = 70


def main() -> None:
    """Work until SIGTERM, then finish the tasks that run; ends by itself if its parent does."""
    die_with_parent(int(sys.argv[1]))
    # Counting pulls and the like gives way to serving them.
    os.nice(_NICENESS)
    # About root: what makes it dangerous is pickle, and only JSON is accepted here.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    worker = app.Worker(
        pool="threads",
        concurrency=_THREADS,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    # The interval bounds how long the end of this process waits for the scheduler.
    scheduler = Service(app, max_interval=1)
    thread = threading.Thread(target=_run_scheduler, args=(scheduler,), daemon=True, name="scheduler")
    thread.start()
    # Told at the signal, so that it makes no more work while the worker ends.
    worker_shutting_down.connect(lambda **_: scheduler.stop(), weak=False)
    if settings.HARBOR.metric_enable:
        # By name: a process without metrics does not carry what they need.
        import_string("harbor_py.metrics.listener.metrics_serve")(app, workers=_THREADS)
    worker.start()
    scheduler.stop(wait=True)
    sys.exit(worker.exitcode or 0)


def _run_scheduler(scheduler: Service) -> None:
    try:
        scheduler.start()
    except Exception:
        # A worker without a scheduler looks alive and does nothing: let the supervisor start both anew.
        logger.exception("the scheduler failed")
        os._exit(_SCHEDULER_FAILED)


if __name__ == "__main__":
    main()
