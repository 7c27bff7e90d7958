"""A real issuer of tokens: an HTTP server with a discovery document and keys, which the test turns over."""

import json
import secrets
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms
from jwt.api_jws import PyJWS

DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/keys"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def private_key(algorithm: str) -> PrivateKey:
    """A new key of this algorithm."""
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
    if algorithm in curves:
        return ec.generate_private_key(curves[algorithm]())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class SigningKey:
    """One key of an issuer; ``kid`` is its name in the key set."""

    algorithm: str
    key: PrivateKey
    kid: str

    @property
    def public(self) -> dict[str, Any]:
        """As the key set has it."""
        jwk = get_default_algorithms()[self.algorithm].to_jwk(self.key.public_key(), as_dict=True)
        return {**jwk, "kid": self.kid, "use": "sig", "alg": self.algorithm}


@dataclass
class Issuer:
    """Listens on a loopback address from ``with`` on, and can be stopped and started again on its port.

    ``answers`` by path take the place of what it would answer; ``asked`` are the paths that were asked for.
    """

    algorithm: str = "ES256"
    path: str = ""
    tls: ssl.SSLContext | None = None
    port: int = 0
    keys: list[SigningKey] = field(default_factory=list)
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}{self.path}"

    def rotate(self, *, keep: bool = False, algorithm: str = "") -> SigningKey:
        """Sign with a new key from now on; ``keep`` leaves the ones before in the key set."""
        algorithm = algorithm or self.algorithm
        key = SigningKey(algorithm, private_key(algorithm), secrets.token_hex(8))
        self.keys = [key, *(self.keys if keep else [])]
        return key

    def token(
        self,
        *,
        key: SigningKey | None = None,
        headers: Mapping[str, Any] | None = None,
        life: float = 300,
        **claims: Any,
    ) -> str:
        """A token with these claims, and those that every token has; a claim that is None is left out."""
        key = key or self.keys[0]
        now = int(time.time())
        every = {"iss": self.url, "iat": now, "nbf": now, "exp": int(now + life), "jti": secrets.token_hex(8)}
        written = {name: value for name, value in {**every, **claims}.items() if value is not None}
        # Below jwt.encode, which signs no nonsense.
        text, names = json.dumps(written).encode(), {"kid": key.kid, **(headers or {})}
        return PyJWS().encode(text, key.key, algorithm=key.algorithm, headers=names)

    def document(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}{KEYS}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.algorithm],
        }

    def key_set(self) -> dict[str, Any]:
        """The key set."""
        return {"keys": [key.public for key in self.keys]}

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and body for a path."""
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]
        pages = {f"{self.path}{DISCOVERY}": self.document, f"{self.path}{KEYS}": self.key_set}
        if path not in pages:
            return 404, b"{}"
        return 200, json.dumps(pages[path]()).encode()

    def start(self) -> Self:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = issuer.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                """A test looks at what was asked."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_arguments: Any) -> None:
                """A client that does not like the certificate is what some tests are about."""

        server = Server(("127.0.0.1", self.port), Handler)
        if self.tls is not None:
            server.socket = self.tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = server.server_address[1]
        self._server = server
        if not self.keys:
            self.rotate()
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()
