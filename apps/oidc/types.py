"""What an OpenID provider is to us, and what it gives."""

from dataclasses import dataclass, field
from datetime import datetime

from apps.accounts.directories import ExternalPerson


class OidcRefusedError(Exception):
    """What the provider or the browser brought is not in order; the message says what, for the log."""


class GrantEndedError(OidcRefusedError):
    """The provider does not take the code or the refresh token any more (``invalid_grant``)."""


@dataclass(frozen=True, slots=True)
class Client:
    """What we are to the provider, by the settings of now."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    verify_tls: bool


@dataclass(frozen=True, slots=True)
class Tokens:
    """An answer of the token endpoint; "" for what is not in it. ``seconds`` is how long the access token holds."""

    access: str = field(repr=False)
    identity: str = field(repr=False)
    refresh: str = field(repr=False)
    seconds: int


@dataclass(slots=True)
class Arrival:
    """Somebody whom the provider has just confirmed. Django's ``authenticate`` takes it for a user, and notes
    its ``backend``. ``proved_at`` is when they last proved to it who they are, in seconds since 1970, if it says so.
    """

    person: ExternalPerson
    until: datetime | None = None
    proved_at: float | None = None
    is_active: bool = True
    backend: str = ""
