"""JSON log lines and the id that ties the lines of one request together."""

import contextvars
import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from pythonjsonlogger.json import JsonFormatter as BaseJsonFormatter

from apps.common.forwarding import client_address

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")

# Who is calling, for the access line; authentication puts it into the request's META.
PERSON = "harbor.person"

_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}\Z")


class JsonFormatter(BaseJsonFormatter):
    """Adds the request's id and writes times in UTC."""

    def add_fields(self, log_data: dict[str, Any], record: Any, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        log_data["asctime"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        if current := request_id.get():
            log_data["request_id"] = current


def take_request_id(given: str | None) -> str:
    """The caller's ``X-Request-ID`` if it is harmless to log, else a new one; it becomes the current one."""
    value = given if given and _SANE_ID.match(given) else _new_id()
    request_id.set(value)
    return value


def _new_id() -> str:
    """A random UUID (RFC 9562, version 4); the ``uuid`` module takes three times as long, on every pull."""
    text = os.urandom(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def write_access_line(
    environ: Mapping[str, Any],
    *,
    status: int,
    seconds: float,
    received: int,
    sent: int,
    person: str,
    repository: str = "",
) -> None:
    """One line on standard output about a request, of whichever plane; sizes are bytes of the bodies.

    Never the query, which may hold secrets. Written whole: lines of several threads and processes do not mix.
    """
    fields = {
        "log": "access",
        "time": datetime.now(UTC),
        "request_id": request_id.get(),
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "status": status,
        "person": person,
        "repository": repository,
        "received": received,
        "sent": sent,
        "duration_ms": round(seconds * 1000, 2),
        "address": client_address(environ),
        "agent": environ.get("HTTP_USER_AGENT", ""),
    }
    # orjson refuses lone surrogates, which a path that is not UTF-8 may hold: those lines are written the slow way.
    try:
        line = orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        line = json.dumps(fields, default=str).encode() + b"\n"
    os.write(1, line)
