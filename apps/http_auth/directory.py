"""People who come by an authenticating proxy: by their password there, or by a token that it gave them."""

import json
import logging

from apps.accounts.directories import (
    Confirmation,
    ExternalGroup,
    ExternalPerson,
    SourceUnreachableError,
    enabled_sources,
)
from apps.accounts.external_services import ExternalConflictError, external_sign_in
from apps.accounts.identities import credentials_of
from apps.accounts.models import Identity
from apps.accounts.security import Principal
from apps.accounts.types import Source
from apps.config.selectors import system_settings
from apps.http_auth.proxy import Review, review_of, session_of

logger = logging.getLogger(__name__)

_REVIEWED = "tokenreview$"
_COMMENT = "By Authproxy"


class HttpDirectory:
    """Implements :class:`apps.accounts.directories.Directory`. Names count without their case, as in Harbor."""

    def unavailable(self) -> str:
        """See the protocol."""
        return ""

    def authenticate(self, username: str, password: str) -> ExternalPerson | None:
        """See the protocol."""
        values = system_settings()
        token = session_of(values, username, password)
        review = review_of(values, token) if token is not None else None
        # The proxy might know them by another name than the one they typed; they are who typed it.
        return None if review is None else _person(username, review, token or "")

    def confirm(self, identity: Identity) -> Confirmation:
        """See the protocol: by the proxy's token of the last sign-in. When that is over, they sign in again."""
        token = str(credentials_of(identity).get("token", ""))
        review = review_of(system_settings(), token) if token else None
        return Confirmation(None if review is None else _person(identity.subject, review, token))

    def find(self, username: str) -> ExternalPerson | None:
        """See the protocol: a proxy cannot be searched, ``http_authproxy_skip_search`` says that everybody is there."""
        if not system_settings().http_authproxy_skip_search:
            return None
        name = username.lower()
        return ExternalPerson(
            source=Source.HTTP, subject=name, username=name, realname=name, comment=_COMMENT
        )


class TokenReviewAuthenticator:
    """Implements :class:`apps.accounts.security.Authenticator` for ``tokenreview$NAME`` with a token of the proxy."""

    def claims(self, username: str, password: str) -> bool:  # noqa: ARG002 (the name tells)
        """See the protocol."""
        return username.startswith(_REVIEWED) and Source.HTTP in enabled_sources()

    def authenticate(self, username: str, password: str) -> Principal | None:
        """See the protocol."""
        name = username.removeprefix(_REVIEWED)
        try:
            review = review_of(system_settings(), password)
            if review is None or review.username.lower() != name.lower():
                return None
            return external_sign_in(person=_person(name, review, password))
        except SourceUnreachableError as error:
            logger.warning("the token of %r could not be reviewed: %s", name, error)
        except ExternalConflictError as error:
            logger.warning("%s of the authentication proxy was not let in: %s", name, error)
        return None

    def current(self, principal_id: int) -> Principal | None:  # noqa: ARG002
        """Nobody is of this kind once they are in: they are people."""
        return None


def _person(username: str, review: Review, token: str) -> ExternalPerson:
    values = system_settings()
    name = username.lower()
    admins = {text.strip().lower() for text in values.http_authproxy_admin_usernames.split(",")} - {""}
    admin_groups = {text.strip().lower() for text in values.http_authproxy_admin_groups.split(",")} - {""}
    groups = tuple(dict.fromkeys(group.lower() for group in review.groups))
    return ExternalPerson(
        source=Source.HTTP,
        subject=name,
        username=name,
        email=name if "@" in name else "",
        realname=name,
        groups=tuple(map(ExternalGroup, groups)),
        is_admin=name in admins or not admin_groups.isdisjoint(groups),
        comment=_COMMENT,
        credentials=json.dumps({"token": token}),
    )
