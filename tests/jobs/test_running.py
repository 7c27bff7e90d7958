"""Workers: tasks claimed once, run, retried, stopped, taken back from the dead."""

import threading

import pytest
from django.db import OperationalError

from apps.common.errors import UnavailableError
from apps.jobs import context as context_module
from apps.jobs.context import JobContext, JobLostError
from apps.jobs.dispatching import recover
from apps.jobs.logs import log_text
from apps.jobs.models import Execution, Task, WorkerPool
from apps.jobs.selectors import pool_list, running_of
from apps.jobs.services import NewTask, execution_stop, queues_pause, task_move
from apps.jobs.types import Status
from tests.jobs.conftest import KIND, Gate, Site, begin, grow_old, kind, status, the_task
from tests.support.threads import at_once
from tests.support.waiting import eventually


def _log(execution: Execution) -> list[str]:
    """What the task has written, without times."""
    text = log_text(task_ids=[the_task(execution).pk])
    return [line.partition(" ")[2] for line in text.splitlines()]


def _entered(gate: Gate, count: int = 1) -> None:
    eventually(lambda: len(gate.inside), lambda found: found == count, seconds=20)


def test_a_task_is_run_and_its_log_is_kept(site: Site) -> None:
    def greet(context: JobContext) -> None:
        context.log.write(f"hello {context.parameters['name']}")
        context.report(greeted=1)
        context.report_execution(result="done")

    execution = begin(NewTask(parameters={"name": "world"}), name=kind(greet))
    site.work(site.worker(), execution)

    task = the_task(execution)
    assert _log(execution) == ["[INFO] hello world"]
    assert (task.extra_attrs, task.heartbeat_at) == ({"greeted": 1}, None)
    assert None not in {task.start_time, task.end_time}
    assert Execution.objects.get(pk=execution.pk).extra_attrs == {"result": "done"}


def test_what_nobody_knows_fails(site: Site) -> None:
    execution = begin(name="UNKNOWN")
    site.work(site.worker(), execution, "Error")

    assert the_task(execution).status_message == "nothing here does UNKNOWN"


def test_one_that_fails_is_tried_again_and_then_not_any_more(site: Site) -> None:
    def fail(context: JobContext) -> None:
        raise ValueError(f"no {context.task.attempts}")

    execution = begin(name=kind(fail, retries=2))
    site.work(site.worker(), execution, "Error")

    assert [line for line in _log(execution) if "failed" in line] == [
        "[ERROR] failed: no 0",
        "[ERROR] failed: no 1",
        "[ERROR] failed: no 2",
    ]
    assert the_task(execution).status_message == "no 2"


@pytest.mark.parametrize("error", [OperationalError("the connection is lost"), UnavailableError("no Redis")])
def test_a_service_that_fails_is_no_fault_of_the_task(site: Site, error: Exception) -> None:
    failed = threading.Event()

    def run(_context: JobContext) -> None:
        if not failed.is_set():
            failed.set()
            raise error

    execution = begin(name=kind(run))
    worker = site.worker()
    site.dispatch(worker)
    eventually(lambda: the_task(execution).losses)
    task = the_task(execution)
    assert (task.status, task.attempts) == ("Pending", 0)

    Task.objects.update(due_time=task.creation_time)
    site.work(worker, execution)


def test_a_runner_that_insists_waits_for_redis(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_module, "_PAUSE_SECONDS", 0.01)
    asked = []

    def change() -> int:
        asked.append(1)
        if len(asked) < 4:
            raise UnavailableError("no Redis")
        return len(asked)

    execution = begin(name=kind(lambda context: context.report(result=context.insist(change))))
    site.work(site.worker(), execution)

    assert the_task(execution).extra_attrs == {"result": 4}
    assert [line for line in _log(execution) if "waits" in line] == ["[WARNING] waits: no Redis"]


def test_many_that_claim_a_task_at_once(site: Site, gate: Gate) -> None:
    gate.open()
    execution = begin(name=kind(gate))
    workers = [site.worker(watch=False) for _ in range(6)]
    pk = the_task(execution).pk

    claimed = at_once(6, lambda number: workers[number].run(pk))

    assert claimed.count(True) == 1
    assert gate.done == [pk]


@pytest.mark.parametrize("limited", ["by queue", "by order"])
def test_many_that_claim_what_may_run_once(site: Site, gate: Gate, limited: str) -> None:
    """Told of all of them, as by two dispatchers that do not know of each other."""
    key = "a" if limited == "by order" else ""
    name = kind(gate, concurrency=1 if limited == "by queue" else 0)
    execution = begin(*[NewTask(order_key=key)] * 4, name=name)
    worker = site.worker()
    for pk in Task.objects.filter(execution=execution).values_list("pk", flat=True):
        site.send(worker, pk)
    _entered(gate)

    gate.open()
    site.work(worker, execution)
    assert gate.most == 1
    assert len(gate.done) == 4
    if key:
        assert gate.done == sorted(gate.done)


def test_a_worker_takes_the_next_one_by_itself(site: Site, gate: Gate) -> None:
    gate.open()
    execution = begin(name=kind(gate), count=30)
    worker = site.worker(concurrency=2)

    assert site.dispatch(worker) == 2
    eventually(lambda: status(execution), lambda found: found == "Success", seconds=20)
    assert len(gate.done) == len(set(gate.done)) == 30


def test_no_more_than_there_are_hands(site: Site, gate: Gate) -> None:
    execution = begin(name=kind(gate), count=6)
    worker = site.worker(concurrency=2)
    for pk in Task.objects.filter(execution=execution).values_list("pk", flat=True):
        site.send(worker, pk)
    eventually(lambda: Task.objects.filter(status="Running").count(), lambda found: found == 2)
    assert running_of([worker.id])[worker.id]

    gate.open()
    site.work(worker, execution)
    assert gate.most == 2


def test_what_was_told_before_a_pause_waits(site: Site, gate: Gate) -> None:
    gate.open()
    execution = begin(name=kind(gate))
    task_move(task=the_task(execution), status=Status.SCHEDULED)
    queues_pause(vendor_types=[KIND])

    assert not site.worker(watch=False).run(the_task(execution).pk)
    assert the_task(execution).status == "Pending"


def test_a_runner_learns_that_it_has_to_stop(site: Site, gate: Gate) -> None:
    execution = begin(name=kind(gate))
    worker = site.worker()
    site.dispatch(worker)
    _entered(gate)

    execution_stop(execution_id=execution.pk)

    eventually(lambda: status(execution), lambda found: found == "Stopped", seconds=20)
    assert _log(execution) == ["[WARNING] stopped"]
    assert gate.done == []


def test_one_that_waits_is_woken_by_a_stop(site: Site) -> None:
    execution = begin(name=kind(lambda context: context.wait(3600)))
    site.dispatch(site.worker())
    eventually(lambda: the_task(execution).status, lambda found: found == "Running")

    execution_stop(execution_id=execution.pk)
    eventually(lambda: status(execution), lambda found: found == "Stopped", seconds=20)


def test_a_task_of_a_dead_worker_goes_on_elsewhere(site: Site) -> None:
    first_is_in, first_may_go = threading.Event(), threading.Event()
    runs: list[dict[str, int]] = []
    late: list[str] = []

    def count(context: JobContext) -> None:
        runs.append(dict(context.state))
        context.log.write(f"run {len(runs)}")
        if len(runs) == 1:
            context.remember(done=5)
            context.log.flush()
            first_is_in.set()
            first_may_go.wait(30)
            # What it does now must not count: the other one is at it.
            try:
                context.remember(done=6)
            except JobLostError:
                late.append("refused")
                raise

    execution = begin(name=kind(count))
    dead, alive = site.worker(watch=False), site.worker()
    site.dispatch(dead)
    assert first_is_in.wait(20)
    grow_old(dead)
    assert recover() == 1
    assert [pool.pk for pool in pool_list()] == [alive.id]

    site.work(alive, execution)
    first_may_go.set()
    site.threads[0].join(20)

    assert runs == [{}, {"done": 5}]
    assert late == ["refused"]
    task = the_task(execution)
    assert (task.status, task.worker, task.state) == ("Success", alive.id, {"done": 5})
    assert _log(execution) == ["[INFO] run 1", "[INFO] run 2"], "its log goes on"


def test_one_that_was_taken_for_dead_stops(site: Site, gate: Gate) -> None:
    execution = begin(name=kind(gate))
    worker = site.worker()
    site.dispatch(worker)
    _entered(gate)
    grow_old(worker)
    assert recover() == 1

    # In the same process the new run waits until the old one has seen it.
    _entered(gate, 0)
    gate.open()
    site.work(worker, execution)
    assert gate.most == 1
    assert gate.done == [the_task(execution).pk]


def test_a_task_that_was_to_stop_ends_with_its_worker(site: Site, gate: Gate) -> None:
    execution = begin(name=kind(gate))
    dead = site.worker(watch=False)
    site.dispatch(dead)
    _entered(gate)
    execution_stop(execution_id=execution.pk)
    grow_old(dead)

    recover()
    assert status(execution) == "Stopped"


def test_a_worker_that_ends_gives_its_tasks_back_at_once(site: Site, gate: Gate) -> None:
    execution = begin(name=kind(gate))
    ending, next_one = site.worker(), site.worker()
    site.dispatch(ending)
    _entered(gate)

    ending.end()
    eventually(lambda: the_task(execution).status, lambda found: found == "Pending", seconds=20)
    assert the_task(execution).losses == 0
    assert not ending.run(the_task(execution).pk), "it takes nothing any more"

    gate.open()
    site.work(next_one, execution)
    assert the_task(execution).worker == next_one.id


def test_a_pool_is_known_while_it_lives(site: Site) -> None:
    worker = site.worker(concurrency=3)
    assert [(pool.pk, pool.concurrency) for pool in pool_list()] == [(worker.id, 3)]

    worker.end()
    worker.close()
    assert not WorkerPool.objects.exists()
