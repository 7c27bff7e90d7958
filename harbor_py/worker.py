"""The background process: ``python -m harbor_py.worker PARENT_ID`` runs a Celery worker and the scheduler.

Both in one process: it halves the memory, and threads serve work that waits for the database.
"""

import logging
import os
import sys
import threading
import warnings

import django
from celery.beat import Service
from celery.exceptions import SecurityWarning
from celery.signals import worker_shutting_down
from django.conf import settings
from django.utils.module_loading import import_string

from harbor_py.celery import HOST_QUEUE, app
from harbor_py.processes import die_with_parent

django.setup()
# Below the call above: models can be imported only when Django is set up.
from apps.jobs.tasks import workers_close, workers_end, workers_start  # noqa: E402
from harbor_py.leased_scheduler import LeasedScheduler  # noqa: E402

logger = logging.getLogger(__name__)

# For short periodic tasks, whatever number of jobs runs besides.
_THREADS = 4
# Database connections of one job, whose runner may have threads, and of the threads that watch and dispatch.
_JOB_CONNECTIONS = 2
_OTHER_CONNECTIONS = 8
_NICENESS = 5
_SCHEDULER_FAILED = 70


def main() -> None:
    """Work until SIGTERM, then finish the tasks that run; ends by itself if its parent does."""
    die_with_parent(int(sys.argv[1]))
    # Counting pulls and the like gives way to serving them.
    os.nice(_NICENESS)
    # About root: what makes it dangerous is pickle, and only JSON is accepted here.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    _pool_widen()
    worker = app.Worker(
        pool="threads",
        queues=[app.conf.task_default_queue, HOST_QUEUE],
        concurrency=_THREADS + settings.HARBOR.job_workers,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    # The interval bounds how long the end of this process waits for the scheduler.
    scheduler = Service(app, max_interval=1, scheduler_cls=LeasedScheduler)
    thread = threading.Thread(target=_run_scheduler, args=(scheduler,), daemon=True, name="scheduler")
    thread.start()
    # Told at the signal, so that it makes no more work while the worker ends.
    worker_shutting_down.connect(lambda **_: scheduler.stop(), weak=False)
    pool = workers_start(concurrency=settings.HARBOR.job_workers)
    worker_shutting_down.connect(lambda **_: workers_end(), weak=False)
    if settings.HARBOR.metric_enable:
        # By name: a process without metrics does not carry what they need.
        import_string("harbor_py.metrics.listener.metrics_serve")(app, pool)
    worker.start()
    workers_close()
    scheduler.stop(wait=True)
    sys.exit(worker.exitcode or 0)


def _pool_widen() -> None:
    """A heartbeat that waited for a connection until a job gives one back would look like a death."""
    if (pool := settings.DATABASES["default"]["OPTIONS"].get("pool")) is not None:
        jobs = settings.HARBOR.job_workers * _JOB_CONNECTIONS
        pool["max_size"] = max(pool["max_size"], jobs + _THREADS + _OTHER_CONNECTIONS)


def _run_scheduler(scheduler: Service) -> None:
    try:
        scheduler.start()
    except Exception:
        # A worker without a scheduler looks alive and does nothing: let the supervisor start both anew.
        logger.exception("the scheduler failed")
        os._exit(_SCHEDULER_FAILED)


if __name__ == "__main__":
    main()
