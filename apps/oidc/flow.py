"""What a browser does between leaving for the provider and being let in: a short session of its own.

Its key is in a cookie of this browser alone, so that a code or a state brought by another one is worth nothing. The
library keeps state, nonce and the verifier of PKCE in it; we add who has to choose a name yet, encrypted.
"""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.accounts.cookies import is_secure
from apps.accounts.directories import ExternalGroup, ExternalPerson
from apps.accounts.sessions import SessionStore
from apps.accounts.types import Source
from apps.common.database import write_atomic
from apps.common.encryption import UndecipherableError, decrypt, encrypt
from apps.oidc.types import Arrival

FLOW_COOKIE = "harbor-oidc"
FLOW_SECONDS = 600
_PENDING, _PURPOSE = "pending", "oidc-arrival"
_KEY_LENGTH = 32


class FlowSession(SessionStore):
    """Django's, in the database, for ten minutes."""

    def save(self, must_create: bool = False) -> None:
        """See Django; writers queue."""
        with write_atomic():
            super().save(must_create)

    def delete(self, session_key: str | None = None) -> None:
        """See Django."""
        with write_atomic():
            super().delete(session_key)


def flow_of(request: HttpRequest) -> FlowSession:
    """The session that this browser began with, else an empty one."""
    key = request.COOKIES.get(FLOW_COOKIE, "")
    is_key = len(key) == _KEY_LENGTH and key.isascii() and key.isalnum()
    return FlowSession(key if is_key else None)


def flow_keep(request: HttpRequest, response: HttpResponse, flow: FlowSession) -> None:
    """Store it and give it to the browser. ``Lax``: the provider sends people back from another site."""
    flow.set_expiry(FLOW_SECONDS)
    flow.save()
    response.set_cookie(
        FLOW_COOKIE,
        str(flow.session_key),
        max_age=FLOW_SECONDS,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="Lax",
    )


def flow_end(response: HttpResponse, flow: FlowSession) -> None:
    """It has done what it was for."""
    if flow.session_key is not None:
        flow.delete()
    response.delete_cookie(FLOW_COOKIE, path="/", samesite="Lax")


def arrival_put(flow: FlowSession, arrival: Arrival) -> None:
    """Remember who has to choose a name."""
    until = None if arrival.until is None else arrival.until.isoformat()
    text = json.dumps({"person": asdict(arrival.person), "until": until})
    flow[_PENDING] = encrypt(text, purpose=_PURPOSE)


def arrival_get(flow: FlowSession) -> Arrival | None:
    """Who has to choose a name; None if nobody has, or they took too long."""
    try:
        found: dict[str, Any] = json.loads(decrypt(str(flow.get(_PENDING, "")), purpose=_PURPOSE))
    except UndecipherableError:
        return None
    person = found["person"]
    groups = person.pop("groups")
    return Arrival(
        ExternalPerson(
            **{**person, "source": Source(person["source"])},
            groups=None if groups is None else tuple(ExternalGroup(**group) for group in groups),
        ),
        None if found["until"] is None else datetime.fromisoformat(found["until"]),
    )
