"""Cursors: what the URLs of ``Link`` carry, so that the next page begins where this one ended.

A cursor is signed and stands for one list with one set of parameters; one that is not ours, or is put to another
list, page or filter, counts as none, and the page is found by its number.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.conf import settings

from apps.common.keyset import KeyValue

_SALT = b"harbor-py cursor:"
_SIGNATURE = 16
_LONGEST = 8192


@dataclass(frozen=True, slots=True)
class Cursor:
    """Page ``page`` is the rows after (``backward``: before) the one with these ``values`` of the sort keys.

    ``total`` is the number of rows as it was counted or estimated once.
    """

    page: int
    backward: bool
    values: tuple[KeyValue, ...]
    total: int
    is_exact: bool


def cursor_seal(cursor: Cursor, *, path: str, query: Sequence[tuple[str, str]]) -> str:
    """The cursor as text for a URL of this list."""
    values = [[value.isoformat()] if isinstance(value, datetime) else value for value in cursor.values]
    body = orjson.dumps([cursor.page, cursor.backward, values, cursor.total, cursor.is_exact])
    return base64.urlsafe_b64encode(_signature(body, path, query) + body).rstrip(b"=").decode("ascii")


def cursor_open(text: str, *, path: str, query: Sequence[tuple[str, str]]) -> Cursor | None:
    """The cursor of a request of this list; None if it is none of ours."""
    if not text or len(text) > _LONGEST:
        return None
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    signature, body = data[:_SIGNATURE], data[_SIGNATURE:]
    if not hmac.compare_digest(signature, _signature(body, path, query)):
        return None
    page, backward, values, total, is_exact = orjson.loads(body)
    read = tuple(datetime.fromisoformat(value[0]) if isinstance(value, list) else value for value in values)
    return Cursor(page, backward, read, total, is_exact)


def _signature(body: bytes, path: str, query: Sequence[tuple[str, str]]) -> bytes:
    # The page's number is in the body; everything else that is asked must be as it was.
    asked = sorted(pair for pair in query if pair[0] not in {"page", "cursor"})
    message = _SALT + orjson.dumps([path, asked]) + b"\n" + body
    return hmac.digest(settings.SECRET_KEY.encode(), message, hashlib.sha256)[:_SIGNATURE]
