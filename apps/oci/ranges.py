"""Byte ranges: of an upload's chunk (distribution-spec) and of a download (RFC 9110, section 14)."""

import re
from dataclasses import dataclass
from typing import Final

from apps.oci.errors import MultipleRangesError, RangeInvalidError, RangeUnsatisfiableError, excerpt

MAX_POSITION: Final = 2**63 - 1

# 19 digits hold every 63-bit position, so that int() never sees a number as long as the header.
_CONTENT_RANGE: Final = re.compile(r"(?:bytes[ =])?([0-9]{1,19})-([0-9]{1,19})(?:/(?:([0-9]{1,19})|\*))?")
_RANGE_SPEC: Final = re.compile(r"([0-9]*)-([0-9]*)")
# Python refuses to read integers of more than 4300 digits; no honest Range header comes near this.
_MAX_HEADER_LENGTH: Final = 4096


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A range inside some content, in bytes: `start` is in, `end_exclusive` is the first byte out."""

    start: int
    end_exclusive: int


def parse_content_range(header: str) -> tuple[int, int]:
    """Parse a chunk's Content-Range into (first byte, last byte), both inclusive.

    The distribution specification's form is `0-1023`; RFC 9110's `bytes 0-1023/*` is taken as well.
    Raises RangeInvalidError.
    """
    matched = _CONTENT_RANGE.fullmatch(header.strip(" \t"))
    detail = {"range": excerpt(header)}
    if not matched:
        raise RangeInvalidError(
            f"invalid Content-Range '{excerpt(header)}': want <first byte>-<last byte>", detail=detail
        )
    start, end = int(matched[1]), int(matched[2])
    if start > end or end > MAX_POSITION:
        raise RangeInvalidError(
            f"invalid Content-Range '{excerpt(header)}': the last byte is out of bounds", detail=detail
        )
    if matched[3] is not None and int(matched[3]) <= end:
        raise RangeInvalidError(
            f"invalid Content-Range '{excerpt(header)}': the last byte is not below the total", detail=detail
        )
    return start, end


def parse_byte_range(header: str, size: int) -> ByteRange | None:
    """Parse a Range header for content of `size` bytes; None means: answer as if it were not there.

    None for another unit, a syntax error (RFC 9110, 14.2) and a suffix of empty content, which 206 cannot
    express. Raises RangeUnsatisfiableError when no byte is in the range, MultipleRangesError for several.
    """
    unit, equals, range_set = header.partition("=")
    if not equals or unit.strip(" \t").lower() != "bytes" or len(header) > _MAX_HEADER_LENGTH:
        return None
    # Empty list elements are legal and mean nothing (RFC 9110, 5.6.1.2).
    texts = [text for part in range_set.split(",") if (text := part.strip(" \t"))]
    specs = [spec for text in texts if (spec := _range_spec(text))]
    if not specs or len(specs) != len(texts):
        return None
    if len(specs) > 1:
        raise MultipleRangesError("several ranges in one request are not supported", detail={"size": size})
    first, last = specs[0]
    if first is None:
        if size == 0 and last:
            return None
        first, last = (max(size - last, 0) if last else size), None
    if first >= size:
        raise RangeUnsatisfiableError(
            f"range '{excerpt(header)}' is outside of the {size} bytes there are", detail={"size": size}
        )
    return ByteRange(first, size if last is None else min(last + 1, size))


def _range_spec(text: str) -> tuple[int | None, int | None] | None:
    """Return (first, last) or (None, suffix length) or, for a syntax error, None."""
    matched = _RANGE_SPEC.fullmatch(text)
    if not matched or text == "-":
        return None
    first = int(matched[1]) if matched[1] else None
    last = int(matched[2]) if matched[2] else None
    if first is not None and last is not None and last < first:
        return None
    return first, last
