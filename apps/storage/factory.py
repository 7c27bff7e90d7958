"""From a storage URL to a driver."""

from collections.abc import Callable

from django.utils.module_loading import import_string

from apps.storage.driver import StorageDriver
from apps.storage.errors import StorageUrlError
from apps.storage.storage_url import StorageUrl, parse_storage_url

# By dotted name and loaded when used: boto3 alone would double the memory of a process that has local files.
_MAKERS = {
    "file": "apps.storage.drivers.filesystem.filesystem_from_url",
    "memory": "apps.storage.drivers.memory.memory_from_url",
    "s3": "apps.storage.drivers.s3.s3_from_url",
}


def make_driver(url: str) -> StorageDriver:
    """A driver for ``url``.

    - ``file:///absolute/folder``
    - ``s3://bucket/prefix?endpoint=…&region=…&path_style=true&redirect=false&access_key_env=…&secret_key_env=…``
    - ``memory://name``: gone with the process; drivers of the same name share their files

    Raises :class:`StorageUrlError` for an unknown scheme or option, or a URL without a needed part.
    """
    parts = parse_storage_url(url)
    if parts.scheme not in _MAKERS:
        raise StorageUrlError(f"unknown storage scheme {parts.scheme!r}; known: {', '.join(_MAKERS)}")
    maker: Callable[[StorageUrl], StorageDriver] = import_string(_MAKERS[parts.scheme])
    return maker(parts)
