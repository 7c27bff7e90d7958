"""Bearer tokens of the REST API and the token service that are not registry tokens, by those who know them."""

from collections.abc import Callable

from apps.accounts.issuers import MAX_TOKEN
from apps.accounts.security import Principal

Check = Callable[[str], Principal | None]

_checks: list[Check] = []


def register_bearer(check: Check) -> None:
    """Add a kind of token; called from an app's ``ready()``.

    ``check`` gives the principal of a token of its kind that is good, and None for every other; it must not fail.
    """
    _checks.append(check)


def bearer_principal(token: str) -> Principal | None:
    """Whose token this is; None if nobody knows it. Each kind is asked in turn."""
    if not 0 < len(token) <= MAX_TOKEN or not token.isascii():
        return None
    for check in _checks:
        if (principal := check(token)) is not None:
            return principal
    return None
