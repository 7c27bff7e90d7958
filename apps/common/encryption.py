"""Secrets as they are kept: encrypted and authenticated, under a key made from the installation's secret key.

The result names its format: ``v1:`` is AES-256-GCM with a random nonce of 12 bytes, base64 of nonce and text. A new
key or method gets a new name, and what is kept under the old one can still be read.
"""

import base64
import binascii
import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_FORMAT = "v1:"
_NONCE = 12
_KEY = 32


class UndecipherableError(Exception):
    """It was encrypted under another key or for another purpose, or it was changed."""


def encrypt(text: str, *, purpose: str) -> str:
    """``text`` for the database; it can be read back under the same ``purpose`` only (``setting:oidc_client_secret``),
    so that whoever can write to the database cannot move a secret to where it would be shown or sent.
    """
    nonce = os.urandom(_NONCE)
    sealed = _cipher(settings.SECRET_KEY).encrypt(nonce, text.encode(), purpose.encode())
    return _FORMAT + base64.b64encode(nonce + sealed).decode("ascii")


def decrypt(stored: str, *, purpose: str) -> str:
    """What :func:`encrypt` was given. Raises :class:`UndecipherableError`."""
    if not stored.startswith(_FORMAT):
        raise UndecipherableError("the format of the secret is unknown")
    try:
        raw = base64.b64decode(stored.removeprefix(_FORMAT), validate=True)
        text = _cipher(settings.SECRET_KEY).decrypt(raw[:_NONCE], raw[_NONCE:], purpose.encode())
    except (InvalidTag, ValueError, binascii.Error):
        raise UndecipherableError("the secret cannot be read with this installation's key") from None
    return text.decode()


@cache
def _cipher(secret_key: str) -> AESGCM:
    """The key is derived, so that it is of no use for what else the secret key signs."""
    derive = HKDF(algorithm=SHA256(), length=_KEY, salt=None, info=b"harbor-py secrets at rest v1")
    return AESGCM(derive.derive(secret_key.encode()))
