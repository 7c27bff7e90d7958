"""The base of every view: who calls, what the query says, which project is meant, how a list is answered."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.access_tokens.contexts import TokenContext
from apps.accounts.cookies import SESSION_COOKIE
from apps.accounts.security import SecurityContext
from apps.accounts.sessions import is_confirmed
from apps.api.parameters import Parameter
from apps.api.parsers import MAX_BODY, HarborJSONParser
from apps.api.refusals import note_refused
from apps.api.shapes import Input, Shape
from apps.common.errors import (
    BadRequestError,
    ConfirmationNeededError,
    ForbiddenError,
    TooManyRequestsError,
    UnauthorizedError,
    UnprocessableError,
)
from apps.common.listing import Address, list_page
from apps.common.pagination import DEFAULT_PAGE_SIZE, parse_int64, parse_page
from apps.common.query import QueryField, filter_rows, parse_query, sort_rows
from apps.config.read_only import read_only_check
from apps.projects.contexts import AnonymousContext
from apps.projects.models import Project
from apps.projects.selectors import project_require

ModelT = TypeVar("ModelT", bound=Model)

_BAD_QUERY = re.compile(r"%(?![0-9A-Fa-f]{2})|;|%00")
# What is made of them is in memory all at once, for anybody who may list.
MOST_ROWS = 10_000
SAFE_METHODS = frozenset({"GET", "HEAD"})
# Without these nobody could end the read-only mode.
WRITABLE_IN_READ_ONLY = frozenset({"/api/v2.0/configurations", "/c/login", "/c/userExists"})
_BOOLEANS = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}


class _OneFormat(BaseContentNegotiation):
    """Harbor answers JSON whatever ``Accept`` says."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The parser for the request's content type."""
        media_type = (request.content_type or "").split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002 (DRF's signature)
        renderers: Any,
        format_suffix: str | None = None,  # noqa: ARG002
    ) -> tuple[BaseRenderer, str]:
        """The only renderer."""
        return renderers[0], renderers[0].media_type


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRules:
    """What a list can be asked: keys of ``q`` and ``sort``, and its own order (which ends in a unique key).

    ``ties`` (without a direction) decide between rows that the asked keys leave equal; without them the last key of
    ``order`` does. ``most_rows`` bounds what a client gets that asks for every row at once. ``default_size`` is the size of a page
    for who names none, 0 for every row on one.
    """

    order: Sequence[str]
    ties: Sequence[str] = ()
    fields: Mapping[str, QueryField] = field(default_factory=dict)
    most_rows: int = MOST_ROWS
    default_size: int = DEFAULT_PAGE_SIZE


class HarborView(APIView):
    """Base of the views: thin translations of HTTP to services and selectors."""

    parser_classes = [HarborJSONParser]
    content_negotiation_class = _OneFormat
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]

    # By method, for the OpenAPI description; [Shape] stands for a list of it.
    asks: ClassVar[Mapping[str, Sequence[Parameter]]] = {}
    takes: ClassVar[Mapping[str, type[Input]]] = {}
    answers: ClassVar[Mapping[str, type[Shape] | list[type[Shape]]]] = {}
    # Refusals that are none of the usual ones, by status.
    refusals: ClassVar[Mapping[str, Mapping[int, type[Shape] | list[type[Shape]]]]] = {}
    # Headers of an answer besides those of every answer.
    sends: ClassVar[Mapping[str, Sequence[str]]] = {}
    # Only where it is neither 201 for POST nor 200.
    statuses: ClassVar[Mapping[str, int]] = {}
    # Methods for which a session has to have given the password lately. Credentials that come with the request do.
    dangerous: ClassVar[frozenset[str]] = frozenset()
    # Whether it may be written in the read-only mode: nothing of the registry changes.
    in_read_only: ClassVar[bool] = False
    _unread: TooManyRequestsError | None = None

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """As DRF does, but with the body of a chunked request, which Django takes for empty."""
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "") and not request.META.get(
            "CONTENT_LENGTH"
        ):
            try:
                body = request.META["wsgi.input"].read(MAX_BODY + 1)
            except TooManyRequestsError as error:
                # What is raised here is nobody's: it is answered when the request is looked at.
                self._unread, body = error, b""
            request._stream = io.BytesIO(body)  # noqa: SLF001 (there is no public way)
            request.META["CONTENT_LENGTH"] = str(len(body))
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Before anything else, refuse a query that is not well encoded, and changes where nothing may change."""
        if self._unread is not None:
            raise self._unread
        if _BAD_QUERY.search(request.META.get("QUERY_STRING", "")):
            raise BadRequestError("the query string is malformed")
        is_write = request.method not in SAFE_METHODS
        if is_write and not self.in_read_only and request.path_info not in WRITABLE_IN_READ_ONLY:
            read_only_check()
        super().initial(request, *args, **kwargs)
        actor = self.actor
        if is_write and isinstance(actor, TokenContext) and actor.is_read_only:
            raise ForbiddenError("this access token can only read")
        if str(request.method).lower() in self.dangerous:
            self.require_confirmed()

    def require_confirmed(self) -> None:
        """Raise for a session that has not given the password for a while."""
        by_session = self.actor.principal is not None and "HTTP_AUTHORIZATION" not in self.request.META
        if by_session and not is_confirmed(self.request.COOKIES.get(SESSION_COOKIE, "")):
            raise ConfirmationNeededError("give your password again in the portal, at /account/confirm")

    def handle_exception(self, exc: Exception) -> Response:
        """As DRF does; who was refused something is noted."""
        response = super().handle_exception(exc)
        note_refused(self.request, exc, response.status_code, self.kwargs)
        return response

    @property
    def actor(self) -> SecurityContext:
        """Who is calling."""
        # The stubs know only the tokens of DRF's own authentication.
        context: SecurityContext | None = self.request.auth  # type: ignore[assignment]
        return context or AnonymousContext()

    def require_signed_in(self) -> SecurityContext:
        """The caller, or 401 for an anonymous one."""
        if self.actor.principal is None:
            raise UnauthorizedError("sign in to do this")
        return self.actor

    def path_int(self, name: str) -> int:
        """A number of the path. Raises :class:`UnprocessableError`."""
        return parse_int64(str(self.kwargs[name]), name=name, place="path")

    def query_flag(self, flag: Parameter) -> bool | None:
        """A boolean of the query, without it what ``flag`` says, or None. Raises :class:`UnprocessableError`."""
        text = self.request.query_params.get(flag.name, "")
        if not text:
            return None if flag.default is None else bool(flag.default)
        if (value := _BOOLEANS.get(text.lower())) is None:
            raise UnprocessableError(f'{flag.name} in query must be of type boolean: "{text[:64]}"')
        return value

    def read(self, shape: type[Input], *, name: str) -> dict[str, Any]:
        """The body of the request; ``name`` is what the contract calls it."""
        if self.request.META.get("CONTENT_LENGTH") in (None, "", "0"):
            raise UnprocessableError(f"{name} in body is required")
        serializer = shape(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        return values

    def project(self, *, resource: str, action: str, repository: str = "") -> Project:
        """The project of the path, after a check that the caller may do this there.

        ``repository`` is the one that it is about, without the project; "" for what is about none.
        """
        if (name := self.kwargs.get("project_name")) is not None:
            by_name = True
        else:
            name = self.kwargs["project_name_or_id"]
            by_name = self.request.headers.get("X-Is-Resource-Name", "").lower() in {"true", "1"}
        return project_require(
            actor=self.actor,
            name_or_id=name,
            is_name=by_name,
            resource=resource,
            action=action,
            repository=repository,
        )

    def list_response(
        self,
        rows: QuerySet[ModelT],
        rules: ListRules,
        shape: type[Shape],
        *,
        batch: Callable[[Sequence[ModelT]], Mapping[str, Any]] | None = None,
    ) -> Response:
        """One page of ``rows`` after ``q`` and ``sort``, with ``X-Total-Count`` and ``Link``.

        ``batch`` loads what the shape needs for all rows of the page at once, as the shape's context.
        """
        query = self.request.query_params
        page = parse_page(query, default_size=rules.default_size)
        rows = filter_rows(rows, parse_query(query.get("q", "")), rules.fields)
        rows = sort_rows(rows, query.get("sort", ""), rules.fields, rules.order, rules.ties)
        pairs = [(name, value) for name, values in query.lists() for value in values]
        address = Address(self.request.get_full_path().partition("?")[0], pairs)
        listing = list_page(rows, page, address, most_rows=rules.most_rows)
        context = dict(batch(listing.rows)) if batch else {}
        response = Response(shape(listing.rows, many=True, context=context).data)
        response["X-Total-Count"] = str(listing.total)
        if listing.link:
            response["Link"] = listing.link
        return response

    def created(self, identifier: int | str) -> Response:
        """201 with the new thing's place below the path of the request."""
        path = self.request.get_full_path().partition("?")[0].rstrip("/")
        return Response(status=201, headers={"Location": f"{path}/{identifier}"})
