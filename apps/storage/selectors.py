"""The storage of this process."""

from functools import cache

from django.conf import settings

from apps.storage.driver import StorageDriver
from apps.storage.factory import make_driver


@cache
def get_driver() -> StorageDriver:
    """The driver that the settings name, one a process. Raises :class:`StorageUrlError`."""
    return make_driver(settings.HARBOR.blobs_url)
