"""People of an OpenID provider: whether it still knows them, and the ID tokens that they bring themselves."""

import json
import logging

from apps.accounts.authentication import current_principal
from apps.accounts.directories import (
    Confirmation,
    ExternalPerson,
    SourceUnreachableError,
)
from apps.accounts.identities import credentials_of, identity_find
from apps.accounts.issuers import TokenRefusedError, unverified_claims
from apps.accounts.models import Identity
from apps.accounts.security import ID_TOKEN, USER, Principal
from apps.accounts.types import Source
from apps.common.encryption import UndecipherableError
from apps.oidc.claims import person_from
from apps.oidc.provider import tokens_for, userinfo_of
from apps.oidc.selectors import client_now, is_oidc_enabled
from apps.oidc.tokens import identity_claims
from apps.oidc.types import Client, GrantEndedError, OidcRefusedError, Tokens

logger = logging.getLogger(__name__)


class OidcDirectory:
    """Implements :class:`apps.accounts.directories.Directory`. It has no passwords, and cannot be searched."""

    def unavailable(self) -> str:
        """See the protocol."""
        return ""

    def authenticate(self, username: str, password: str) -> ExternalPerson | None:  # noqa: ARG002
        """See the protocol."""
        return None

    def find(self, username: str) -> ExternalPerson | None:  # noqa: ARG002
        """See the protocol."""
        return None

    def confirm(self, identity: Identity) -> Confirmation:
        """See the protocol: with the refresh token of the last sign-in."""
        client = client_now()
        if identity.issuer != client.issuer:
            # The tokens of one provider are nothing that another one may see.
            raise SourceUnreachableError("the settings name another provider than the one they come from")
        try:
            kept = credentials_of(identity)
        except UndecipherableError as error:
            raise SourceUnreachableError(str(error)) from None
        refresh = str(kept.get("refresh_token", ""))
        if not refresh:
            return Confirmation(None)
        try:
            tokens = tokens_for(client, {"grant_type": "refresh_token", "refresh_token": refresh})
            person = _refreshed(client, tokens, identity.subject)
        except GrantEndedError:
            return Confirmation(None)
        except OidcRefusedError as error:
            logger.warning("%s said something odd of %s: %s", client.issuer, identity.user.username, error)
            return Confirmation(None)
        return Confirmation(
            person, credentials_text(tokens, refresh=refresh, hint=str(kept.get("id_token", "")))
        )


def _refreshed(client: Client, tokens: Tokens, subject: str) -> ExternalPerson:
    """Who they are now. From here on nothing may raise SourceUnreachableError: the provider may have taken the old
    refresh token for the new one, which has to be kept.
    """
    claims: dict[str, object] = {"sub": subject}
    is_fresh = False
    if tokens.identity:
        try:
            claims, is_fresh = dict(identity_claims(client, tokens.identity, nonce=None)), True
        except SourceUnreachableError as error:
            logger.warning("the ID token of %s could not be checked: %s", client.issuer, error)
        if claims["sub"] != subject:
            raise OidcRefusedError("the refreshed ID token is of another person")
    return person_from(client.issuer, claims, userinfo_of(client, tokens, subject), is_fresh=is_fresh)


def credentials_text(tokens: Tokens, *, refresh: str = "", hint: str = "") -> str:
    """What is kept of a grant: the newest refresh token, and the ID token to sign out with."""
    kept = {"refresh_token": tokens.refresh or refresh, "id_token": tokens.identity or hint}
    return json.dumps({name: value for name, value in kept.items() if value})


def kept_refresh_token(issuer: str, subject: str) -> str:
    """The refresh token of an earlier sign-in: some providers (Google) give one only at the first."""
    identity = identity_find(source=Source.OIDC, issuer=issuer, subject=subject)
    try:
        return "" if identity is None else str(credentials_of(identity).get("refresh_token", ""))
    except UndecipherableError:
        return ""


def bearer_check(token: str) -> Principal | None:
    """Whose ID token this is, of people who have signed in here before; for
    :func:`apps.accounts.bearers.register_bearer`.
    """
    try:
        issuer = unverified_claims(token).get("iss")
        if not is_oidc_enabled() or issuer != client_now().issuer:
            return None
        claims = identity_claims(client_now(), token, nonce=None)
    except (TokenRefusedError, OidcRefusedError):
        return None
    except SourceUnreachableError as error:
        logger.warning("an ID token could not be checked: %s", error)
        return None
    identity = identity_find(source=Source.OIDC, issuer=str(issuer), subject=str(claims["sub"]))
    if identity is None:
        return None
    user = identity.user
    principal = current_principal(kind=USER, principal_id=user.pk, version=user.version)
    return None if principal is None else principal.through(ID_TOKEN, until=float(claims["exp"]))
