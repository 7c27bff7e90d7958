"""An OpenID provider that lies as it is told to; unless it is told to, it is a correct one.

It lets everybody in at once, as :attr:`HostileProvider.subject`. It listens on loopback, in a thread of the tests.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_LIFE = 300


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    path: str
    headers: dict[str, str]
    form: dict[str, str]


@dataclass
class HostileProvider:
    """``claims`` replace those of ID tokens (None takes one away), ``signed`` is how they are signed: ``RS256``,
    ``none``, ``HS256`` (with the public key as the secret), ``other`` (a key of nobody).

    ``document`` replaces parts of the discovery document. ``refuse`` is what the token endpoint answers in place of
    tokens: status and ``error``. ``person`` is the userinfo, none at all with None. ``silent`` paths do not answer,
    ``huge`` ones send without end.
    """

    subject: str = field(default_factory=lambda: secrets.token_hex(6))
    claims: dict[str, Any] = field(default_factory=dict)
    signed: str = "RS256"
    document: dict[str, Any] = field(default_factory=dict)
    refuse: tuple[int, str] | None = None
    person: dict[str, Any] | None = field(default_factory=dict)
    gives_refresh_tokens: bool = True
    gives_new_identity: bool = True
    expires_in: int = _LIFE
    silent: set[str] = field(default_factory=set)
    huge: set[str] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)
    refresh_tokens: set[str] = field(default_factory=set)
    revoked: list[str] = field(default_factory=list)
    client_id: str = "harbor"
    client_secret: str = "a secret: with/odd%signs"
    port: int = 0
    key: rsa.RSAPrivateKey = field(default=_KEY, repr=False)
    key_name: str = "one"
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _closing: threading.Event = field(default_factory=threading.Event)
    _server: ThreadingHTTPServer | None = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, **changes: Any) -> dict[str, Any]:
        """For ``PUT /configurations``."""
        return {
            "auth_sources": "local,oidc",
            "oidc_name": "Hostile",
            "oidc_endpoint": self.issuer,
            "oidc_client_id": self.client_id,
            "oidc_client_secret": self.client_secret,
            "oidc_scope": "openid,offline_access",
            "oidc_verify_cert": True,
            "oidc_auto_onboard": True,
            "oidc_user_claim": "preferred_username",
            "oidc_groups_claim": "groups",
            "oidc_group_filter": "",
            "oidc_admin_group": "",
            "oidc_extra_redirect_parms": "{}",
            "oidc_logout": False,
            **changes,
        }

    def asked_for(self, path: str) -> list[Asked]:
        """The requests of a path, in order."""
        return [one for one in self.asked if one.path == path]

    def identity_token(self, nonce: str = "", **claims: Any) -> str:
        """An ID token, signed as it is told to."""
        now = int(time.time())
        found = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": self.subject,
            "iat": now,
            "exp": now + _LIFE,
            "nonce": nonce,
            "preferred_username": f"person-{self.subject}",
            **self.claims,
            **claims,
        }
        return self._sign({name: value for name, value in found.items() if value is not None})

    def _sign(self, claims: dict[str, Any]) -> str:
        headers = {"kid": self.key_name}
        if self.signed == "none":
            return jwt.encode(claims, None, algorithm="none", headers=headers)
        if self.signed == "HS256":
            parts = [_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", **headers}, claims)]
            text = ".".join(parts)
            return f"{text}.{_encoded(hmac.digest(_public_pem(self.key), text.encode(), 'sha256'))}"
        key = _OTHER_KEY if self.signed == "other" else self.key
        return jwt.encode(claims, key, algorithm="RS256", headers=headers)

    def rotate(self) -> None:
        """Sign with another key from now on."""
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key_name = secrets.token_hex(4)

    def _public_jwk(self) -> dict[str, Any]:
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**key, "kid": self.key_name, "use": "sig", "alg": "RS256"}

    # What is asked of it.

    def answer(self, path: str, query: dict[str, str], form: dict[str, str], headers: dict[str, str]) -> Any:
        """A JSON value with its status, or the address of a redirect."""
        ways = {
            "/.well-known/openid-configuration": lambda: (200, self._discovery()),
            "/keys": lambda: (200, {"keys": [self._public_jwk()]}),
            "/authorize": lambda: self._authorize(query),
            "/token": lambda: self._token(form, headers),
            "/userinfo": self._userinfo,
            "/revoke": lambda: self._revoke(form["token"]),
            "/logout": lambda: query["post_logout_redirect_uri"],
        }
        return ways.get(path, lambda: (404, {}))()

    def _authorize(self, query: dict[str, str]) -> str:
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def _userinfo(self) -> tuple[int, dict[str, Any]]:
        return (500, {}) if self.person is None else (200, {"sub": self.subject, **self.person})

    def _revoke(self, token: str) -> tuple[int, dict[str, Any]]:
        self.revoked.append(token)
        self.refresh_tokens.discard(token)
        return 200, {}

    def _discovery(self) -> dict[str, Any]:
        places = {
            "authorization_endpoint": "/authorize",
            "token_endpoint": "/token",
            "userinfo_endpoint": "/userinfo",
            "jwks_uri": "/keys",
            "revocation_endpoint": "/revoke",
            "end_session_endpoint": "/logout",
        }
        found = {"issuer": self.issuer, **{name: self.issuer + path for name, path in places.items()}}
        return {name: value for name, value in {**found, **self.document}.items() if value is not None}

    def _token(self, form: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if self.refuse is not None:
            return self.refuse[0], {"error": self.refuse[1]}
        if not self._is_client(form, headers):
            return 401, {"error": "invalid_client"}
        nonce = ""
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in self.refresh_tokens:
                return 400, {"error": "invalid_grant"}
            self.refresh_tokens.remove(form["refresh_token"])
        else:
            begun = self._codes.pop(form["code"], None)
            digest = _encoded(hashlib.sha256(form["code_verifier"].encode()).digest())
            if (
                begun is None
                or digest != begun["code_challenge"]
                or begun["redirect_uri"] != form["redirect_uri"]
            ):
                return 400, {"error": "invalid_grant"}
            nonce = begun["nonce"]
        found: dict[str, Any] = {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": self.expires_in,
        }
        if nonce or self.gives_new_identity:
            found["id_token"] = self.identity_token(nonce)
        if self.gives_refresh_tokens:
            found["refresh_token"] = secrets.token_urlsafe(16)
            self.refresh_tokens.add(found["refresh_token"])
        return 200, found

    def _is_client(self, form: dict[str, str], headers: dict[str, str]) -> bool:
        name, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, encoded = headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            name, _, secret = map(unquote, base64.b64decode(encoded).decode().partition(":"))
        return (name, secret) == (self.client_id, self.client_secret)

    # How it listens.

    def start(self) -> Self:
        """On a free port, or on the one that it had."""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                form = dict(parse_qsl(self.rfile.read(length).decode()))
                headers = {name.lower(): value for name, value in self.headers.items()}
                provider.asked.append(Asked(parts.path, headers, form))
                if parts.path in provider.silent:
                    provider._closing.wait()
                    return
                if parts.path in provider.huge:
                    self._flood()
                    return
                found = provider.answer(parts.path, dict(parse_qsl(parts.query)), form, headers)
                if isinstance(found, str):
                    self._send(302, b"", {"Location": found})
                else:
                    self._send(found[0], json.dumps(found[1]).encode(), {"Content-Type": "application/json"})

            do_GET = do_POST = answer  # noqa: N815 (the names that http.server looks for)

            def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _flood(self) -> None:
                self.send_response(200)
                self.end_headers()
                while not provider._closing.is_set():
                    self.wfile.write(b" " * 65536)

            def log_message(self, *_arguments: Any) -> None:
                """Nobody reads it."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_arguments: Any) -> None:
                """A client that goes away is what some tests are about."""

        self._closing.clear()
        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Listen no more; what is silent is let go."""
        self._closing.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
