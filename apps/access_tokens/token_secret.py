"""Secrets of personal access tokens: ``hbp_<id>_<40 letters and digits>``."""

import hashlib
import secrets
import string

_LENGTH = 40
_CHARACTERS = string.ascii_letters + string.digits


def random_secret(token_id: int) -> str:
    """A new secret of this token; :func:`apps.accounts.security.token_of_secret` reads the id back."""
    return f"hbp_{token_id}_{''.join(secrets.choice(_CHARACTERS) for _ in range(_LENGTH))}"


def secret_hash(secret: str) -> str:
    """What is kept of a secret: 64 hexadecimal digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
