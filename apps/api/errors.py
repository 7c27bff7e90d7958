"""From domain errors and framework errors to Harbor's envelope: one table, one handler."""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import orjson
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from apps.common.database import connections_heal
from apps.common.errors import DomainError
from apps.common.statuses import STATUS
from apps.oci.errors import OciError

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/json; charset=utf-8"

# DRF's codes for values of the right type that break a bound of the contract: Harbor answers 422 to those.
_BOUNDS = {"max_length", "min_length", "max_value", "min_value"}


def envelope(code: str, message: str) -> dict[str, Any]:
    """The body of every error."""
    return {"errors": [{"code": code, "message": message}]}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's hook: an answer for whatever a view raised. Nothing of an unexpected error gets out."""
    status, code, message = _describe(error)
    if isinstance(error, OperationalError | InterfaceError):
        connections_heal()
        status = HTTPStatus.SERVICE_UNAVAILABLE
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("request failed", exc_info=error)
        code, message = "UNKNOWN", "internal server error"
    response = Response(envelope(code, message), status=status, content_type=CONTENT_TYPE)
    if isinstance(error, exceptions.MethodNotAllowed) and (view := context.get("view")) is not None:
        response["Allow"] = ", ".join(view.allowed_methods)
    return response


def _describe(error: Exception) -> tuple[int, str, str]:
    match error:
        case DomainError() | OciError():
            status, code = STATUS.get(error.code, (HTTPStatus.INTERNAL_SERVER_ERROR, "UNKNOWN"))
            return status, code, error.message
        case exceptions.ValidationError():
            problems = list(_problems(error.get_full_details()))
            bounds = all(code in _BOUNDS for _, code, _ in problems)
            status = HTTPStatus.UNPROCESSABLE_ENTITY if bounds else HTTPStatus.BAD_REQUEST
            return status, _http_code(status), "; ".join(f"{name}: {text}" for name, _, text in problems)
        case exceptions.APIException():
            return error.status_code, _http_code(error.status_code), str(error.detail)
        case InterfaceError() | OperationalError():
            # The database is away, busy or out of connections: worth another try, unlike a defect.
            return HTTPStatus.SERVICE_UNAVAILABLE, "UNKNOWN", ""
        case Http404():
            return HTTPStatus.NOT_FOUND, "NOT_FOUND", "the resource is not found"
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR, "UNKNOWN", ""


def _problems(details: Any, name: str = "body") -> Iterator[tuple[str, str, str]]:
    """Each complaint of a serializer as field, code and text."""
    if isinstance(details, list):
        for item in details:
            yield from _problems(item, name)
    elif "code" in details and "message" in details and isinstance(details["code"], str):
        yield name, details["code"], str(details["message"])
    else:
        for key, value in details.items():
            yield from _problems(value, name if key == "non_field_errors" else str(key))


def _http_code(status: int) -> str:
    """The text of a status as a code: 422 is ``UNPROCESSABLE_ENTITY``."""
    return HTTPStatus(status).phrase.upper().replace(" ", "_").replace("-", "_")


def error_response(status: HTTPStatus, code: str, message: str) -> HttpResponse:
    """An error outside of DRF's views."""
    body = orjson.dumps(envelope(code, message), option=orjson.OPT_APPEND_NEWLINE)
    return HttpResponse(body, status=status, content_type=CONTENT_TYPE)


def is_program(request: HttpRequest) -> bool:
    """Whether the path is one of the API and its sessions, which answer JSON, and not one of a page."""
    return request.path_info.startswith(("/api/", "/c/"))


def bad_request(_request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 (Django's name)
    """Django's ``handler400``."""
    return error_response(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", "the request is malformed")


def not_found(_request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 (Django's name)
    """Django's ``handler404`` and the end of the API's routes."""
    return error_response(HTTPStatus.NOT_FOUND, "NOT_FOUND", "the resource is not found")


def server_error(_request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``; Django has logged the error."""
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, "UNKNOWN", "internal server error")
