"""What can be wrong with OCI input. The HTTP status of each code is the data plane's table, not ours."""

from typing import ClassVar


class OciError(Exception):
    """Base of every error of this package.

    `code` is the distribution specification's error code, `message` is for people, and `detail` is JSON
    data for the envelope's `detail` (None when there is nothing to add).
    """

    code: ClassVar[str] = "UNSUPPORTED"

    def __init__(self, message: str, *, detail: object | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class DigestInvalidError(OciError):
    code = "DIGEST_INVALID"


class NameInvalidError(OciError):
    code = "NAME_INVALID"


class TagInvalidError(OciError):
    code = "TAG_INVALID"


class ManifestInvalidError(OciError):
    code = "MANIFEST_INVALID"


class ManifestUnsupportedError(OciError):
    """A document we can name but do not store: docker schema 1, or an unknown media type."""

    code = "UNSUPPORTED"


class ManifestTooLargeError(OciError):
    code = "SIZE_INVALID"


class RangeInvalidError(OciError):
    code = "RANGE_INVALID"


class RangeUnsatisfiableError(RangeInvalidError):
    """A well formed range that no byte of the content falls into; `detail` is `{"size": <bytes>}`."""


class MultipleRangesError(RangeInvalidError):
    """More than one range in a request: content is served as one range or whole; `detail` as above."""


def excerpt(text: str) -> str:
    """Return at most 128 characters of client input, safe to put into a message, a log line or JSON.

    Everything outside printable ASCII is escaped, because lone surrogates (which a header may hold) cannot
    be encoded as UTF-8, and control characters must not reach a terminal.
    """
    escaped = text[:128].encode("unicode_escape").decode("ascii")
    return escaped if len(text) <= 128 else f"{escaped}…"
