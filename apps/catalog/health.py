"""Whether this process can serve: its database, the coordination between processes and the blob storage."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from apps.accounts.models import User
from apps.common.stamps import get_stamps
from apps.jobs.selectors import pool_list
from apps.storage.selectors import get_driver

logger = logging.getLogger(__name__)

# Anyone may ask for the health: asking often must not mean checking often.
_REUSE_SECONDS = 1.0
_JOBS = "jobservice"


class NoWorkerError(Exception):
    """Jobs wait: nobody is there to run them."""


@dataclass(frozen=True, slots=True)
class Component:
    """A part that the service needs; ``error`` is "" while it is healthy."""

    name: str
    error: str = ""

    @property
    def status(self) -> str:
        """The word that the API uses."""
        return "unhealthy" if self.error else "healthy"


@dataclass(frozen=True, slots=True)
class Health:
    """The whole of it."""

    components: tuple[Component, ...]

    @property
    def is_healthy(self) -> bool:
        """Every component is."""
        return not any(component.error for component in self.components)

    @property
    def can_serve(self) -> bool:
        """Whether clients are served here: jobs can wait, everything else cannot."""
        return not any(component.error for component in self.components if component.name != _JOBS)

    @property
    def status(self) -> str:
        """The word that the API uses."""
        return "healthy" if self.is_healthy else "unhealthy"


def _check_database() -> None:
    User.objects.filter(pk=1).exists()


def _check_coordination() -> None:
    get_stamps().read("health")


def _check_jobs() -> None:
    if not pool_list().exists():
        raise NoWorkerError("no background process is alive")


def _check_storage() -> None:
    get_driver().check()


_lock = threading.Lock()
_last: list[tuple[float, Health]] = []


def health() -> Health:
    """The state of every component, at most a second old."""
    with _lock:
        if _last and time.monotonic() - _last[0][0] < _REUSE_SECONDS:
            return _last[0][1]
        components = [
            Component("core"),
            _component(_JOBS, _check_jobs, "no background process is alive"),
            _component("database", _check_database, "the database cannot be used"),
            _component("registry", _check_storage, "the blob storage cannot be used"),
        ]
        if settings.HARBOR.redis_url:
            components.append(_component("redis", _check_coordination, "Redis cannot be used"))
        found = Health(tuple(components))
        _last[:] = [(time.monotonic(), found)]
        return found


def _component(name: str, check: Callable[[], None], error: str) -> Component:
    """Anyone reads the answer, so it says what is broken and the log says how."""
    try:
        check()
    except NoWorkerError:
        # As at every start, when it comes up beside this process; there is no more to tell.
        logger.warning("health check of %s: %s", name, error)
        return Component(name, error)
    except Exception:  # whatever a driver raises is what this is asked for
        logger.exception("health check of %s failed", name)
        return Component(name, error)
    return Component(name)
