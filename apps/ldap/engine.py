"""What speaks with directories here; none where the extra is not installed."""

from apps.common.errors import PreconditionError
from apps.ldap.types import MISSING, Engine

_engines: list[Engine] = []


def engine_set(engine: Engine) -> None:
    """Called once, from ``ready()``."""
    _engines[:] = [engine]


def engine() -> Engine:
    """Raises :class:`PreconditionError`, which says how to install it."""
    if not _engines:
        raise PreconditionError(MISSING)
    return _engines[0]
