"""Registry tokens: JWT signed with ES256, opaque to clients (CNCF distribution, token authentication).

Claims carry all that the data plane needs, so that verification is CPU only; its result is kept until the token
expires. What the account behind a token may do at all is looked at by its caller, under the account's stamp.

Access tokens, of the token exchange, are signed alike for another audience. They allow what their account may do, and
open the REST API too. No token outlives the sign-in that it was given out for.
"""

import time
import uuid
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings

from apps.accounts.security import Principal, principal_stamps
from apps.config.selectors import system_settings
from apps.distribution.access import Grant

ISSUER = "harbor-token-issuer"
SERVICE = "harbor-registry"
ACCESS = "harbor-access"
"""The audience of access tokens."""
LEEWAY_SECONDS = 60
_ALGORITHM = "ES256"
_KEPT = 8192
# What is remembered has a bound in bytes too: a token of many repositories is rare, and signed and read anew.
_KEPT_GRANTS = 8
_KEPT_LENGTH = 4096
_SAME_FOR_SECONDS = 10


class TokenInvalidError(Exception):
    """The token is malformed, expired, not ours, or meant for somebody else."""


@dataclass(frozen=True, slots=True)
class Account:
    """The principal that a token was given to; None stands for an anonymous one.

    ``via`` and ``until`` as the principal had them.
    """

    kind: str
    id: int
    version: int
    owner_id: int = 0
    via: str = ""
    until: float = 0.0

    @property
    def stamps(self) -> tuple[str, ...]:
        """The keys of the principal's stamps."""
        return principal_stamps(self.kind, self.id, self.owner_id)


@dataclass(frozen=True, slots=True)
class Token:
    """A verified token. ``catalog`` says that it was given out to list repositories too.

    ``grants`` are None for an access token, which allows what its account may do.
    """

    account: Account | None
    grants: dict[str, Grant] | None
    catalog: bool
    expires_at: float


@cache
def _keys() -> tuple[EllipticCurvePrivateKey, EllipticCurvePublicKey]:
    """Read once a process."""
    private = load_pem_private_key(settings.HARBOR.token_key_path.read_bytes(), password=None)
    if not isinstance(private, EllipticCurvePrivateKey):
        raise TypeError(f"{settings.HARBOR.token_key_path} must hold a P-256 private key")
    return private, private.public_key()


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A signed token; ``life`` in seconds from ``issued_at``, which is in seconds since 1970."""

    text: str
    life: int
    issued_at: int


_issued: dict[object, IssuedToken] = {}


def token_issue(
    *, principal: Principal | None, grants: tuple[tuple[str, Grant], ...], catalog: bool
) -> IssuedToken:
    """A token for these grants: a client that asks again within some seconds gets the same one."""
    life = system_settings().token_expiration * 60
    key = (principal, grants, catalog, life)
    issued = _issued.get(key)
    if issued is None or time.time() - issued.issued_at >= _SAME_FOR_SECONDS:
        issued = _sign(principal, SERVICE, _access(grants, catalog=catalog), life)
        if len(grants) <= _KEPT_GRANTS:
            if len(_issued) >= _KEPT:
                _issued.clear()
            _issued[key] = issued
    return issued


def access_token_issue(*, principal: Principal) -> IssuedToken:
    """An access token for all that an account may do, there and on the REST API."""
    return _sign(principal, ACCESS, [], system_settings().token_expiration * 60)


def _access(grants: tuple[tuple[str, Grant], ...], *, catalog: bool) -> list[dict[str, Any]]:
    access: list[dict[str, Any]] = [
        {"type": "repository", "name": name, "actions": sorted(grant.actions), "project": grant.project_id}
        for name, grant in grants
    ]
    if catalog:
        access.append({"type": "registry", "name": "catalog", "actions": ["*"]})
    return access


def _sign(principal: Principal | None, audience: str, access: list[dict[str, Any]], life: int) -> IssuedToken:
    now = time.time()
    issued_at = int(now)
    if principal is not None and principal.until:
        life = max(min(life, int(principal.until - now)), 0)
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "sub": principal.name if principal else "",
        "aud": audience,
        "exp": issued_at + life,
        "nbf": issued_at,
        "iat": issued_at,
        "jti": uuid.uuid4().hex[:16],
        "access": access,
    }
    if principal is not None:
        claims["account"] = [principal.kind, principal.id, principal.version, principal.owner_id]
        if principal.via:
            claims["account"] += [principal.via, principal.until]
    return IssuedToken(jwt.encode(claims, _keys()[0], algorithm=_ALGORITHM), life, issued_at)


_verified: dict[str, Token] = {}


def token_verify(text: str) -> Token:
    """The token that ``text`` is; raises :class:`TokenInvalidError`."""
    token = _verified.get(text)
    if token is None:
        token = _verify(text)
        if len(text) <= _KEPT_LENGTH:
            if len(_verified) >= _KEPT:
                _verified.clear()
            _verified[text] = token
    now = time.time()
    # The end of a sign-in has no leeway: it was looked at before the token was given out.
    is_over = token.account is not None and 0 < token.account.until <= now
    if is_over or token.expires_at + LEEWAY_SECONDS < now:
        _verified.pop(text, None)
        raise TokenInvalidError("the token has expired")
    return token


def _verify(text: str) -> Token:
    try:
        claims = jwt.decode(
            text,
            _keys()[1],
            algorithms=[_ALGORITHM],
            audience=[SERVICE, ACCESS],
            issuer=ISSUER,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "nbf", "aud", "iss"]},
        )
    except jwt.PyJWTError as error:
        raise TokenInvalidError(str(error)) from error
    account = Account(*claims["account"]) if "account" in claims else None
    if claims["aud"] == ACCESS:
        return Token(account, None, catalog=True, expires_at=float(claims["exp"]))
    grants = {
        entry["name"]: Grant(entry["project"], frozenset(entry["actions"]))
        for entry in claims["access"]
        if entry["type"] == "repository"
    }
    catalog = any(entry["type"] == "registry" for entry in claims["access"])
    return Token(account, grants, catalog, float(claims["exp"]))
