"""The read-only mode, in which only reads are answered, on both planes."""

from apps.common.errors import DeniedError
from apps.config.selectors import system_settings


def read_only_check() -> None:
    """Raise :class:`DeniedError`, with Harbor's words, while the system is in read-only mode."""
    if system_settings().read_only:
        raise DeniedError("The system is in read only mode. Any modification is prohibited.")
