"""When and from where a token was used last, without a write in the request that uses it.

Each process remembers which tokens it has told of within the last minute; a thread of its own writes the others.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from apps.access_tokens.models import AccessToken
from apps.accounts.authentication import Deadlines
from apps.accounts.security import Principal
from apps.common.database import release_connection, write_atomic

logger = logging.getLogger(__name__)

WRITE_SECONDS = 60.0
_MAX_ADDRESS = 64


class LastUses:
    """Takes uses at no cost, and has :func:`use_write` run by ``submit``, once a minute for a token."""

    def __init__(self, submit: Callable[..., Any]) -> None:
        self._submit = submit
        self._told = Deadlines(size=16384)

    def take(self, principal: Principal, address: str) -> None:
        """A token has signed in from ``address``."""
        if self._told.start((str(principal.id), ""), WRITE_SECONDS):
            self._submit(use_write, principal.id, address, timezone.now())


def use_write(token_id: int, address: str, at: datetime) -> None:
    """Write a use unless another process has done so within the minute. Only logs when the database is away."""
    before = at - timedelta(seconds=WRITE_SECONDS)
    due = Q(last_used_at__isnull=True) | Q(last_used_at__lte=before)
    try:
        with write_atomic():
            AccessToken.objects.filter(due, pk=token_id).update(
                last_used_at=at, last_used_address=address[:_MAX_ADDRESS]
            )
    except DatabaseError:
        logger.warning("the last use of access token %s was not written", token_id, exc_info=True)
    finally:
        release_connection()


# One thread, made at the first use: a process of which no token is asked has none.
last_uses = LastUses(ThreadPoolExecutor(max_workers=1, thread_name_prefix="token-uses").submit)
