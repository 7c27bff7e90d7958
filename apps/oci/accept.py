"""Whether a client takes a media type, by the Accept headers that registry clients really send."""

import re
from functools import lru_cache
from typing import Final

# RFC 9110's token without the star, which only stands alone here.
_NAME: Final = r"[!#$%&'+.^_`|~0-9a-z-]+"
_MEDIA_RANGE: Final = re.compile(
    rf"\s*(\*/\*|{_NAME}/(?:\*|{_NAME}))\s*(?:;(.*))?", re.IGNORECASE | re.DOTALL
)
_WEIGHT: Final = re.compile(r"0(?:\.[0-9]*)?|1(?:\.0*)?")
# Only headers of an ordinary length are remembered, so that the cache stays small whatever is sent.
_MAX_CACHED_LENGTH: Final = 1024


def choose(accept_headers: str | None, media_type: str) -> bool:
    """Return whether a client that sent these Accept headers (joined by commas) takes `media_type`.

    No content is ever converted, so this only decides a refusal, and it is lenient: no header, or one of
    which nothing can be read, takes everything; malformed parts are ignored; `application/json` takes every
    JSON document. The most specific range decides (RFC 9110, 12.5.1), and `q=0` means no.
    """
    if not accept_headers:
        return True
    cached = len(accept_headers) <= _MAX_CACHED_LENGTH
    ranges = _cached_ranges(accept_headers) if cached else _media_ranges(accept_headers)
    if not ranges:
        return True
    wanted = media_type.lower()
    if wanted in ranges:
        return ranges[wanted]
    if ranges.get("application/json") and wanted.endswith("+json"):
        return True
    whole_type = f"{wanted.partition('/')[0]}/*"
    return ranges.get(whole_type, ranges.get("*/*", False))


def _media_ranges(accept_headers: str) -> dict[str, bool]:
    """Map each readable media range, lower case, to whether its weight is above zero."""
    ranges: dict[str, bool] = {}
    for part in accept_headers.split(","):
        matched = _MEDIA_RANGE.fullmatch(part)
        weight = _weight(matched[2]) if matched else None
        if matched and weight is not None:
            name = matched[1].lower()
            ranges[name] = ranges.get(name, False) or weight > 0
    return ranges


_cached_ranges = lru_cache(maxsize=256)(_media_ranges)


def _weight(parameters: str | None) -> float | None:
    """Return the `q` among a media range's parameters, 1 when there is none, None when it is malformed."""
    for parameter in (parameters or "").split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            return float(value) if _WEIGHT.fullmatch(value := value.strip()) else None
    return 1.0
