"""Reads of who people are to the directory that they come from."""

import json
from collections.abc import Mapping
from typing import Any

from apps.accounts.models import Identity, User
from apps.accounts.security import USER, SecurityContext
from apps.accounts.selectors import is_self
from apps.common.encryption import decrypt, encrypt


def identity_find(*, source: str, issuer: str, subject: str) -> Identity | None:
    """The identity of a directory's person, with their user; None for somebody who was never here."""
    return (
        Identity.objects.filter(source=source, issuer=issuer, subject=subject).select_related("user").first()
    )


def identity_of(user: User) -> Identity | None:
    """The identity of a person of ours; None for a local one."""
    return Identity.objects.filter(user=user).first()


def credentials_of(identity: Identity) -> Mapping[str, Any]:
    """What is kept to ask the directory again, such as a refresh token; empty if there is nothing.

    Raises :class:`apps.common.encryption.UndecipherableError`.
    """
    if not identity.credentials:
        return {}
    found = json.loads(decrypt(identity.credentials, purpose=credentials_purpose(identity.user_id)))
    return found if isinstance(found, dict) else {}


def credentials_sealed(user_id: int, credentials: str) -> str:
    """``credentials``, a JSON object, as they are kept."""
    return encrypt(credentials, purpose=credentials_purpose(user_id)) if credentials else ""


def cli_secret_of(user: User) -> str:
    """A person's secret for docker, "" if they have none."""
    identity = identity_of(user)
    if identity is None or not identity.cli_secret:
        return ""
    return decrypt(identity.cli_secret, purpose=cli_secret_purpose(user.pk))


def cli_secret_reveal(*, actor: SecurityContext, user_id: int) -> str:
    """One's own secret for docker; "" for others, who may not see it, and for people who have none."""
    user = User.objects.filter(id=user_id, deleted=False).first()
    principal = actor.principal
    # An access token may be narrower than the secret, which it must not be the way to.
    is_themselves = principal is not None and principal.kind == USER and is_self(actor, user_id)
    return "" if user is None or not is_themselves else cli_secret_of(user)


def credentials_purpose(user_id: int) -> str:
    """What the stored credentials are bound to."""
    return f"identity-credentials:{user_id}"


def cli_secret_purpose(user_id: int) -> str:
    """What the stored secret is bound to."""
    return f"cli-secret:{user_id}"
