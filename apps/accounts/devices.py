"""Browsers that a person has signed in with before: a signed cookie, which is no credential.

With it a browser has a place of its own in :mod:`apps.accounts.throttle`: a stranger at the same address (behind the
same NAT, or behind a proxy that nobody has made a trusted one) cannot lock its owner out.
"""

import secrets

from django.core import signing

from apps.accounts.throttle import KNOWN, account_hash

_SALT = "harbor.device"
_NONCE_BYTES = 12


def device_of(cookie: str, username: str) -> str:
    """The browser that this cookie was given to, if it was ``username`` who signed in there; else ""."""
    try:
        account, _, device = signing.TimestampSigner(salt=_SALT).unsign(cookie, max_age=KNOWN).partition(".")
    except signing.BadSignature:
        return ""
    return device if account == account_hash(username) else ""


def device_cookie(username: str, device: str = "") -> str:
    """A cookie for this browser, which keeps the place that it has; good for thirty days."""
    value = f"{account_hash(username)}.{device or secrets.token_hex(_NONCE_BYTES)}"
    return signing.TimestampSigner(salt=_SALT).sign(value)
