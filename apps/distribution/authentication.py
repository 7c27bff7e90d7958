"""From the Authorization header to a caller, and the challenge for those who have to bring one."""

import base64

from apps.accounts.authentication import authenticate, current_principal
from apps.accounts.bearers import bearer_principal
from apps.accounts.security import Principal
from apps.accounts.sources import may_come_from
from apps.common.forwarding import base_url, client_address
from apps.common.origin import take_credential
from apps.distribution.access import Caller
from apps.distribution.errors import ProtocolError
from apps.distribution.messages import Headers, Request
from apps.distribution.tokens import SERVICE, Token, TokenInvalidError, token_verify

_REQUESTED = {"pull": "pull", "push": "pull,push", "delete": "delete"}


def caller_of(request: Request, scope: str) -> Caller:
    """The caller; raises UNAUTHORIZED with the challenge when there is none or the credentials are not good."""
    if request.header("HTTP_AUTHORIZATION") is None:
        raise unauthorized(request, "authentication required", scope=scope)
    text = bearer_text(request)
    if text is not None:
        return _by_token(request, text, scope)
    principal = basic_principal(request)
    if principal is None:
        raise unauthorized(request, "wrong user name or password", basic=True)
    request.person = principal.name
    return Caller(principal)


def bearer_text(request: Request) -> str | None:
    """The token that came with the request, unchecked; None if its credentials are of another kind."""
    scheme, _, credentials = (request.header("HTTP_AUTHORIZATION") or "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def _by_token(request: Request, text: str, scope: str) -> Caller:
    try:
        token = token_verify(text)
        principal = token_principal(token)
    except TokenInvalidError as error:
        raise unauthorized(request, f"token refused: {error}", scope=scope, error="invalid_token") from None
    if principal is not None:
        request.person = principal.name
        check_source(request, principal, scope)
    return Caller(principal, grants=token.grants, catalog=token.catalog)


def check_source(request: Request, principal: Principal, scope: str) -> None:
    """Raise UNAUTHORIZED for an account that may not be used from where the request comes from."""
    if not may_come_from(principal, client_address(request.environ)):
        raise unauthorized(
            request, "the account may not be used from this address", scope=scope, error="invalid_token"
        )


def token_principal(token: Token) -> Principal | None:
    """The account behind a token as it is now; raises when it may no longer sign in."""
    account = token.account
    if account is None:
        return None
    principal = current_principal(
        kind=account.kind, principal_id=account.id, version=account.version, owner_id=account.owner_id
    )
    if principal is None:
        raise TokenInvalidError("the account changed since; sign in again")
    return principal.through(account.via, until=account.until)


def access_token_principal(text: str) -> Principal | None:
    """Whose access token this is, for :func:`apps.accounts.bearers.register_bearer`."""
    try:
        token = token_verify(text)
        return token_principal(token) if token.grants is None else None
    except TokenInvalidError:
        return None


def basic_principal(request: Request) -> Principal | None:
    """Who the Basic credentials are; None when there are none or they are wrong."""
    scheme, _, encoded = (request.header("HTTP_AUTHORIZATION") or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, separator, password = (
            base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        )
    except ValueError:  # Not base64, not ASCII, not UTF-8.
        return None
    if not separator:
        return None
    take_credential("password")  # Said by the row of a login that fails, too.
    return authenticate(username, password, address=client_address(request.environ))


def foreign_principal(request: Request) -> Principal | None:
    """Whose bearer token came with the request, of those tokens that are not ours: an ID token, say."""
    text = bearer_text(request)
    principal = None if text is None else bearer_principal(text)
    if principal is None or not may_come_from(principal, client_address(request.environ)):
        return None
    take_credential(principal.credential)
    return principal


def unauthorized(
    request: Request, message: str, *, scope: str = "", error: str = "", basic: bool = False
) -> ProtocolError:
    """401 with the challenge that tells the client where to get a token (RFC 6750, Docker token authentication)."""
    challenge = 'Basic realm="harbor"'
    if not basic:
        realm = base_url(request.environ).replace('"', "")
        challenge = f'Bearer realm="{realm}/service/token",service="{SERVICE}"'
        if scope:
            challenge += f',scope="{scope}"'
        if error:
            challenge += f',error="{error}"'
    headers: Headers = [("WWW-Authenticate", challenge)]
    return ProtocolError("UNAUTHORIZED", message, headers=headers)


def scope_for(repository_name: str, action: str, mount_from: str = "") -> str:
    """The scope that a client has to ask a token for."""
    scope = f"repository:{repository_name}:{_REQUESTED[action]}"
    return f"{scope} repository:{mount_from}:pull" if mount_from else scope
