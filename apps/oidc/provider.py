"""What a provider is asked, each through the guard of outgoing requests: its token, userinfo and revocation endpoints."""

import base64
import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from apps.accounts.directories import SourceUnreachableError
from apps.accounts.issuers import IssuerUnreachableError, discover, issuer_url_check
from apps.common.database import release_connection
from apps.common.outgoing import OutgoingAnswer, OutgoingError, outgoing_request
from apps.oidc.types import Client, GrantEndedError, OidcRefusedError, Tokens

logger = logging.getLogger(__name__)

_SECONDS = 10.0
_MAX_ANSWER = 512 * 1024
_MAX_TOKEN = 64 * 1024
_LONGEST_LIFE = 10 * 366 * 24 * 3600
_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def endpoint(client: Client, name: str) -> str:
    """Where the provider has something, by its discovery document; "" if it has no such thing.

    Raises SourceUnreachableError.
    """
    try:
        found = discover(client.issuer, verify_tls=client.verify_tls).get(name)
        if not isinstance(found, str) or not found:
            return ""
        # The password of the client is sent there, and people are.
        issuer_url_check(found, verify_tls=client.verify_tls)
    except IssuerUnreachableError as error:
        raise SourceUnreachableError(str(error)) from None
    return found


def tokens_for(client: Client, form: Mapping[str, str]) -> Tokens:
    """What the provider gives for a code or a refresh token.

    Raises SourceUnreachableError; GrantEndedError where it says that what we have is of no use any more.
    """
    url = endpoint(client, "token_endpoint")
    if not url:
        raise SourceUnreachableError("its discovery document names no token_endpoint")
    answer = _post(client, url, form)
    found = _json_object(answer)
    if answer.status in _REFUSALS:
        error = str(found.get("error", ""))[:64]
        if error == "invalid_grant":
            raise GrantEndedError("the provider does not take the grant (any more): invalid_grant")
        raise SourceUnreachableError(f"its token endpoint answered {answer.status} {error!r}")
    if answer.status != HTTPStatus.OK:
        raise SourceUnreachableError(f"its token endpoint answered {answer.status}")
    if not _text(found, "access_token") or str(found.get("token_type", "")).lower() != "bearer":
        raise SourceUnreachableError("its token endpoint gave no bearer token")
    return Tokens(
        access=_text(found, "access_token"),
        identity=_text(found, "id_token"),
        refresh=_text(found, "refresh_token"),
        seconds=_seconds(found.get("expires_in")),
    )


def userinfo_of(client: Client, tokens: Tokens, subject: str) -> Mapping[str, Any] | None:
    """What the provider's userinfo says; empty if it has none, None if it could not be read.

    Raises OidcRefusedError for what it says of somebody else.
    """
    try:
        url = endpoint(client, "userinfo_endpoint")
        found = _userinfo(client, url, tokens.access) if url else None
    except SourceUnreachableError as error:
        logger.warning("the userinfo of %s could not be read: %s", client.issuer, error)
        return None
    if found is None:
        return {}
    if found.get("sub") != subject:
        raise OidcRefusedError("the userinfo is of another person than the ID token")
    return found


def _userinfo(client: Client, url: str, access: str) -> Mapping[str, Any]:
    headers = {"Accept": "application/json", "Authorization": f"Bearer {access}"}
    answer = _asked(client, "GET", url, headers)
    found = _json_object(answer)
    if answer.status != HTTPStatus.OK or not found:
        raise SourceUnreachableError(f"its userinfo endpoint answered {answer.status}, or no JSON object")
    return found


def revoke(client: Client, refresh_token: str) -> None:
    """End a refresh token at the provider, if that lets one. Raises SourceUnreachableError."""
    url = endpoint(client, "revocation_endpoint")
    if not url:
        return
    answer = _post(client, url, {"token": refresh_token, "token_type_hint": "refresh_token"})
    if answer.status != HTTPStatus.OK:
        raise SourceUnreachableError(f"its revocation endpoint answered {answer.status}")


def _post(client: Client, url: str, form: Mapping[str, str]) -> OutgoingAnswer:
    """With our password as the provider takes it: in a header, where it says nothing else (RFC 6749, 2.3.1)."""
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    form = dict(form)
    if not client.client_secret or not _takes_basic(client):
        form["client_id"] = client.client_id
    if client.client_secret:
        if _takes_basic(client):
            pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_secret"] = client.client_secret
    return _asked(client, "POST", url, headers, urlencode(form).encode())


def _takes_basic(client: Client) -> bool:
    try:
        methods = discover(client.issuer, verify_tls=client.verify_tls).get(
            "token_endpoint_auth_methods_supported"
        )
    except IssuerUnreachableError as error:
        raise SourceUnreachableError(str(error)) from None
    return not isinstance(methods, list) or "client_secret_basic" in methods


def _asked(
    client: Client, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
) -> OutgoingAnswer:
    # A connection of the pool must not wait for another server.
    release_connection()
    try:
        answer = outgoing_request(
            method=method,
            url=url,
            headers=headers,
            body=body,
            seconds=_SECONDS,
            max_bytes=_MAX_ANSWER + 1,
            verify=client.verify_tls,
        )
    except OutgoingError as error:
        raise SourceUnreachableError(str(error)) from None
    if len(answer.body) > _MAX_ANSWER:
        raise SourceUnreachableError(f"it sent more than {_MAX_ANSWER} bytes")
    return answer


def _json_object(answer: OutgoingAnswer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(found: Mapping[str, Any], name: str) -> str:
    text = found.get(name)
    return text if isinstance(text, str) and len(text) <= _MAX_TOKEN else ""


def _seconds(value: Any) -> int:
    """How long it holds; some providers write the number as a text."""
    try:
        return min(max(int(value), 0), _LONGEST_LIFE)
    except (TypeError, ValueError, OverflowError):
        return 0
