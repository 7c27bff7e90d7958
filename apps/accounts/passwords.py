"""What a password, a name and an address of a person may look like, and the hashing of passwords."""

import re
import secrets
import string
import threading
import unicodedata
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.hashers import make_password, verify_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.common.database import release_connection
from apps.common.errors import BadRequestError

MAX_PASSWORD = 128
_MAX_TEXT = 255
_MAX_COMMENT = 30
FORBIDDEN = frozenset(',"~#%$')
_SYMBOLS = "!*+-./:=?@_"
_RANDOM_LENGTH = 24
# Formats (zero width, direction of writing) and separators: with them a name looks like another's, in the audit log too.
_UNSEEN = frozenset({"Cf", "Zl", "Zp"})
# Half a pair, as JSON can bring it, has no UTF-8 form and so no hash.
_SURROGATE = re.compile("[\ud800-\udfff]")

# A hash takes 7 MiB and a core: many wrong passwords at once wait in line rather than take the host's memory.
_hashing = threading.BoundedSemaphore(4)


def _is_symbol(character: str) -> bool:
    return not character.isalnum() and not character.isspace()


_CLASSES: dict[str, Callable[[str], bool]] = {
    "an upper-case letter": str.isupper,
    "a lower-case letter": str.islower,
    "a digit": str.isdigit,
    "a symbol": _is_symbol,
}
_POLICIES = {
    "strong": (12, ("an upper-case letter", "a lower-case letter", "a digit", "a symbol")),
    "harbor": (8, ("an upper-case letter", "a lower-case letter", "a digit")),
}


def password_rule() -> tuple[int, bool]:
    """What the installation's policy asks for: how many characters at least, and whether symbols among them.

    Both policies want capital and small letters and digits.
    """
    shortest, classes = _POLICIES[settings.HARBOR.password_policy]
    return shortest, "a symbol" in classes


def password_check(password: str) -> None:
    """Raise :class:`BadRequestError`, which says the rule, unless the installation's policy allows it."""
    shortest, classes = _POLICIES[settings.HARBOR.password_policy]
    long_enough = shortest <= len(password) <= MAX_PASSWORD
    if _SURROGATE.search(password):
        raise BadRequestError("the password must be valid Unicode")
    if not long_enough or not all(any(map(_CLASSES[name], password)) for name in classes):
        raise BadRequestError(
            f"the password must have {shortest} to {MAX_PASSWORD} characters, with at least {', '.join(classes)}"
        )


def username_check(username: str) -> None:
    """Raise :class:`BadRequestError` unless this can be the name that a person signs in with."""
    if not username:
        raise BadRequestError("the username must not be empty")
    _text_check("username", username, longest=_MAX_TEXT, forbidden=FORBIDDEN)
    if username != username.strip() or any(unicodedata.category(sign) in _UNSEEN for sign in username):
        raise BadRequestError("the username must not contain invisible characters, nor blanks around it")


def profile_check(*, email: str, realname: str, comment: str) -> None:
    """Raise :class:`BadRequestError` unless a person's profile may say this."""
    _text_check("email", email, longest=_MAX_TEXT)
    try:
        validate_email(email)
    except ValidationError:
        raise BadRequestError("the email must be a valid address") from None
    _text_check("realname", realname, longest=_MAX_TEXT, forbidden=FORBIDDEN)
    _text_check("comment", comment, longest=_MAX_COMMENT)


def _text_check(field: str, value: str, *, longest: int, forbidden: frozenset[str] = frozenset()) -> None:
    if len(value) > longest:
        raise BadRequestError(f"the {field} must have at most {longest} characters")
    if found := sorted(forbidden.intersection(value)):
        raise BadRequestError(f"the {field} must not contain {' '.join(found)}")
    if has_control(value):
        raise BadRequestError(f"the {field} must not contain control characters")


def has_control(value: str) -> bool:
    """Whether there is a control character or half a surrogate pair, which PostgreSQL or a log line cannot hold."""
    return any(unicodedata.category(character) in {"Cc", "Cs"} for character in value)


def random_password() -> str:
    """A password of 24 characters that every policy allows."""
    classes = (string.ascii_uppercase, string.ascii_lowercase, string.digits, _SYMBOLS)
    characters = [secrets.choice(part) for part in classes]
    characters += [
        secrets.choice(string.ascii_letters + string.digits) for _ in range(_RANDOM_LENGTH - len(characters))
    ]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def password_hash(password: str) -> str:
    """The hash to store. Slow on purpose: never call it inside a transaction."""
    release_connection()
    with _hashing:
        return make_password(password)


def password_matches(password: str, encoded: str | None) -> bool:
    """Whether ``encoded`` is the hash of this password; None (no such account) costs the same work."""
    if len(password) > MAX_PASSWORD or _SURROGATE.search(password):
        return False
    if encoded is None:
        password_hash(password)
        return False
    # While hashes wait in line the pool's connections are for others.
    release_connection()
    with _hashing:
        return verify_password(password, encoded)[0]
