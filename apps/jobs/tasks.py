"""What Celery runs for jobs. Rows decide; a message only says that it may be worth a look."""

from celery import current_app, shared_task

from apps.jobs.dispatching import Dispatcher
from apps.jobs.running import Worker
from apps.jobs.sweeping import executions_sweep

_workers: list[Worker] = []
_dispatchers: list[Dispatcher] = []


def workers_start(*, concurrency: int) -> Worker:
    """Make this process a pool that runs tasks, so many at a time; called once, by the background process."""
    worker = Worker(concurrency=concurrency)
    worker.start()
    _workers[:] = [worker]
    dispatcher = Dispatcher(holder=worker.id, tell=_tell)
    dispatcher.start()
    _dispatchers[:] = [dispatcher]
    return worker


def workers_end() -> None:
    """Begin nothing more; what runs is put back as soon as its runner looks, for another process or the next one."""
    for dispatcher in _dispatchers:
        dispatcher.end()
    for worker in _workers:
        worker.end()


def workers_close() -> None:
    """Let this pool be forgotten; called when nothing runs any more."""
    for worker in _workers:
        worker.close()


@shared_task(name="jobs.run", ignore_result=True)
def run_task(task_id: int) -> None:
    """Run one task, if it is still there to be run."""
    for worker in _workers:
        worker.run(task_id)


@shared_task(name="jobs.sweep", ignore_result=True)
def sweep_task() -> None:
    """Forget old executions."""
    executions_sweep()


def _tell(task_id: int) -> None:
    current_app.send_task("jobs.run", args=[task_id], retry=False)
