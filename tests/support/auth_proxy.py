"""An authenticating proxy as Harbor expects one: a real HTTP server on loopback with people of its own."""

import base64
import json
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass
class AuthProxy:
    """``people`` by name: password and groups. ``sessions`` are the tokens given out, by whom; taking one away ends it."""

    people: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    is_broken: bool = False
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = proxy.answer(self.path, self.headers.get("Authorization", ""), body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_arguments: Any) -> None:
                """A test shows what it sees."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, authorization: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if self.is_broken:
            return 500, {"error": "broken"}
        if path == "/login":
            name, _, password = base64.b64decode(authorization.partition(" ")[2]).decode().partition(":")
            if self.people.get(name.lower(), ("", []))[0] != password or not password:
                return 401, {"error": "no"}
            token = secrets.token_urlsafe(24)
            self.sessions[token] = name.lower()
            return 200, {"session_id": token}
        token = json.loads(body)["spec"]["token"]
        name = self.sessions.get(token, "")
        if name not in self.people:
            return 200, {"status": {"authenticated": False, "error": "unknown token"}}
        user = {"username": name, "groups": self.people[name][1]}
        return 200, {"status": {"authenticated": True, "user": user}}
