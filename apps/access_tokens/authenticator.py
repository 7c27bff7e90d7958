"""How personal access tokens sign in: with their owner's name, and the secret for a password."""

import hmac

from apps.access_tokens.models import AccessToken
from apps.access_tokens.selectors import principal_of
from apps.access_tokens.token_secret import secret_hash
from apps.accounts.security import Principal, token_of_secret


class TokenAuthenticator:
    """Implements :class:`apps.accounts.security.Authenticator` for secrets that have the form of a token's."""

    def claims(self, username: str, password: str) -> bool:  # noqa: ARG002 (the secret tells)
        """See :class:`apps.accounts.security.Authenticator`."""
        return token_of_secret(password) is not None

    def authenticate(self, username: str, password: str) -> Principal | None:
        """See :class:`apps.accounts.security.Authenticator`.

        A slow hash would be of no use: 40 random characters cannot be guessed. Whether there is such a token, and
        whose it is, costs the same: one row is looked for, and one hash is compared.
        """
        token_id = token_of_secret(password)
        token = _load(token_id) if token_id is not None else None
        kept = "" if token is None else token.secret_hash
        is_right = hmac.compare_digest(kept, secret_hash(password))
        if token is None or not is_right or token.user.username != username:
            return None
        return principal_of(token)

    def current(self, principal_id: int) -> Principal | None:
        """See :class:`apps.accounts.security.Authenticator`."""
        token = _load(principal_id)
        return None if token is None else principal_of(token)


def _load(token_id: int) -> AccessToken | None:
    return AccessToken.objects.select_related("user").filter(pk=token_id).first()
