"""ID tokens: what has to be true of one before anybody is let in by it (OpenID Connect Core, 3.1.3.7)."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.accounts.directories import SourceUnreachableError
from apps.accounts.issuers import IssuerUnreachableError, TokenRefusedError, token_check
from apps.oidc.types import Client, OidcRefusedError, Tokens

_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


def identity_claims(client: Client, token: str, *, nonce: str | None) -> Mapping[str, Any]:
    """The claims of an ID token that the provider made for us; with ``nonce`` for just this sign-in.

    Raises OidcRefusedError and SourceUnreachableError.
    """
    try:
        claims = token_check(
            token=token, issuer=client.issuer, audience=client.client_id, verify_tls=client.verify_tls
        )
    except TokenRefusedError as error:
        raise OidcRefusedError(f"the ID token is not accepted: {error}") from None
    except IssuerUnreachableError as error:
        raise SourceUnreachableError(str(error)) from None
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise OidcRefusedError("the ID token names nobody (sub)")
    if "events" in claims:
        raise OidcRefusedError("it is a token about something that happened, not an ID token")
    if nonce is None:
        return claims
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise OidcRefusedError("the ID token is of another sign-in (nonce)")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client.client_id) != client.client_id:
        raise OidcRefusedError("the ID token was made for another client (azp)")
    return claims


def end_of(tokens: Tokens, claims: Mapping[str, Any]) -> datetime:
    """When what was granted ends, for who cannot be asked again."""
    by_token = datetime.fromtimestamp(min(float(claims["exp"]), _LATEST), UTC)
    return max(by_token, timezone.now() + timedelta(seconds=tokens.seconds))


def proved_at(claims: Mapping[str, Any]) -> float | None:
    """When the person last proved to the provider who they are; None if it does not say."""
    value = claims.get("auth_time")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
