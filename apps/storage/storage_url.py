"""The URL that says which driver is used and how: ``scheme://host/path?option=value``."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from apps.storage.errors import StorageUrlError

_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True)
class StorageUrl:
    """A storage URL in its parts; ``path`` is unquoted and begins with a slash if there is one."""

    scheme: str
    host: str
    path: str
    options: Mapping[str, str]

    def check_options(self, known: Collection[str]) -> None:
        """Raise :class:`StorageUrlError` for the first option that is not in ``known``."""
        for name in self.options:
            if name not in known:
                allowed = ", ".join(sorted(known)) or "none"
                raise StorageUrlError(
                    f"unknown option {name!r} in a {self.scheme}:// storage URL; known: {allowed}"
                )

    def flag(self, name: str, *, default: bool) -> bool:
        """The option as a truth value; raises :class:`StorageUrlError` if it is not one."""
        if name not in self.options:
            return default
        try:
            return _TRUTH[self.options[name].lower()]
        except KeyError:
            raise StorageUrlError(f"option {name!r} of the storage URL must be true or false") from None


def parse_storage_url(url: str) -> StorageUrl:
    """Take ``url`` apart. Raises :class:`StorageUrlError`, which shows no value: a URL may hold a secret."""
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise StorageUrlError("the storage URL is not a URL") from None
    if "@" in parts.netloc:
        raise StorageUrlError("the storage URL must hold no credentials; see the option access_key_env")
    if parts.fragment:
        raise StorageUrlError("the storage URL must have no #fragment; write # as %23")
    options = dict(pairs)
    if len(options) != len(pairs):
        raise StorageUrlError("the storage URL has an option twice")
    return StorageUrl(scheme=parts.scheme, host=parts.netloc, path=unquote(parts.path), options=options)
