"""A part of a page that renews itself while something goes on, and stops by itself when that has ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from apps.accounts.security import SecurityContext
from apps.common.errors import DomainError
from apps.oci.errors import OciError
from apps.portal.errors import page_headers, problem_status
from apps.portal.refusals import note_refused

_STOP_POLLING = 286
"""What htmx is answered so that it shows the answer and asks no more."""
_EVERY = 2
_SEEN = "HTTP_X_HARBOR_SEEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What the part shows: ``template`` with ``context``. No form belongs there: its token differs each time.

    ``is_finished`` says that nothing of it will change any more; until then it is asked for ``every`` some seconds.
    """

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    is_finished: bool = False
    every: int = _EVERY


class LiveMixin:
    """A page with such a part, which stands in its template as ``{{ live }}``.

    Comes before :class:`PortalView` (or a subclass of it) among the bases, and has two routes: that of the page, and
    that of the part, ``as_view(is_part=True)``.
    """

    is_part = False
    part_name = "live"
    """The part's id in the page."""
    resource_type: ClassVar[str]

    request: HttpRequest
    actor: SecurityContext
    kwargs: Mapping[str, Any]
    render: Callable[..., HttpResponse]

    def part(self) -> Part:
        """The part as it is now."""
        raise NotImplementedError

    def part_url(self) -> str:
        """Where the part is to be had alone."""
        raise NotImplementedError

    def around(self) -> Mapping[str, Any]:
        """Further context of the whole page; asked after :meth:`part`."""
        return {}

    def get(self, request: HttpRequest, **words: Any) -> HttpResponse:  # noqa: ARG002 (the words are the route's)
        """The page; or the part, empty if the reader has it already."""
        part = self.part()
        body = render_to_string(part.template, {"actor": self.actor, "part": part, **part.context}, request)
        mark = sha256(body.encode()).hexdigest()[:16]
        if self.is_part and not part.is_finished and request.META.get(_SEEN) == mark:
            answer = HttpResponse(status=HTTPStatus.NO_CONTENT)
            page_headers(answer)
            return answer
        query = f"?{request.GET.urlencode()}" if request.GET else ""
        frame = {
            "name": self.part_name,
            "body": body,
            "part": part,
            "mark": mark,
            "url": self.part_url() + query,
        }
        live = render_to_string("portal/parts/live.html", frame)
        if self.is_part:
            answer = HttpResponse(live)
            page_headers(answer)
            return answer
        return self.render(live=live, **self.around())

    def refused(self, request: HttpRequest, error: DomainError | OciError) -> HttpResponse:
        """In the part's place: that it is renewed no more. Not the page to sign in, which would end up inside the page."""
        if not self.is_part:
            # What it is mixed into has it.
            page: HttpResponse = super().refused(request, error)  # type: ignore[misc]
            return page
        note_refused(request, error, problem_status(error), self.resource_type, self.kwargs)
        answer = HttpResponse(
            render_to_string("portal/parts/live_end.html", {"name": self.part_name}), status=_STOP_POLLING
        )
        page_headers(answer)
        return answer
