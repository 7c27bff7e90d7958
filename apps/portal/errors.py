"""What goes wrong, told in a page: Django's error handlers, and domain errors in words."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.common.errors import DomainError
from apps.common.logs import request_id
from apps.common.statuses import STATUS
from apps.oci.errors import OciError
from apps.portal.problems import problem_said

# Files of ours alone, and the small pictures in the style sheet of the design kit.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_TITLES = {
    HTTPStatus.BAD_REQUEST: gettext_lazy("That request makes no sense"),
    HTTPStatus.UNAUTHORIZED: gettext_lazy("Sign in first"),
    HTTPStatus.FORBIDDEN: gettext_lazy("You may not do this"),
    HTTPStatus.NOT_FOUND: gettext_lazy("There is nothing here"),
    HTTPStatus.METHOD_NOT_ALLOWED: gettext_lazy("That cannot be done here"),
    HTTPStatus.CONFLICT: gettext_lazy("It exists already, or changed meanwhile"),
    HTTPStatus.PRECONDITION_FAILED: gettext_lazy("That is not possible now"),
    HTTPStatus.UNPROCESSABLE_ENTITY: gettext_lazy("That request makes no sense"),
    HTTPStatus.TOO_MANY_REQUESTS: gettext_lazy("That was too often: wait a little"),
    HTTPStatus.SERVICE_UNAVAILABLE: gettext_lazy("Something that is needed cannot be reached now"),
}


def problem_status(error: DomainError | OciError) -> HTTPStatus:
    """The status of the page that tells ``error``."""
    return STATUS.get(error.code, (HTTPStatus.INTERNAL_SERVER_ERROR, ""))[0]


def problem_text(error: DomainError | OciError) -> str:
    """What happened, in the reader's language where the sentence is known."""
    return problem_said(error.message)


def page_headers(response: HttpResponse) -> None:
    """What every page of the portal says about itself."""
    response["Content-Security-Policy"] = _POLICY
    response["X-Frame-Options"] = "DENY"
    # Pages show what somebody may see: neither proxies nor the Back button of the next person keep them.
    response.headers.setdefault("Cache-Control", "no-store")


def error_page(
    request: HttpRequest, status: HTTPStatus, problem: str = "", shell: Mapping[str, Any] | None = None
) -> HttpResponse:
    """A page about an error; ``shell`` is what the layout shows around it, if it is known."""
    context = {
        **(shell or {}),
        "title": _TITLES.get(status, gettext_lazy("Something went wrong")),
        "problem": problem,
        "status": int(status),
        "request_id": request_id.get(),
    }
    response = render(request, "portal/error.html", context, status=status)
    page_headers(response)
    return response


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 (Django's name)
    """Django's ``handler404``."""
    return _localised(request, HTTPStatus.NOT_FOUND)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 (Django's name)
    """Django's ``handler400``."""
    return _localised(request, HTTPStatus.BAD_REQUEST)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``; Django has logged the error under the request's id, which the page shows."""
    return _localised(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 (Django's name)
    """Django's ``CSRF_FAILURE_VIEW``."""
    with translation.override(translation.get_language_from_request(request)):
        problem = _(
            "The page was open for too long, or cookies are off. Go back, load the page again and send the form once more."
        )
        return error_page(request, HTTPStatus.FORBIDDEN, problem)


def _localised(request: HttpRequest, status: HTTPStatus) -> HttpResponse:
    with translation.override(translation.get_language_from_request(request)):
        return error_page(request, status)
