"""Tokens of other issuers (OpenID Connect, RFC 7519): who signed one, for whom, and whether it still holds.

An issuer's discovery document and keys are fetched through the guard of outgoing requests and kept in the process:

* for ten minutes; then fetched again, and used for up to an hour while that fails;
* a token by a key that is not known has them fetched again, at most once in thirty seconds for an issuer;
* what could not be fetched is tried again after ten seconds, and after up to a minute while it goes on failing.

Both must come by https. By http they may come only from an address written as such (or ``localhost``) that is
loopback or that the setting ``outgoing_allow`` names: a name can be made to lead elsewhere. An issuer whose
certificate is not checked may use http as well.

Only asymmetric algorithms are taken: a symmetric one would take the issuer's public key for a secret.
"""

import ipaddress
import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import jwt
from django.conf import settings

from apps.accounts.issuer_keys import IssuerKey, keys_of
from apps.common.database import release_connection
from apps.common.outgoing import OutgoingError, outgoing_request, url_checked

ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
MAX_TOKEN = 16 * 1024
MAX_ISSUER = 1024
LEEWAY_SECONDS = 60

_FRESH_SECONDS = 600.0
_STALE_SECONDS = 3600.0
_ANEW_SECONDS = 30.0
_RETRY_SECONDS = 10.0
_MAX_RETRY_SECONDS = 60.0
_FETCH_SECONDS = 5.0
_MAX_DISCOVERY = 128 * 1024
_MAX_KEYS_BYTES = 512 * 1024
_MAX_ISSUERS = 256
_MAX_TRIED_KEYS = 8
_DISCOVERY = "/.well-known/openid-configuration"
_REASONS: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.InvalidSignatureError, "the signature is not the issuer's"),
    (jwt.ExpiredSignatureError, "the token has expired"),
    (jwt.ImmatureSignatureError, "the token is not valid yet"),
    (jwt.InvalidAudienceError, "the token is meant for another audience"),
    (jwt.InvalidIssuerError, "the token is of another issuer"),
    (jwt.InvalidAlgorithmError, "the token's algorithm is not allowed"),
)

ValueT = TypeVar("ValueT")

_log = logging.getLogger(__name__)


class TokenRefusedError(Exception):
    """The token is not good; the message says why, in a sentence without the token."""


class IssuerUnreachableError(Exception):
    """The issuer's document or keys cannot be had or used; the message says why."""


class Kept(Generic[ValueT]):
    """A value that is fetched from elsewhere, by the rules at the top of this module. Threads may share it."""

    def __init__(self, name: str, fetch: Callable[[], ValueT], clock: Callable[[], float]) -> None:
        self._name = name
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._value: tuple[ValueT, float] | None = None
        self._reason = ""
        self._pause = _RETRY_SECONDS
        self._not_before = self._not_anew_before = float("-inf")

    def get(self, *, anew: bool = False) -> ValueT:
        """The value; ``anew`` asks for one that is fetched now. Raises :class:`IssuerUnreachableError`."""
        if not self._is_due(anew=anew):
            return self._old()
        # A connection of the pool must not wait for another server.
        release_connection()
        # Whoever has a value that will do does not wait for the one who fetches.
        if not self._lock.acquire(blocking=anew or self._usable(_STALE_SECONDS) is None):
            return self._old()
        try:
            if self._is_due(anew=anew):
                self._renew(anew=anew)
        finally:
            self._lock.release()
        return self._old()

    def _is_due(self, *, anew: bool) -> bool:
        now = self._clock()
        if now < self._not_before:
            return False
        return (anew and now >= self._not_anew_before) or self._usable(_FRESH_SECONDS) is None

    def _usable(self, seconds: float) -> tuple[ValueT, float] | None:
        value = self._value
        return value if value is not None and self._clock() - value[1] < seconds else None

    def _old(self) -> ValueT:
        value = self._usable(_STALE_SECONDS)
        if value is None:
            raise IssuerUnreachableError(self._reason)
        return value[0]

    def _renew(self, *, anew: bool) -> None:
        try:
            self._value = (self._fetch(), self._clock())
            self._pause = _RETRY_SECONDS
        except IssuerUnreachableError as error:
            self._reason = str(error)
            self._not_before = self._clock() + self._pause
            # Each try of one that does not answer holds up whoever has to wait for it.
            self._pause = min(self._pause * 2, _MAX_RETRY_SECONDS)
            _log.warning("%s could not be fetched: %s", self._name, error)
        # Only now: who asks meanwhile waits for what comes.
        if anew:
            self._not_anew_before = self._clock() + _ANEW_SECONDS


class Issuers:
    """What is known of issuers; those who were not asked for the longest time are forgotten first."""

    def __init__(self, *, size: int = _MAX_ISSUERS, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._lock = threading.Lock()
        self._documents: OrderedDict[object, Kept[Mapping[str, Any]]] = OrderedDict()
        self._keys: OrderedDict[object, Kept[tuple[IssuerKey, ...]]] = OrderedDict()

    def discover(self, issuer: str, *, verify_tls: bool = True) -> Mapping[str, Any]:
        """The discovery document of an issuer. Raises :class:`IssuerUnreachableError`."""
        return self._kept(
            self._documents,
            (issuer, verify_tls),
            f"the discovery document of {issuer}",
            lambda: _document(issuer, verify_tls=verify_tls),
        ).get()

    def keys(
        self, issuer: str, *, jwks_uri: str = "", verify_tls: bool = True, anew: bool = False
    ) -> tuple[IssuerKey, ...]:
        """The keys of an issuer, from ``jwks_uri`` or from where its discovery document says.

        Raises :class:`IssuerUnreachableError`.
        """

        def fetch() -> tuple[IssuerKey, ...]:
            place = jwks_uri or str(self.discover(issuer, verify_tls=verify_tls)["jwks_uri"])
            return _key_set(place, verify_tls=verify_tls)

        kept = self._kept(self._keys, (issuer, jwks_uri, verify_tls), f"the keys of {issuer}", fetch)
        return kept.get(anew=anew)

    def _kept(
        self,
        those: OrderedDict[object, Kept[ValueT]],
        key: object,
        name: str,
        fetch: Callable[[], ValueT],
    ) -> Kept[ValueT]:
        with self._lock:
            kept = those.setdefault(key, Kept(name, fetch, self._clock))
            those.move_to_end(key)
            while len(those) > self._size:
                those.popitem(last=False)
            return kept


_issuers = Issuers()


def discover(issuer: str, *, verify_tls: bool = True) -> Mapping[str, Any]:
    """The discovery document of an issuer, which names it. Raises :class:`IssuerUnreachableError`."""
    return _issuers.discover(issuer, verify_tls=verify_tls)


def token_check(
    *,
    token: str,
    issuer: str,
    audience: str | Sequence[str],
    algorithms: Sequence[str] = ASYMMETRIC,
    leeway: float = LEEWAY_SECONDS,
    jwks_uri: str = "",
    verify_tls: bool = True,
) -> Mapping[str, Any]:
    """The claims of a token that this issuer signed for this audience (one of them), and that holds now.

    ``jwks_uri`` is for issuers without discovery. Raises :class:`TokenRefusedError`, which says what is wrong, and
    :class:`IssuerUnreachableError`.
    """
    if not issuer or not audience or not set(algorithms) <= set(ASYMMETRIC):
        raise ValueError("an issuer, an audience and asymmetric algorithms are needed")
    if unverified_claims(token).get("iss") != issuer:
        raise TokenRefusedError("the token is of another issuer")
    header = _header(token)
    algorithm, kid = header.get("alg"), header.get("kid", "")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise TokenRefusedError("the token's algorithm is not allowed")
    if not isinstance(kid, str):
        raise TokenRefusedError("the token's key has no proper name")
    found = _candidates(_issuers.keys(issuer, jwks_uri=jwks_uri, verify_tls=verify_tls), kid, algorithm)
    if not found:
        renewed = _issuers.keys(issuer, jwks_uri=jwks_uri, verify_tls=verify_tls, anew=True)
        found = _candidates(renewed, kid, algorithm)
    if not found:
        raise TokenRefusedError("the issuer has no such key for this algorithm")
    claims = _verified(token, found, algorithm, issuer=issuer, audience=audience, leeway=leeway)
    return MappingProxyType(claims)


def unverified_claims(token: str) -> Mapping[str, Any]:
    """What a token says, whoever has written it: only to find out whom to ask. Raises :class:`TokenRefusedError`."""
    _header(token)
    try:
        return MappingProxyType(jwt.decode(token, options={"verify_signature": False}))
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenRefusedError("it is not a token that can be read") from None


def _header(token: str) -> Mapping[str, Any]:
    if not 0 < len(token) <= MAX_TOKEN or not token.isascii():
        raise TokenRefusedError("it is not a token that can be read")
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenRefusedError("it is not a token that can be read") from None


def _candidates(keys: tuple[IssuerKey, ...], kid: str, algorithm: str) -> list[IssuerKey]:
    """The keys that can have signed: by name; for a token that names none, all of its algorithm."""
    fitting = [key for key in keys if algorithm in key.algorithms and (not kid or key.kid == kid)]
    return fitting[:_MAX_TRIED_KEYS]


def _verified(
    token: str,
    keys: list[IssuerKey],
    algorithm: str,
    *,
    issuer: str,
    audience: str | Sequence[str],
    leeway: float,
) -> dict[str, Any]:
    refusal = "the signature is not the issuer's"
    for key in keys:
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=audience,
                issuer=issuer,
                leeway=leeway,
                options={"require": ["iss", "aud", "exp"], "strict_aud": False},
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            refusal = _reason(error)
            break
        # PyJWT takes "1700000000" and true for numbers.
        if isinstance(claims["exp"], int | float) and not isinstance(claims["exp"], bool):
            return claims
        refusal = "the token's end is not a number"
        break
    raise TokenRefusedError(refusal)


def _reason(error: Exception) -> str:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"the token has no {error.claim}"
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), "the token is not in order")


def _document(issuer: str, *, verify_tls: bool) -> Mapping[str, Any]:
    document = _json(issuer.rstrip("/") + _DISCOVERY, _MAX_DISCOVERY, verify_tls=verify_tls)
    if not isinstance(document, dict):
        raise IssuerUnreachableError("its discovery document is not a JSON object")
    named = document.get("issuer")
    if named != issuer:
        raise IssuerUnreachableError(
            f"its discovery document names another issuer: {str(named)[:MAX_ISSUER]!r}"
        )
    if not isinstance(document.get("jwks_uri"), str):
        raise IssuerUnreachableError("its discovery document names no key set (jwks_uri)")
    return MappingProxyType(document)


def _key_set(url: str, *, verify_tls: bool) -> tuple[IssuerKey, ...]:
    document = _json(url, _MAX_KEYS_BYTES, verify_tls=verify_tls)
    try:
        keys = keys_of(document)
    except ValueError as error:
        raise IssuerUnreachableError(f"its key set cannot be used: {error}") from None
    if not keys:
        raise IssuerUnreachableError("its key set has no key that can be used")
    return keys


def issuer_url_check(url: str, *, verify_tls: bool = True) -> None:
    """Raise :class:`IssuerUnreachableError` for a URL that nothing is fetched from."""
    try:
        parts = url_checked(url)
    except OutgoingError as error:
        raise IssuerUnreachableError(str(error)) from None
    if parts.scheme == "http" and verify_tls and not _is_near((parts.host or "").strip("[]")):
        raise IssuerUnreachableError(
            f"{parts.host} must be asked by https; by http only an address that is loopback or in the setting"
            " outgoing_allow"
        )


def _is_near(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or any(address in network for network in settings.HARBOR.outgoing_allowed)


def _json(url: str, most: int, *, verify_tls: bool) -> Any:
    issuer_url_check(url, verify_tls=verify_tls)
    try:
        answer = outgoing_request(
            method="GET",
            url=url,
            headers={"Accept": "application/json"},
            seconds=_FETCH_SECONDS,
            max_bytes=most + 1,
            verify=verify_tls,
        )
    except OutgoingError as error:
        raise IssuerUnreachableError(str(error)) from None
    if answer.status != 200:
        raise IssuerUnreachableError(f"{url_checked(url).host} answered {answer.status}")
    if len(answer.body) > most:
        raise IssuerUnreachableError(f"{url_checked(url).host} sent more than {most} bytes")
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise IssuerUnreachableError(f"{url_checked(url).host} sent no JSON") from None
