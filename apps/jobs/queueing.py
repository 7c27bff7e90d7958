"""Which tasks may begin now."""

from collections import Counter, deque

from django.db.models import Count, F, Min, Q, QuerySet, Sum, Window
from django.db.models.functions import RowNumber

from apps.common.database import database_time
from apps.jobs.models import PausedQueue, Task, WorkerPool
from apps.jobs.registry import job_type
from apps.jobs.timing import resend_after
from apps.jobs.types import UNFINISHED, Status

# With so many workers one is kept for queues of which nothing runs: a queue of slow tasks holds nobody up.
_ENOUGH_HANDS = 4


def tasks_runnable() -> list[Task]:
    """The tasks that may begin now, as many as there are free workers; the least busy queue comes first.

    A queue that is paused begins nothing; one with a limit fills up to it; of tasks with one order key only the
    oldest that is not finished begins.
    """
    if not Task.objects.filter(status__in=UNFINISHED).exists():
        return []
    hands = WorkerPool.objects.aggregate(Sum("concurrency"))["concurrency__sum"] or 0
    taken = Counter(dict(_taken().values_list("vendor_type").annotate(Count("pk")).order_by()))
    free = hands - taken.total()
    if free <= 0:
        return []
    paused = set(PausedQueue.objects.values_list("vendor_type", flat=True))
    waiting = set(_waiting().values_list("vendor_type", flat=True).distinct().order_by()) - paused
    queues = {name: found for name in waiting if (found := _next_of(name, free, taken[name]))}
    return _shared_out(queues, taken, hands, free)


def _shared_out(queues: dict[str, deque[Task]], taken: Counter[str], hands: int, free: int) -> list[Task]:
    chosen: list[Task] = []
    while queues and len(chosen) < free:
        name = min(queues, key=lambda one: (taken[one], one))
        if taken[name] and free - len(chosen) == 1 and hands >= _ENOUGH_HANDS:
            break
        chosen.append(queues[name].popleft())
        taken[name] += 1
        if not queues[name]:
            del queues[name]
    return chosen


def _waiting() -> QuerySet[Task]:
    now = database_time()
    return Task.objects.filter(
        Q(status=Status.PENDING, due_time__lte=now)
        | Q(status=Status.SCHEDULED, sent_at__lt=now - resend_after())
    )


def _taken() -> QuerySet[Task]:
    """Tasks that run, or that Celery was told of just now."""
    return Task.objects.filter(
        Q(status=Status.RUNNING) | Q(status=Status.SCHEDULED, sent_at__gte=database_time() - resend_after())
    )


def _next_of(vendor_type: str, free: int, taken: int) -> deque[Task]:
    kind = job_type(vendor_type)
    room = free if kind is None or not kind.concurrency else min(free, kind.concurrency - taken)
    if room <= 0:
        return deque()
    ordered = Task.objects.filter(vendor_type=vendor_type, status__in=UNFINISHED).exclude(order_key="")
    first = ordered.values("order_key").annotate(first=Min("pk")).order_by().values("first")
    busy = _taken().filter(vendor_type=vendor_type).exclude(order_key="").values("order_key")
    turn = Q(order_key="") | (Q(pk__in=first) & ~Q(order_key__in=busy))
    rows = _waiting().filter(turn, vendor_type=vendor_type)
    if kind is not None and kind.share:
        return deque(_by_turns(rows, vendor_type, kind.share)[:room])
    return deque(rows.order_by("due_time", "pk")[:room])


def _by_turns(rows: QuerySet[Task], vendor_type: str, share: int) -> list[Task]:
    """One task of each vendor id, then a second one: nobody waits behind all that another has to do."""
    taken = Counter(_taken().filter(vendor_type=vendor_type).values_list("execution__vendor_id", flat=True))
    number = Window(RowNumber(), partition_by=F("execution__vendor_id"), order_by=["due_time", "pk"])
    turns = rows.annotate(owner=F("execution__vendor_id"), turn=number).filter(turn__lte=share)
    found = turns.order_by("turn", "due_time", "pk")
    return [task for task in found if task.turn + taken[task.owner] <= share]
