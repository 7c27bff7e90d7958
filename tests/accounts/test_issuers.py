"""Tokens of other issuers: whom they are taken from, and how their keys are had."""

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from apps.accounts import issuers
from apps.accounts.issuer_keys import keys_of
from apps.accounts.issuers import (
    ASYMMETRIC,
    Issuers,
    IssuerUnreachableError,
    Kept,
    TokenRefusedError,
    discover,
    issuer_url_check,
    token_check,
    unverified_claims,
)
from apps.common.configuration import Configuration
from tests.support.clock import Clock
from tests.support.issuer import DISCOVERY, KEYS, Issuer, SigningKey

# The tests run long after they are collected.
_FAR = 4_000_000_000

HUB = "hub.example.com"


@pytest.fixture(autouse=True)
def loopback_allowed(settings) -> None:
    settings.HARBOR = Configuration(data_dir=settings.HARBOR.data_dir, outgoing_allow="127.0.0.0/8,::1")


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


@pytest.fixture(autouse=True)
def clock(monkeypatch) -> Clock:
    """The time by which keys grow old; nothing is known of any issuer yet."""
    clock = Clock()
    monkeypatch.setattr(issuers, "_issuers", Issuers(clock=clock))
    return clock


def check(issuer: Issuer, token: str, **changes: Any) -> dict[str, Any]:
    return dict(token_check(**{"token": token, "issuer": issuer.url, "audience": HUB, **changes}))


def refusal(issuer: Issuer, token: str, **changes: Any) -> str:
    with pytest.raises(TokenRefusedError) as caught:
        check(issuer, token, **changes)
    assert token not in str(caught.value)
    return str(caught.value)


def base64url(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_good_token_of_every_algorithm(algorithm: str) -> None:
    with Issuer(algorithm=algorithm, path="/realms/one") as issuer:
        claims = check(issuer, issuer.token(aud=HUB, sub="me", ref="main"))
        assert (claims["sub"], claims["ref"], claims["iss"]) == ("me", "main", issuer.url)
        assert issuer.asked == [f"/realms/one{DISCOVERY}", f"/realms/one{KEYS}"]


def test_keys_are_fetched_once_for_many_tokens(issuer: Issuer) -> None:
    for audience in (HUB, [HUB, "another"]):
        assert check(issuer, issuer.token(aud=audience))["aud"] == audience
    assert check(issuer, issuer.token(aud=HUB), audience=["x", HUB])["aud"] == HUB
    assert issuer.asked == [DISCOVERY, KEYS]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "another"}, "the token is meant for another audience"),
        ({"aud": []}, "the token has no aud"),
        ({"aud": {"a": HUB}}, "the token is meant for another audience"),
        ({"aud": None}, "the token has no aud"),
        ({"aud": HUB, "exp": None}, "the token has no exp"),
        ({"aud": HUB, "exp": int(time.time()) - 61}, "the token has expired"),
        ({"aud": HUB, "exp": str(_FAR)}, "the token's end is not a number"),
        ({"aud": HUB, "exp": "soon"}, "the token is not in order"),
        ({"aud": HUB, "exp": float("inf")}, "the token is not in order"),
        ({"aud": HUB, "nbf": _FAR}, "the token is not valid yet"),
        ({"aud": HUB, "iat": _FAR}, "the token is not valid yet"),
        ({"aud": HUB, "iss": "https://issuer.example.com"}, "the token is of another issuer"),
        ({"aud": HUB, "iss": None}, "the token is of another issuer"),
    ],
)
def test_claims_that_are_refused(issuer: Issuer, claims: dict[str, Any], reason: str) -> None:
    assert refusal(issuer, issuer.token(**claims)) == reason


def test_clocks_may_differ_by_a_minute(issuer: Issuer) -> None:
    now = int(time.time())
    assert check(issuer, issuer.token(aud=HUB, iat=now + 30, nbf=now + 30, exp=now - 30))["exp"] == now - 30
    token = issuer.token(aud=HUB, exp=now - 30)
    assert refusal(issuer, token, leeway=0) == "the token has expired"


def test_the_signature_of_another_key_by_the_name_of_a_known_one(issuer: Issuer) -> None:
    known = issuer.keys[0]
    with Issuer() as other:
        token = issuer.token(key=SigningKey("ES256", other.keys[0].key, known.kid), aud=HUB)
    assert refusal(issuer, token) == "the signature is not the issuer's"
    good = issuer.token(aud=HUB)
    forged = ".".join(
        [good.split(".")[0], base64url({"iss": issuer.url, "aud": HUB, "exp": 2**40}), good.split(".")[2]]
    )
    assert refusal(issuer, forged) == "the signature is not the issuer's"


def test_a_token_that_nobody_signed(issuer: Issuer) -> None:
    claims = base64url({"iss": issuer.url, "aud": HUB, "exp": int(time.time()) + 100})
    for algorithm in ("none", "None", "NONE", "", None, ["ES256"]):
        header = base64url({"alg": algorithm, "kid": issuer.keys[0].kid})
        for signature in ("", "AAAA"):
            text = refusal(issuer, f"{header}.{claims}.{signature}")
            assert text in {"the token's algorithm is not allowed", "it is not a token that can be read"}
    assert issuer.asked == []


def test_the_public_key_as_the_secret_of_a_symmetric_signature() -> None:
    with Issuer(algorithm="RS256") as issuer:
        public = issuer.keys[0].key.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        claims = base64url({"iss": issuer.url, "aud": HUB, "exp": int(time.time()) + 100})
        for secret in (pem, json.dumps(issuer.keys[0].public).encode()):
            signed = f"{base64url({'alg': 'HS256', 'kid': issuer.keys[0].kid})}.{claims}"
            signature = base64url(hmac.digest(secret, signed.encode(), hashlib.sha256))
            assert refusal(issuer, f"{signed}.{signature}") == "the token's algorithm is not allowed"
        with pytest.raises(ValueError, match="asymmetric"):
            check(issuer, issuer.token(aud=HUB), algorithms=["RS256", "HS256"])
        with pytest.raises(ValueError, match="audience"):
            check(issuer, issuer.token(aud=HUB), audience=[])
        assert (
            refusal(issuer, issuer.token(aud=HUB), algorithms=["ES256"])
            == "the token's algorithm is not allowed"
        )


def test_a_key_is_used_with_its_own_algorithm_only() -> None:
    with Issuer(algorithm="RS256") as issuer:
        check(issuer, issuer.token(aud=HUB))
        key = issuer.keys[0]
        token = issuer.token(key=SigningKey("PS256", key.key, key.kid), aud=HUB)
        assert refusal(issuer, token) == "the issuer has no such key for this algorithm"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "ä.ö.ü",
        "e30.e30.e30",
        "x" * 20000,
        f"{base64url({'alg': 'ES256'})}.W10.AA",
    ],
)
def test_what_is_no_token(issuer: Issuer, text: str) -> None:
    with pytest.raises(TokenRefusedError):
        check(issuer, text)
    assert issuer.asked == []


def test_deep_and_odd_json_is_refused_and_nothing_fails(issuer: Issuer) -> None:
    header = base64url({"alg": "ES256", "kid": issuer.keys[0].kid})
    for body in (b"[" * 9000, b'{"iss":' * 1000, b"\xff\xfe", b'{"iss": ' + b"9" * 5000 + b"}", b"null"):
        assert refusal(issuer, f"{header}.{base64url(body)}.AAAA") == "it is not a token that can be read"
    odd = f"{base64url({'alg': 'ES256', 'kid': 7})}.{base64url({'iss': issuer.url})}.AAAA"
    assert "token" in refusal(issuer, odd)


def test_a_token_without_the_name_of_a_key(issuer: Issuer) -> None:
    issuer.rotate(keep=True)
    old, new = issuer.keys[1], issuer.keys[0]
    unnamed = {
        "keys": [{name: value for name, value in key.public.items() if name != "kid"} for key in (new, old)]
    }
    issuer.answers[KEYS] = (200, json.dumps(unnamed).encode())
    now = int(time.time())
    claims = {"iss": issuer.url, "aud": HUB, "exp": now + 100}
    for key in (old, new):
        token = jwt.encode(claims, key.key, algorithm="ES256")
        assert check(issuer, token)["aud"] == HUB
        assert (
            refusal(issuer, issuer.token(key=key, aud=HUB)) == "the issuer has no such key for this algorithm"
        )


def test_unverified_claims_say_whom_to_ask(issuer: Issuer) -> None:
    assert unverified_claims(issuer.token(aud=HUB))["iss"] == issuer.url
    assert issuer.asked == []


# --- keys -------------------------------------------------------------------------------------------------------


def test_a_new_key_is_found_when_a_token_names_it(clock: Clock, issuer: Issuer) -> None:
    old = issuer.keys[0]
    check(issuer, issuer.token(aud=HUB))
    issuer.rotate()
    check(issuer, issuer.token(aud=HUB))
    assert issuer.asked == [DISCOVERY, KEYS, KEYS]
    assert refusal(issuer, issuer.token(key=old, aud=HUB)) == "the issuer has no such key for this algorithm"


def test_names_of_keys_that_nobody_has_ask_the_issuer_twice_a_minute_at_most(
    clock: Clock, issuer: Issuer
) -> None:
    check(issuer, issuer.token(aud=HUB))
    for _ in range(10):
        refusal(issuer, issuer.token(aud=HUB, headers={"kid": "other"}))
    assert issuer.asked.count(KEYS) == 2
    clock.now += 29
    refusal(issuer, issuer.token(aud=HUB, headers={"kid": "other"}))
    assert issuer.asked.count(KEYS) == 2
    clock.now += 2
    refusal(issuer, issuer.token(aud=HUB, headers={"kid": "other"}))
    assert issuer.asked.count(KEYS) == 3


def test_keys_are_fetched_again_after_ten_minutes(clock: Clock, issuer: Issuer) -> None:
    token, old = issuer.token(aud=HUB), issuer.keys[0]
    check(issuer, token)
    issuer.rotate()
    clock.now += 599
    check(issuer, issuer.token(key=old, aud=HUB))
    assert issuer.asked == [DISCOVERY, KEYS]
    clock.now += 2
    assert refusal(issuer, token) == "the issuer has no such key for this algorithm"
    assert issuer.asked[:4] == [DISCOVERY, KEYS, DISCOVERY, KEYS]


def test_an_issuer_that_is_away_leaves_an_hour(clock: Clock, issuer: Issuer, caplog) -> None:
    token = issuer.token(aud=HUB)
    check(issuer, token)
    issuer.stop()
    clock.now += 3599
    assert check(issuer, token)["aud"] == HUB
    assert "could not be fetched: no connection to 127.0.0.1" in caplog.text
    assert token not in caplog.text
    assert len(caplog.records) == 2  # The document and the keys, and not again at once.
    check(issuer, token)
    assert len(caplog.records) == 2
    clock.now += 2
    with pytest.raises(IssuerUnreachableError, match="no connection to 127"):
        check(issuer, token)
    issuer.start()
    clock.now += 11
    assert check(issuer, token)["aud"] == HUB


def test_an_issuer_that_was_never_there_is_tried_more_and_more_seldom(clock: Clock, issuer: Issuer) -> None:
    issuer.answers[DISCOVERY] = (503, b"")
    token, tries = issuer.token(aud=HUB), []
    for second in range(241):
        with pytest.raises(IssuerUnreachableError):
            check(issuer, token)
        if len(issuer.asked) > len(tries):
            tries.append(second)
        clock.now += 1
    assert tries == [0, 10, 30, 70, 130, 190]
    issuer.answers.clear()
    clock.now += 60
    assert check(issuer, token)["aud"] == HUB


def test_an_issuer_that_was_not_there_is_asked_again(clock: Clock, issuer: Issuer) -> None:
    issuer.answers[DISCOVERY] = (503, b"")
    for _ in range(5):
        with pytest.raises(IssuerUnreachableError, match="answered 503"):
            check(issuer, issuer.token(aud=HUB))
    assert issuer.asked == [DISCOVERY]
    clock.now += 11
    issuer.answers.clear()
    assert check(issuer, issuer.token(aud=HUB))["aud"] == HUB


def test_many_at_once_fetch_once(clock: Clock, issuer: Issuer) -> None:
    tokens, found = [issuer.token(aud=HUB) for _ in range(8)], []
    start = threading.Barrier(8)

    def one(token: str) -> None:
        start.wait()
        found.append(check(issuer, token)["jti"])

    threads = [threading.Thread(target=one, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert issuer.asked == [DISCOVERY, KEYS]


def test_who_has_keys_does_not_wait_for_them(clock: Clock) -> None:
    """One thread fetches, slowly; the others go on with what they have, and who asks for new ones waits."""
    asked, may_answer, values = threading.Event(), threading.Event(), iter([1, 2])

    def fetch() -> int:
        value = next(values)
        if value == 2:
            asked.set()
            assert may_answer.wait(60)
        return value

    kept = Kept("it", fetch, clock)
    assert kept.get() == 1
    clock.now += 601
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(kept.get()))]
    threads[0].start()
    assert asked.wait(60)
    assert kept.get() == 1
    may_answer.set()
    threads[0].join()
    assert (found, kept.get()) == ([2], 2)


def test_the_number_of_issuers_that_are_kept_is_bounded(monkeypatch, clock: Clock) -> None:
    monkeypatch.setattr(issuers, "_issuers", Issuers(size=2, clock=clock))
    running = [Issuer().start() for _ in range(3)]
    try:
        for issuer in (*running, running[0]):
            check(issuer, issuer.token(aud=HUB))
        assert [issuer.asked.count(KEYS) for issuer in running] == [2, 1, 1]
    finally:
        for issuer in running:
            issuer.stop()


@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"])
def test_weak_keys_are_not_taken(issuer: Issuer, algorithm: str) -> None:
    if algorithm == "RS256":
        weak = SigningKey("RS256", rsa.generate_private_key(public_exponent=65537, key_size=1024), "weak")
        public = weak.public
        with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
            token = issuer.token(key=weak, aud=HUB)
    else:
        # The neutral point as the key: the base point and 1 are a signature of everything.
        base_point = bytes.fromhex("58" + "66" * 31)
        header = base64url({"alg": "EdDSA", "kid": "weak"})
        claims = base64url({"iss": issuer.url, "aud": HUB, "exp": int(time.time()) + 100})
        signature = base_point + (1).to_bytes(32, "little")
        neutral = (1).to_bytes(32, "little")
        ed25519.Ed25519PublicKey.from_public_bytes(neutral).verify(signature, f"{header}.{claims}".encode())
        public = {"kty": "OKP", "crv": "Ed25519", "x": base64url(neutral), "kid": "weak"}
        token = f"{header}.{claims}.{base64url(signature)}"
    issuer.answers[KEYS] = (200, json.dumps({"keys": [issuer.keys[0].public, public]}).encode())
    assert refusal(issuer, token) == "the issuer has no such key for this algorithm"
    assert check(issuer, issuer.token(aud=HUB))["aud"] == HUB


def test_which_keys_of_a_set_are_taken() -> None:
    good = Issuer(algorithm="EdDSA").rotate().public
    bad = [
        "key",
        {},
        {**good, "use": "enc"},
        {**good, "key_ops": ["sign"]},
        {**good, "kid": 7},
        {**good, "x": "!"},
        {**good, "x": ""},
        {**good, "x": "A" * 5000},
        {**good, "crv": "X25519"},
        {**good, "alg": "ES256"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret", "alg": "HS256"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
        {"kty": "EC", "crv": "secp256k1", "x": "AAAA", "y": "AAAA"},
    ]
    assert [key.kid for key in keys_of({"keys": [*bad, good, {**good, "key_ops": ["verify"]}]})] == [
        good["kid"]
    ] * 2
    for document in ([], {}, {"keys": {}}, {"keys": [good] * 65}, None):
        with pytest.raises(ValueError, match=r"Key Set|more than"):
            keys_of(document)


# --- where they come from ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "answer", "reason"),
    [
        (DISCOVERY, (404, b"{}"), "127.0.0.1 answered 404"),
        (DISCOVERY, (302, b""), "127.0.0.1 answered 302"),
        (DISCOVERY, (200, b"<html>"), "127.0.0.1 sent no JSON"),
        (DISCOVERY, (200, b"[" * 100_000), "127.0.0.1 sent no JSON"),
        (DISCOVERY, (200, b"[]"), "its discovery document is not a JSON object"),
        (
            DISCOVERY,
            (200, b'{"issuer": "https://x.example.com"}'),
            "its discovery document names another issuer",
        ),
        (DISCOVERY, (200, b" " * 200_000 + b"{}"), "127.0.0.1 sent more than"),
        (KEYS, (200, b"{}"), "its key set cannot be used: it is not a JSON Web Key Set"),
        (KEYS, (200, b'{"keys": []}'), "its key set has no key that can be used"),
        (KEYS, (200, b" " * 600_000), "127.0.0.1 sent more than"),
        (KEYS, (500, b""), "127.0.0.1 answered 500"),
    ],
)
def test_answers_that_cannot_be_used(
    issuer: Issuer, path: str, answer: tuple[int, bytes], reason: str
) -> None:
    issuer.answers[path] = answer
    with pytest.raises(IssuerUnreachableError) as caught:
        check(issuer, issuer.token(aud=HUB))
    assert str(caught.value).startswith(reason)


def test_a_document_without_keys(issuer: Issuer) -> None:
    issuer.answers[DISCOVERY] = (200, json.dumps({"issuer": issuer.url}).encode())
    with pytest.raises(IssuerUnreachableError, match="names no key set"):
        discover(issuer.url)


def test_an_issuer_with_a_slash_at_its_end(issuer: Issuer) -> None:
    """Its name is as it says, with the slash; the document's place has one slash."""
    issuer.path = "/"
    issuer.answers[DISCOVERY] = (
        200,
        json.dumps({**issuer.document(), "jwks_uri": f"{issuer.url}keys"}).encode(),
    )
    issuer.answers[KEYS] = (200, json.dumps(issuer.key_set()).encode())
    assert check(issuer, issuer.token(aud=HUB))["iss"].endswith("/")
    with pytest.raises(IssuerUnreachableError, match="another issuer"):
        discover(issuer.url.rstrip("/"))


def test_keys_from_a_place_that_is_given(issuer: Issuer) -> None:
    assert check(issuer, issuer.token(aud=HUB), jwks_uri=f"{issuer.url}{KEYS}")["aud"] == HUB
    assert issuer.asked == [KEYS]


def test_addresses_that_the_guard_refuses(issuer: Issuer, settings) -> None:
    settings.HARBOR = Configuration(data_dir=settings.HARBOR.data_dir)
    with pytest.raises(IssuerUnreachableError, match="not allowed"):
        discover(issuer.url)
    assert issuer.asked == []


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://issuer.example.com", True),
        ("https://issuer.example.com/realms/a?b", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080/x", True),
        ("http://localhost:8080", True),
        ("http://10.1.2.3", True),
        ("http://10.2.2.3", False),
        ("http://issuer.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("ftp://issuer.example.com", False),
        ("issuer.example.com", False),
        ("https://me:secret@issuer.example.com", False),
        ("", False),
    ],
)
def test_schemes(settings, url: str, is_allowed: bool) -> None:
    settings.HARBOR = Configuration(data_dir=settings.HARBOR.data_dir, outgoing_allow="10.1.0.0/16")
    if is_allowed:
        issuer_url_check(url)
        return
    with pytest.raises(IssuerUnreachableError):
        issuer_url_check(url)
    if url == "http://issuer.example.com":
        issuer_url_check(url, verify_tls=False)


def test_certificates(tmp_path, settings) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Issuer(tls=context) as issuer:
        token = issuer.token(aud=HUB)
        with pytest.raises(IssuerUnreachableError, match="certificate"):
            check(issuer, token)
        assert check(issuer, token, verify_tls=False)["aud"] == HUB
        # What came without a check is not kept for those who want one.
        with pytest.raises(IssuerUnreachableError, match="certificate"):
            check(issuer, token)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    settings.HARBOR = Configuration(
        data_dir=settings.HARBOR.data_dir, outgoing_allow="127.0.0.0/8", outgoing_ca_file=tmp_path / "ca.pem"
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Issuer(tls=context) as issuer:
        assert check(issuer, issuer.token(aud=HUB))["aud"] == HUB
