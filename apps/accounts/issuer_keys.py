"""The public keys that an issuer of tokens publishes (JSON Web Key Set, RFC 7517)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.utils import base64url_decode

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

MAX_KEYS = 64
_MAX_TEXT = 2048
_RSA_BITS = range(2048, 8193)
_MAX_RSA_EXPONENT = 2**32
_RSA_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_EC_ALGORITHMS = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_PARTS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
# Points of Ed25519 whose order divides eight, without the bit of the sign: signatures of such a key prove nothing.
_SMALL_ORDER = frozenset(
    bytes.fromhex(text)
    for text in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A key that verifies signatures of these algorithms; ``kid`` is "" for one without a name."""

    kid: str
    algorithms: frozenset[str]
    key: PublicKey


def keys_of(document: object) -> tuple[IssuerKey, ...]:
    """The keys of a key set that can verify signatures; others are left out.

    Raises ValueError if it is not a key set, or one with too many keys.
    """
    listed = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(listed, list):
        raise ValueError("it is not a JSON Web Key Set")  # noqa: TRY004 (what was sent is wrong, not the call)
    if len(listed) > MAX_KEYS:
        raise ValueError(f"it has more than {MAX_KEYS} keys")
    return tuple(key for one in listed if (key := _key_of(one)) is not None)


def _key_of(value: object) -> IssuerKey | None:
    if not isinstance(value, Mapping) or not _is_for_signatures(value):
        return None
    parts = {name: value.get(name) for name in ("kty", *_PARTS.get(str(value.get("kty")), ()))}
    if not all(isinstance(part, str) and 0 < len(part) <= _MAX_TEXT for part in parts.values()):
        return None
    kid, algorithm = value.get("kid", ""), value.get("alg")
    if not isinstance(kid, str) or len(kid) > _MAX_TEXT:
        return None
    # Only the public parts: what else an issuer publishes by mistake is not looked at.
    key, algorithms = _public_key(cast("dict[str, str]", parts))
    if algorithm is not None:
        algorithms &= {str(algorithm)}
    return None if key is None or not algorithms else IssuerKey(kid, algorithms, key)


def _is_for_signatures(value: Mapping[str, Any]) -> bool:
    operations = value.get("key_ops")
    may_verify = operations is None or (isinstance(operations, list) and "verify" in operations)
    return value.get("use", "sig") == "sig" and may_verify


def _public_key(parts: dict[str, str]) -> tuple[PublicKey | None, frozenset[str]]:
    nothing: tuple[None, frozenset[str]] = (None, frozenset())
    try:
        match parts["kty"]:
            case "RSA":
                key = jwt.PyJWK(parts, algorithm="RS256").key
                return (key, _RSA_ALGORITHMS) if _is_strong(key) else nothing
            case "EC" if parts["crv"] in _EC_ALGORITHMS:
                algorithm = _EC_ALGORITHMS[parts["crv"]]
                return jwt.PyJWK(parts, algorithm=algorithm).key, frozenset({algorithm})
            case "OKP" if parts["crv"] == "Ed25519" and not _is_small(base64url_decode(parts["x"])):
                return jwt.PyJWK(parts, algorithm="EdDSA").key, frozenset({"EdDSA"})
    except (jwt.PyJWTError, ValueError, TypeError, UnsupportedAlgorithm):
        return nothing
    return nothing


def _is_strong(key: RSAPublicKey) -> bool:
    """Neither short nor so long that to check a signature is work."""
    return key.key_size in _RSA_BITS and key.public_numbers().e < _MAX_RSA_EXPONENT


def _is_small(point: bytes) -> bool:
    return point[:-1] + bytes([point[-1] & 0x7F]) in _SMALL_ORDER if point else True
