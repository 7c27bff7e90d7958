"""Leases: what only one process of the installation may do at a time."""

import time
from datetime import timedelta

from django.db import IntegrityError

from apps.common.database import database_time, write_atomic
from apps.jobs.models import Lease


def lease_take(*, name: str, holder: str, seconds: float) -> bool:
    """Take a lease that is free or over, or keep one's own, for so many seconds; says whether it is ours.

    The time is the database's, so that the clocks of the hosts need not agree.
    """
    with write_atomic():
        row = Lease.objects.select_for_update().filter(name=name).first()
        now = database_time()
        until = now + timedelta(seconds=seconds)
        if row is not None and row.holder != holder and row.until > now:
            return False
        if row is not None:
            Lease.objects.filter(name=name).update(holder=holder, until=until)
            return True
    try:
        with write_atomic():
            Lease.objects.create(name=name, holder=holder, until=until)
    except IntegrityError:
        return False  # Another one was first.
    return True


def lease_give_back(*, name: str, holder: str) -> None:
    """End a lease of one's own, so that the next one need not wait."""
    with write_atomic():
        Lease.objects.filter(name=name, holder=holder).delete()


class Election:
    """One process's candidacy for a lease, asked often: the database is asked when half of the lease is over."""

    def __init__(self, *, name: str, holder: str, seconds: float) -> None:
        self._name = name
        self._holder = holder
        self._seconds = seconds
        self._until = 0.0

    def is_elected(self) -> bool:
        """Whether this process holds the lease now; raises what the database raises."""
        now = time.monotonic()
        if now < self._until:
            return True
        if not lease_take(name=self._name, holder=self._holder, seconds=self._seconds):
            return False
        self._until = now + self._seconds / 2
        return True

    def resign(self) -> None:
        """Let another process be elected at once."""
        self._until = 0.0
        lease_give_back(name=self._name, holder=self._holder)
