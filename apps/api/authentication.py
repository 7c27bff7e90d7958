"""Who is calling the REST API: HTTP Basic for people, robot accounts and access tokens, a bearer token of those who
register theirs, else a session.
"""

import base64
import binascii

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.accounts.authentication import authenticate
from apps.accounts.bearers import bearer_principal
from apps.accounts.cookies import SESSION_COOKIE
from apps.accounts.security import CLI_SECRET, Principal, SecurityContext, context_of
from apps.accounts.sessions import session_principal
from apps.accounts.sources import may_come_from
from apps.api.cli_secret import takes_cli_secret
from apps.common.forwarding import client_address
from apps.common.logs import PERSON
from apps.common.origin import take_credential


class HarborAuthentication(BaseAuthentication):
    """``request.user`` is the principal and ``request.auth`` its security context.

    Wrong credentials are no error here: the request goes on as an anonymous one, as in Harbor, and fails with
    401 where that does not suffice. A request with ``Authorization`` is judged by that alone: it needs no CSRF
    token, so a session must not be what it acts by.
    """

    def authenticate(self, request: Request) -> tuple[Principal, SecurityContext] | None:
        """See DRF."""
        header = request.META.get("HTTP_AUTHORIZATION")
        principal = _by_session(request) if header is None else _by_header(request, header)
        if principal is None:
            return None
        request.META[PERSON] = principal.name
        return principal, context_of(principal)


def _by_header(request: Request, header: str) -> Principal | None:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        return _by_basic(request, header)
    principal = bearer_principal(token.strip())
    if principal is None or not may_come_from(principal, client_address(request.META)):
        return None
    take_credential(principal.credential)
    return principal


def _by_basic(request: Request, header: str) -> Principal | None:
    credentials = basic_credentials(header)
    if credentials is None:
        return None
    take_credential("password")  # Said by the row of a login that fails, too.
    principal = authenticate(*credentials, address=client_address(request.META))
    if (
        principal is not None
        and principal.via == CLI_SECRET
        and not takes_cli_secret(str(request.method), request.path_info)
    ):
        return None
    if principal is not None:
        take_credential(principal.credential)
    return principal


def _by_session(request: Request) -> Principal | None:
    """A page that asks in the background again and again sends a header, so as not to keep the session alive."""
    key = request.COOKIES.get(SESSION_COOKIE, "")
    principal = session_principal(key, renew="HTTP_X_HARBOR_NO_SESSION_RENEWAL" not in request.META)
    if principal is not None:
        take_credential("session")
    return principal


def basic_credentials(header: str) -> tuple[str, str] | None:
    """Name and password of an ``Authorization`` header; None if it is no well-formed Basic one."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, separator, password = (
            base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        )
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if separator and name and "\x00" not in name else None
