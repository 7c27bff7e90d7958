"""JSON log lines and the id that ties the lines of one request together."""

import contextvars
import os
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from pythonjsonlogger.json import JsonFormatter as BaseJsonFormatter

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")

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
    value = given if given and _SANE_ID.match(given) else str(uuid.uuid4())
    request_id.set(value)
    return value


def write_access_line(fields: Mapping[str, object]) -> None:
    """One line on standard output, written whole: lines of several threads and processes do not mix."""
    os.write(1, orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))
