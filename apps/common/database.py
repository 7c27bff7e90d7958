"""Write transactions that queue instead of polling.

SQLite lets one writer in; the others poll with growing pauses, which starves some of them for hundreds of
milliseconds when many clients push. So here the writers of one host wait for a lock that wakes them in turn.
On PostgreSQL rows are locked instead and this adds nothing.
"""

import fcntl
import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

_POOLED = settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql"

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_DEADLOCK = "40P01"
_DEADLOCK_ATTEMPTS = 4

_thread_lock = threading.Lock()
_held = threading.local()


class _HostLock:
    """An flock on a file of the data folder, opened once a process (and anew after a fork)."""

    def __init__(self) -> None:
        self._descriptor = -1
        self._process = -1

    def acquire(self) -> None:
        if self._process != os.getpid():
            path = settings.HARBOR.data_dir / "writer.lock"
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._process = os.getpid()
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def release(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)


_host_lock = _HostLock()


@contextmanager
def write_atomic() -> Iterator[None]:
    """One write transaction; nested ones join the outer one as savepoints.

    Nothing slow may happen inside: no bytes move, no network is used.
    """
    if connection.vendor != "sqlite" or getattr(_held, "held", False):
        with transaction.atomic():
            yield
        return
    with _thread_lock:
        _host_lock.acquire()
        _held.held = True
        try:
            with transaction.atomic():
                yield
        finally:
            _held.held = False
            _host_lock.release()


def again_after_deadlock(service: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Run a service anew when PostgreSQL ended its transaction to resolve a deadlock; only for one that is not nested.

    Locks are taken in one order, so that this is rare; foreign keys take some of their own at commit.
    """

    @functools.wraps(service)
    def attempt(*arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        for _ in range(_DEADLOCK_ATTEMPTS):
            try:
                return service(*arguments, **named)
            except OperationalError as error:
                code = getattr(error.__cause__, "sqlstate", None)
                if code != _DEADLOCK or connection.in_atomic_block:
                    raise
        return service(*arguments, **named)

    return attempt


def release_connection() -> None:
    """Give this thread's connection back before bytes move; the next query takes one again.

    With PostgreSQL it goes to the pool. SQLite's stays open: it costs nobody anything.
    """
    if not _POOLED:
        return
    own = connections[DEFAULT_DB_ALIAS]
    # A warm pull has taken none: to close what is not open costs 4 µs a time.
    if own.connection is not None and not own.in_atomic_block:
        own.close()


def connections_heal() -> None:
    """After the database failed: drop the connections that are broken, this thread's and the pool's."""
    connections.close_all()
    if _POOLED:
        wrapper: Any = connections[DEFAULT_DB_ALIAS]
        wrapper.pool.check()


def database_time() -> datetime:
    """Now, by the clock that all processes share: PostgreSQL's, or with SQLite that of its only host."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def sql_time(moment: datetime) -> Any:
    """A time as a statement of our own has to give it, so that the column holds what the models write.

    SQLite compares texts: with a zone, as its driver writes them by itself, equal times would differ.
    """
    return connection.ops.adapt_datetimefield_value(moment)


def delete_rows(queryset: QuerySet[Any]) -> int:
    """Delete in one statement what has no dependents left; returns the number of rows.

    Django's own ``delete()`` loads every row first to look for dependents, manifests' bytes and all.
    """
    # Nothing is sent, and no count comes back, where the filter can match no row.
    return int(queryset._raw_delete(queryset.db) or 0)  # noqa: SLF001


def planner_inform(model: type[Model]) -> None:
    """Let PostgreSQL count a table that it has never looked at: until then it takes it for nearly empty, and sorts it
    for each batch of a long piece of work. It does so by itself, but a minute later or more.
    """
    if connection.vendor != "postgresql":
        return
    table = model._meta.db_table  # noqa: SLF001 (Django's documented interface)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples < 0 FROM pg_class WHERE oid = %s::regclass", [table])
        if cursor.fetchone() == (True,):
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")
