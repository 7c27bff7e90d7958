"""Whether an authenticating proxy can be used."""

import secrets

from apps.accounts.directories import SourceUnreachableError
from apps.accounts.security import SecurityContext, require_system
from apps.common.database import release_connection
from apps.common.errors import BadRequestError
from apps.config.types import SystemSettings
from apps.http_auth.proxy import review_of, session_of


def proxy_ping(*, actor: SecurityContext, values: SystemSettings) -> None:
    """Ask the proxy of these settings for a session and for a review, with a name and a token that nobody has.

    Needs ``configuration:update``. Raises BadRequestError, which says what is wrong.
    """
    require_system(actor, "configuration", "update")
    nothing = secrets.token_hex(16)
    release_connection()
    try:
        is_wrong = session_of(values, f"test-{nothing}", nothing) or review_of(values, nothing)
    except SourceUnreachableError as error:
        raise BadRequestError(f"the proxy cannot be used: {error}") from None
    if is_wrong:
        raise BadRequestError("the proxy lets in a name and a token that nobody has")
