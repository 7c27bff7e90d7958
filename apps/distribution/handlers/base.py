"""The version check, the catalog and the token service."""

import re
from base64 import b64encode
from datetime import UTC, datetime
from urllib.parse import parse_qs

from apps.accounts.security import Principal, context_of
from apps.artifacts.models import Repository
from apps.artifacts.selectors import repository_names
from apps.artifacts.visibility import visible_repositories
from apps.common.stamps import get_stamps, project_key
from apps.config.selectors import SETTINGS_STAMP
from apps.distribution.access import Grant, actions_now
from apps.distribution.authentication import basic_principal, caller_of, foreign_principal, unauthorized
from apps.distribution.errors import ProtocolError
from apps.distribution.messages import Request, Response
from apps.distribution.paging import json_response, next_link, page_of
from apps.distribution.tokens import SERVICE, token_issue
from apps.distribution.transfers import short_bodies
from apps.oci.errors import OciError
from apps.oci.references import check_repository_name
from apps.projects.contexts import AnonymousContext
from apps.projects.selectors import project_find

_CATALOG_SCOPE = "registry:catalog:*"
_LARGEST_FORM = 64 * 1024
_MOST_SCOPES = 100
_SCOPE = re.compile(r"(?P<type>[a-z]+)(?:\([a-z]+\))?:(?P<name>.+):(?P<actions>[a-z*,]*)\Z")


def version(request: Request) -> Response:
    """``GET /v2/``: the registry speaks the protocol, and the credentials are good."""
    caller_of(request, "")
    return json_response(request, {})


def catalog(request: Request) -> Response:
    """``GET /v2/_catalog``: names of the repositories that the caller may see, in byte order."""
    caller = caller_of(request, _CATALOG_SCOPE)
    if not caller.may_list_catalog:
        raise unauthorized(
            request,
            "the token is not for listing repositories",
            scope=_CATALOG_SCOPE,
            error="insufficient_scope",
        )
    page = page_of(request)
    actor = context_of(caller.principal) if caller.principal is not None else AnonymousContext()
    visible = visible_repositories(actor, Repository.objects.filter(listed=True))
    names = repository_names(visible, after=page.last, limit=page.limit + 1)
    shown = names[: page.limit]
    headers = next_link(request, page, shown) if len(names) > page.limit and shown else []
    return json_response(request, {"repositories": shown}, headers)


def token_get(request: Request) -> Response:
    """``GET /service/token`` (Docker token authentication)."""
    scopes = [part for scope in request.query.get("scope", []) for part in scope.split()]
    has_credentials = request.header("HTTP_AUTHORIZATION") is not None
    _prefetch(scopes)
    principal = basic_principal(request) or foreign_principal(request)
    if has_credentials and principal is None:
        raise unauthorized(request, "wrong user name or password", basic=True)
    _check_service(request.parameter("service"))
    if principal is None and not scopes:
        raise unauthorized(request, "authentication required", basic=True)
    return _token(request, principal, scopes)


def token_post(request: Request) -> Response:
    """``POST /service/token``: the OAuth2 password form. There are no refresh tokens: a client then uses GET."""
    form = {name: values[0] for name, values in form_of(request).items()}
    if form.get("grant_type") != "password":
        raise ProtocolError("UNSUPPORTED", "grant_type must be password; or use GET with HTTP Basic")
    _check_service(form.get("service"))
    scopes = form.get("scope", "").split()
    request.environ["HTTP_AUTHORIZATION"] = _basic(form.get("username", ""), form.get("password", ""))
    _prefetch(scopes)
    principal = basic_principal(request)
    if principal is None:
        raise unauthorized(request, "wrong user name or password", basic=True)
    return _token(request, principal, scopes)


def form_of(request: Request) -> dict[str, list[str]]:
    """The fields of a small form in the request's body; empty ones are left out."""
    raw = b""
    with short_bodies.reserve(request, "") as transfer:
        read = transfer.reader(request.read)
        while piece := read(_LARGEST_FORM + 1 - len(raw)):
            raw += piece
            if len(raw) > _LARGEST_FORM:
                raise ProtocolError("SIZE_INVALID", "the form is too large", status=413)
    return parse_qs(raw.decode("utf-8", "replace"))


def _prefetch(scopes: list[str]) -> None:
    """The stamps of the settings and of the projects that a token is asked for come with those of the account."""
    if len(scopes) > _MOST_SCOPES:
        raise ProtocolError("BAD_REQUEST", f"a token can be asked for with at most {_MOST_SCOPES} scopes")
    names = [match["name"] for scope in scopes if (match := _SCOPE.match(scope))]
    get_stamps().prefetch(SETTINGS_STAMP, *(project_key(name.partition("/")[0]) for name in names))


def _basic(username: str, password: str) -> str:
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def _check_service(service: str | None) -> None:
    if service not in (None, "", SERVICE):
        raise ProtocolError("BAD_REQUEST", f"service must be {SERVICE}")


def _token(request: Request, principal: Principal | None, scopes: list[str]) -> Response:
    grants: dict[str, Grant] = {}
    catalog_wanted = False
    for scope in scopes:
        match = _SCOPE.match(scope)
        if match is None:
            continue
        if match["type"] == "repository":
            grant = _grant(principal, match["name"])
            if grant is not None:
                grants[match["name"]] = grant
        elif scope.startswith("registry:catalog:"):
            catalog_wanted = True
    token = token_issue(principal=principal, grants=tuple(grants.items()), catalog=catalog_wanted)
    request.person = principal.name if principal is not None else ""
    return json_response(
        request,
        {
            "token": token.text,
            "access_token": token.text,
            "expires_in": token.life,
            "issued_at": datetime.fromtimestamp(token.issued_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        [("Cache-Control", "no-store")],
    )


def _grant(principal: Principal | None, repository_name: str) -> Grant | None:
    """All that the caller may do in a repository, as Harbor grants it: what was asked for is not looked at.

    Clients depend on it: oras goes on with the token of its first GET when it pushes.
    """
    try:
        check_repository_name(repository_name)
    except OciError:
        return None
    project = project_find(repository_name.partition("/")[0])
    if project is None or "/" not in repository_name:
        return None
    return Grant(project.id, actions_now(principal, project, repository_name))
