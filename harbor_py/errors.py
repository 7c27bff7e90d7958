"""Django's error handlers: JSON for programs, a page for people."""

from django.http import HttpRequest, HttpResponse

from apps.api import errors as api
from apps.portal import errors as portal


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """``handler400``."""
    handler = api.bad_request if api.is_program(request) else portal.bad_request
    return handler(request, exception)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """``handler404``."""
    handler = api.not_found if api.is_program(request) else portal.not_found
    return handler(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """``handler500``."""
    return (api.server_error if api.is_program(request) else portal.server_error)(request)
