"""Token exchange (RFC 8693): the token of a pipeline's job for an access token of the robot account that trusts it.

The account is named as the client, by ``client_id``. It is never guessed from the token: somebody else's account can
trust the same jobs, and a pipeline that acts as another account than it means is worse than one that fails.
"""

from typing import NoReturn

from apps.accounts.authentication import authenticate
from apps.accounts.federation import is_signed_token
from apps.accounts.security import FEDERATED
from apps.common.forwarding import base_url, client_address
from apps.common.origin import take_credential
from apps.distribution.handlers.base import form_of
from apps.distribution.messages import Request, Response
from apps.distribution.paging import json_response
from apps.distribution.tokens import SERVICE, access_token_issue

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 (the name of a type)
SUBJECT_TOKEN_TYPES = frozenset(
    {"urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"}
)
_ANSWERED_TYPES = frozenset({ACCESS_TOKEN_TYPE, "urn:ietf:params:oauth:token-type:jwt"})
_FORM_TYPE = "application/x-www-form-urlencoded"
# Of these several may be given (RFC 8693, 2.1).
_REPEATABLE = frozenset({"audience", "resource"})
_NO_STORE = [("Cache-Control", "no-store"), ("Pragma", "no-cache")]


class _RefusedError(Exception):
    """An error code and its description (RFC 6749, 5.2)."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


def exchange(request: Request) -> Response:
    """``POST /service/token/exchange``."""
    try:
        return json_response(request, _exchanged(request), _NO_STORE)
    except _RefusedError as error:
        answer = {"error": error.code, "error_description": error.description}
        response = json_response(request, answer, _NO_STORE)
        response.status = 400
        return response


def _exchanged(request: Request) -> dict[str, object]:
    form = _read(request)
    _check_target(request, form)
    name, token = form["client_id"][0], form["subject_token"][0]
    take_credential(FEDERATED)
    # Whoever comes with something else, a password say, is not let in here.
    principal = (
        authenticate(name, token, address=client_address(request.environ)) if is_signed_token(token) else None
    )
    if principal is None or principal.via != FEDERATED:
        _refuse(
            "invalid_grant",
            "the token is not one that this robot account trusts; the log of the registry says why",
        )
    request.person = principal.name
    issued = access_token_issue(principal=principal)
    return {
        "access_token": issued.text,
        "issued_token_type": ACCESS_TOKEN_TYPE,
        "token_type": "Bearer",
        "expires_in": issued.life,
    }


def _read(request: Request) -> dict[str, list[str]]:
    """The form, with all that is needed in it."""
    media_type = str(request.environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
    if media_type != _FORM_TYPE:
        _refuse("invalid_request", f"the request must be a form ({_FORM_TYPE})")
    form = form_of(request)
    for name, values in form.items():
        if len(values) > 1 and name not in _REPEATABLE:
            _refuse("invalid_request", "a parameter is given more than once")
    if form.get("grant_type") != [GRANT_TYPE]:
        _refuse("unsupported_grant_type", f"grant_type must be {GRANT_TYPE}")
    if form.get("subject_token_type", [""])[0] not in SUBJECT_TOKEN_TYPES:
        _refuse(
            "invalid_request", f"subject_token_type must be one of {', '.join(sorted(SUBJECT_TOKEN_TYPES))}"
        )
    if form.get("requested_token_type", [ACCESS_TOKEN_TYPE])[0] not in _ANSWERED_TYPES:
        _refuse("invalid_request", f"requested_token_type can only be {ACCESS_TOKEN_TYPE}")
    if "actor_token" in form or "actor_token_type" in form:
        _refuse("invalid_request", "there is no delegation: actor_token cannot be given")
    if "scope" in form:
        _refuse("invalid_scope", "there are no scopes: the token allows what the robot account may do")
    for name in ("subject_token", "client_id"):
        if name not in form:
            what = "the robot account's name" if name == "client_id" else "the token of the job"
            _refuse("invalid_request", f"{name} is missing: {what}")
    return form


def _check_target(request: Request, form: dict[str, list[str]]) -> None:
    """The token is for this registry and nothing else, whatever name it is given."""
    own = base_url(request.environ)
    names = {SERVICE, own, own.partition("://")[2]}
    for target in (*form.get("audience", ()), *form.get("resource", ())):
        if target.rstrip("/") not in names:
            _refuse("invalid_target", "audience and resource can only be this registry")


def _refuse(code: str, description: str) -> NoReturn:
    raise _RefusedError(code, description)
