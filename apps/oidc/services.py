"""Letting people in whom the provider has confirmed, letting them out again, and trying whether it can be used."""

import logging
from dataclasses import replace
from urllib.parse import urlencode

from apps.accounts.directories import SourceUnreachableError
from apps.accounts.external_services import ExternalConflictError, external_sign_in, identity_ended
from apps.accounts.identities import credentials_of, identity_find, identity_of
from apps.accounts.issuers import Issuers, IssuerUnreachableError, issuer_url_check
from apps.accounts.models import User
from apps.accounts.passwords import username_check
from apps.accounts.security import Principal, SecurityContext, require_system
from apps.accounts.types import Source
from apps.common.database import write_atomic
from apps.common.encryption import UndecipherableError
from apps.common.errors import BadRequestError, ConflictError
from apps.config.selectors import system_settings
from apps.events import bus
from apps.events.catalogue import UserLoggedIn
from apps.oidc.claims import person_from
from apps.oidc.directory import credentials_text, kept_refresh_token
from apps.oidc.provider import endpoint, revoke, tokens_for, userinfo_of
from apps.oidc.selectors import client_now
from apps.oidc.tokens import end_of, identity_claims, proved_at
from apps.oidc.types import Arrival, OidcRefusedError

logger = logging.getLogger(__name__)

_LONGEST_HINT = 4096
_MAX_NAME = 255


def arrive(*, code: str, verifier: str | None, nonce: str, redirect_uri: str) -> Arrival:
    """Who comes with this code of the provider. Raises OidcRefusedError and SourceUnreachableError."""
    client = client_now()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    tokens = tokens_for(client, form | ({} if verifier is None else {"code_verifier": verifier}))
    if not tokens.identity:
        raise OidcRefusedError("the provider gave no ID token")
    claims = identity_claims(client, tokens.identity, nonce=nonce)
    person = person_from(client.issuer, claims, userinfo_of(client, tokens, claims["sub"]))
    refresh = tokens.refresh or kept_refresh_token(person.issuer, person.subject)
    return Arrival(
        replace(person, credentials=credentials_text(tokens, refresh=refresh)),
        None if refresh else end_of(tokens, claims),
        proved_at(claims),
    )


def let_in(*, arrival: Arrival, address: str) -> Principal | None:
    """The account of somebody who has arrived; None if they have none yet and have to choose a name for it.

    They need not where ``oidc_auto_onboard`` says so and their name at the provider can be theirs here. Raises
    :class:`apps.accounts.external_services.ExternalConflictError`.
    """
    person = arrival.person
    known = identity_find(source=Source.OIDC, issuer=person.issuer, subject=person.subject)
    if known is None and not (system_settings().oidc_auto_onboard and is_free(person.username)):
        return None
    try:
        return external_sign_in(person=person, until=arrival.until)
    except ExternalConflictError:
        name = (person.username if known is None else known.user.username)[:_MAX_NAME]
        with write_atomic():
            bus.publish(UserLoggedIn(operator=name, username=name, succeeded=False, address=address))
        raise


def onboard(*, arrival: Arrival, username: str) -> Principal:
    """The new account of somebody who has arrived, under the name that they chose.

    Raises BadRequestError for a name that cannot be one, ConflictError for one that is taken, or if they are here.
    """
    username_check(username)
    person = arrival.person
    if identity_find(source=Source.OIDC, issuer=person.issuer, subject=person.subject) is not None:
        raise ConflictError("you have an account here already")
    if not is_free(username):
        raise ConflictError("this user name is taken")
    try:
        return external_sign_in(person=replace(person, username=username), until=arrival.until)
    except ExternalConflictError as error:
        raise ConflictError(str(error)) from None


def is_free(username: str) -> bool:
    """Whether somebody new can have this name."""
    try:
        username_check(username)
    except BadRequestError:
        return False
    return not User.objects.filter(username=username).exists()


def leave(*, user_id: int, back: str) -> str:
    """Sign somebody out at the provider as well, if the setting says so: where their browser has to go for it, "" for
    nowhere. The session here is the caller's business.

    What the provider granted ends: other sessions, and the CLI secret until the person signs in again, as in Harbor.
    """
    user = User.objects.filter(pk=user_id, source=Source.OIDC).first()
    identity = None if user is None else identity_of(user)
    client = client_now()
    if identity is None or not system_settings().oidc_logout or identity.issuer != client.issuer:
        return ""
    try:
        kept = credentials_of(identity)
        identity_ended(identity_id=identity.pk)
        if refresh := str(kept.get("refresh_token", "")):
            revoke(client, refresh)
        url = endpoint(client, "end_session_endpoint")
    except (SourceUnreachableError, UndecipherableError) as error:
        logger.warning("somebody could not be signed out at %s: %s", client.issuer, error)
        return ""
    if not url:
        return ""
    hint = str(kept.get("id_token", ""))
    query = {"client_id": client.client_id, "post_logout_redirect_uri": back}
    if hint and len(hint) <= _LONGEST_HINT:
        query["id_token_hint"] = hint
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def oidc_ping(*, actor: SecurityContext, url: str, verify_tls: bool) -> None:
    """Whether there is a provider at ``url`` that people could sign in with; needs ``configuration:update``.

    Raises BadRequestError, which says what is wrong.
    """
    require_system(actor, "configuration", "update")
    if not url.strip():
        raise BadRequestError("the address of the provider is missing")
    try:
        _try_out(url, verify_tls=verify_tls)
    except IssuerUnreachableError as error:
        raise BadRequestError(f"the OpenID provider cannot be used: {error}") from None


def _try_out(url: str, *, verify_tls: bool) -> None:
    # Nothing that was fetched before counts.
    fresh = Issuers(size=1)
    document = fresh.discover(url, verify_tls=verify_tls)
    for name in ("authorization_endpoint", "token_endpoint"):
        if not isinstance(document.get(name), str):
            raise IssuerUnreachableError(f"its discovery document names no {name}")
        issuer_url_check(document[name], verify_tls=verify_tls)
    fresh.keys(url, verify_tls=verify_tls)
