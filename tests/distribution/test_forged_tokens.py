"""Tokens that are not ours, or not good any more, open nothing."""

import base64
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.distribution.asking import ask, claims_of, opens
from tests.distribution.conftest import Team
from tests.support.http import error_codes
from tests.support.server import HarborServer


@pytest.fixture
def key(server: HarborServer) -> str:
    return (server.data_dir / "secrets" / "token-key.pem").read_text("ascii")


@pytest.fixture
def claims(http, server: HarborServer, image: str) -> dict[str, Any]:
    repository = image.removeprefix("/v2/").partition("/manifests")[0]
    return claims_of(ask(http, server.admin, f"repository:{repository}:pull"))


def refused(http: httpx.Client, token: str, path: str) -> httpx.Response:
    answer = http.get(path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401, answer.text
    assert error_codes(answer) == ["UNAUTHORIZED"]
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    return answer


def test_the_same_claims_signed_again_are_good(http, image: str, key: str, claims) -> None:
    assert opens(http, jwt.encode(claims, key, "ES256"), image) == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 3600, "iat": 1, "nbf": 1},
        {"nbf": int(time.time()) + 3600},
        {"aud": "other"},
        {"iss": "other"},
        {"exp": None},
        {"iat": None},
    ],
    ids=["expired", "not yet", "audience", "issuer", "no expiry", "no time of issue"],
)
def test_claims(http, image: str, key: str, claims, changes: dict[str, Any]) -> None:
    changed = {name: value for name, value in (claims | changes).items() if value is not None}

    refused(http, jwt.encode(changed, key, "ES256"), image)


def test_another_key(http, image: str, claims) -> None:
    refused(http, jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256"), image)


def test_no_signature(http, image: str, claims) -> None:
    refused(http, jwt.encode(claims, None, "none"), image)


def test_a_shared_secret(http, image: str, claims) -> None:
    refused(http, jwt.encode(claims, "s" * 64, "HS256"), image)


def test_tampered_claims(http, team: Team, image: str) -> None:
    """The guest writes more actions into a good token."""
    repository = image.removeprefix("/v2/").partition("/manifests")[0]
    token = ask(http, team.people["guest"], f"repository:{repository}:pull").json()["token"]
    head, body, signature = token.split(".")
    plain = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    more = base64.urlsafe_b64encode(plain.replace(b'"pull"', b'"push"')).decode().rstrip("=")
    assert more != body

    refused(http, f"{head}.{more}.{signature}", image)
    assert opens(http, token, image) == 200


@pytest.mark.parametrize("token", ["x", "a.b.c", "...", "A" * 20_000])
def test_garbage(http, image: str, token: str) -> None:
    refused(http, token, image)
