"""What happens around every request of the full stack: its id, its access line, its path."""

import re
import time
from collections.abc import Callable
from functools import cache
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.api.errors import bad_request
from apps.api.operations import operation_name
from apps.common.forwarding import base_url
from apps.common.logs import PERSON, take_request_id, write_access_line
from apps.common.metrics import get_recorder
from apps.common.origin import take_request

HSTS = "max-age=31536000"
"""Browsers that came by https do so for a year; for this name alone: others below it are not ours to speak for."""

_SLASHES = re.compile("/{2,}")
_PARAMETER = re.compile(r"<\w+:(\w+)>")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


class RequestMiddleware:
    """Gives each request an id, answers with it, and writes one line about it.

    The query is not in the line: it may hold secrets.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_id = take_request_id(request.headers.get("X-Request-Id"))
        take_request(request.META)
        if (recorder := get_recorder()) is not None:
            recorder.enter()
        request.path_info = _SLASHES.sub("/", request.path_info)
        # PostgreSQL has no NUL in texts: no name that we could look up holds one.
        response = bad_request(request) if "\x00" in request.path_info else self._get_response(request)
        response["X-Request-Id"] = request_id
        # Pages say more (their Content-Security-Policy); this is for answers and files that somebody opens in a frame.
        response.headers.setdefault("X-Frame-Options", "DENY")
        if base_url(request.META).startswith("https://"):
            response.headers.setdefault("Strict-Transport-Security", HSTS)
        if not response.streaming:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        if recorder is not None:
            recorder.leave(
                str(request.method),
                response.status_code,
                _operation(request),
                time.perf_counter() - started,
                _number(request.META.get("CONTENT_LENGTH")),
                _size(response),
            )
        if settings.HARBOR.access_log:
            write_access_line(
                request.META,
                status=response.status_code,
                seconds=time.perf_counter() - started,
                received=_number(request.META.get("CONTENT_LENGTH")),
                sent=_size(response),
                person=request.META.get(PERSON, ""),
            )
        return response


def _operation(request: HttpRequest) -> str:
    """What is asked for, as the metrics name it: by the route, so that there are not more than routes."""
    route = request.resolver_match.route if request.resolver_match is not None else ""
    return _operation_of(str(request.method), route)


@cache
def _operation_of(method: str, route: str) -> str:
    if not route or route == "api/" or method not in _METHODS:
        return "others"
    return operation_name(method, "/" + _PARAMETER.sub(r"{\1}", route))


def _number(text: str | None) -> int:
    """Bytes of a request's body; 0 where its header says nothing or nonsense."""
    return int(text) if text and text.isdecimal() else 0


def _size(response: HttpResponse) -> int:
    """Bytes of the body; 0 for one that streams and for an answer that has none."""
    if response.streaming or response.status_code == HTTPStatus.NO_CONTENT:
        return 0
    return len(response.content)
