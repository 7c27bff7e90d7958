"""How people sign in with a name and a password: with ours, or with that of the directory that they come from."""

import hmac
import logging

from apps.accounts.directories import (
    SourceUnreachableError,
    directory_of,
    enabled_sources,
)
from apps.accounts.external_services import ExternalConflictError, external_sign_in
from apps.accounts.identities import cli_secret_of
from apps.accounts.membership import person_now
from apps.accounts.models import User
from apps.accounts.passwords import FORBIDDEN, password_matches
from apps.accounts.security import CLI_SECRET, Principal, token_of_secret
from apps.accounts.types import Source
from apps.common.database import release_connection

logger = logging.getLogger(__name__)

_WITH_PASSWORDS = (Source.LDAP, Source.HTTP)


class LocalAuthenticator:
    """Everybody who is a person."""

    def claims(self, username: str, password: str) -> bool:
        """Every name that a person can have (a robot account's has a ``$``), unless it comes with a token."""
        return not FORBIDDEN.intersection(username) and token_of_secret(password) is None

    def authenticate(self, username: str, password: str) -> Principal | None:
        """See :class:`apps.accounts.security.Authenticator`.

        Whoever is here already is asked of the source that they are bound to, and of no other; a name that is not
        here of each directory, which brings them in.
        """
        user = User.objects.filter(username=username).first()
        if user is None or user.source in _WITH_PASSWORDS:
            # The same work for all of them, whatever the directory says and however fast.
            password_matches(password, None)
            return _by_directory(username, password, None if user is None else user.source)
        principal = person_now(user)
        if user.source == Source.OIDC:
            return _by_cli_secret(user, password, principal)
        encoded = user.password if principal is not None else None
        return principal if password_matches(password, encoded) else None

    def current(self, principal_id: int) -> Principal | None:
        """See :class:`apps.accounts.security.Authenticator`."""
        user = User.objects.filter(id=principal_id).first()
        return None if user is None else person_now(user)


def _by_directory(username: str, password: str, bound: str | None) -> Principal | None:
    """Ask the directories that have passwords, or the one that the person is bound to."""
    for source in _WITH_PASSWORDS:
        directory = directory_of(source)
        if directory is None or source not in enabled_sources() or bound not in (None, source):
            continue
        release_connection()
        try:
            person = directory.authenticate(username, password)
            if person is not None:
                return external_sign_in(person=person)
        except SourceUnreachableError as error:
            logger.warning("%s could not be asked who %r is: %s", source, username, error)
        except ExternalConflictError as error:
            logger.warning("%s of %s was not let in: %s", username, source, error)
    return None


def _by_cli_secret(user: User, password: str, principal: Principal | None) -> Principal | None:
    """Who signs in at a provider has a secret of ours for docker."""
    # The same work as for a password: nobody learns from it who comes from where.
    password_matches(password, None)
    secret = cli_secret_of(user)
    if principal is None or not secret or not hmac.compare_digest(secret.encode(), password.encode()):
        return None
    return principal.through(CLI_SECRET)
