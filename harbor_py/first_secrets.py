"""The secrets that first start makes: the signing key and the key of registry tokens."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from apps.common.configuration import Configuration, ConfigurationError


def secrets_make(configuration: Configuration) -> None:
    """Make each secret that is not there yet, readable by its owner alone (mode 0600).

    A file that a setting names is never made: a key that is missing there is a mistake, and a new one would
    hide it. Raises :class:`ConfigurationError` for that.
    """
    for setting, path in (
        ("secret_key_file", configuration.secret_key_file),
        ("token_key_file", configuration.token_key_file),
    ):
        if path is not None and not os.access(path, os.R_OK):
            raise ConfigurationError(f"setting {setting} (HARBOR_{setting.upper()}): cannot read {path}")
    configuration.secrets_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if configuration.secret_key_file is None:
        _make_once(configuration.secret_key_path, secrets.token_urlsafe(48).encode())
    if configuration.token_key_file is None:
        key = ec.generate_private_key(ec.SECP256R1())
        _make_once(
            configuration.token_key_path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )


def _make_once(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, also after a power cut, and keep the one that exists."""
    if path.exists():
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
