"""What an authenticating proxy is asked, as Harbor asks it: a session for a password, and whose a token is.

The second question is the ``TokenReview`` of Kubernetes (authentication.k8s.io/v1beta1).
"""

import base64
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from apps.accounts.directories import SourceUnreachableError
from apps.common.outgoing import OutgoingAnswer, OutgoingError, outgoing_request
from apps.config.types import SystemSettings

_SECONDS = 10.0
_MAX_ANSWER = 1 << 20


@dataclass(frozen=True, slots=True)
class Review:
    """Whose a token is, with their groups, as the proxy writes them."""

    username: str
    groups: tuple[str, ...]


def session_of(values: SystemSettings, username: str, password: str) -> str | None:
    """The token of the proxy of these settings for a name and a password; None if they are wrong. Raises SourceUnreachableError."""
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}"}
    answer = _post(values, values.http_authproxy_endpoint, headers, b"")
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return None
    if answer.status != HTTPStatus.OK:
        raise SourceUnreachableError(f"the authentication proxy answers {answer.status}")
    token = _object(answer).get("session_id")
    if not isinstance(token, str) or not token:
        raise SourceUnreachableError("the authentication proxy gives no session_id")
    return token


def review_of(values: SystemSettings, token: str) -> Review | None:
    """Whose a token of the proxy is; None for one that is none or no longer. Raises SourceUnreachableError."""
    body = {
        "apiVersion": "authentication.k8s.io/v1beta1",
        "kind": "TokenReview",
        "spec": {"token": token},
    }
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    answer = _post(values, values.http_authproxy_tokenreview_endpoint, headers, orjson.dumps(body))
    if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED):
        raise SourceUnreachableError(f"the token review of the authentication proxy answers {answer.status}")
    status = _object(answer).get("status")
    user = status.get("user") if isinstance(status, dict) else None
    if not isinstance(status, dict) or status.get("authenticated") is not True or not isinstance(user, dict):
        return None
    groups = user.get("groups") or []
    name = user.get("username")
    if not isinstance(name, str) or not name or not isinstance(groups, list):
        return None
    return Review(name, tuple(group for group in groups if isinstance(group, str)))


def _post(values: SystemSettings, url: str, headers: dict[str, str], body: bytes) -> OutgoingAnswer:
    if not url:
        raise SourceUnreachableError("the address of the authentication proxy is not set")
    try:
        return outgoing_request(
            method="POST",
            url=url,
            headers=headers,
            body=body,
            seconds=_SECONDS,
            max_bytes=_MAX_ANSWER,
            verify=values.http_authproxy_verify_cert,
            authorities=values.http_authproxy_server_certificate,
        )
    except OutgoingError as error:
        raise SourceUnreachableError(str(error)) from None


def _object(answer: OutgoingAnswer) -> dict[str, Any]:
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise SourceUnreachableError("the authentication proxy answers no JSON") from None
    if not isinstance(found, dict):
        raise SourceUnreachableError("the authentication proxy answers no JSON object")
    return found
