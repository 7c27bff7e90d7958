"""Two OpenID providers that others have written, run on loopback: oidc-provider-mock and django-oauth-toolkit.

Each is a program of its own, started when a test first needs it. :meth:`Provider.settings` are what an administrator
would enter for it.
"""

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from tests.support.accounts import TRUST
from tests.support.programs import die_with_parent, free_port, kill_session
from tests.support.toolkit_provider import CLIENT_ID, CLIENT_SECRET
from tests.support.waiting import eventually

CALLBACK = "/c/oidc/callback"
SIGN_IN = "/account/sign-in"
_ROOT = Path(__file__).parents[2]


@dataclass
class Provider:
    """What tests need of one. ``issuer`` is as in its tokens."""

    url: str
    http: httpx.Client = field(repr=False)
    issuer: str = ""
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    scope: str = "openid,profile,email,groups"

    def settings(self, **changes: Any) -> dict[str, Any]:
        """For ``PUT /configurations``."""
        return {
            "auth_sources": "local,oidc",
            "oidc_name": "Example",
            "oidc_endpoint": self.issuer,
            "oidc_client_id": self.client_id,
            "oidc_client_secret": self.client_secret,
            "oidc_scope": self.scope,
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

    def allow(self, registry: str) -> None:
        """Register the registry at this URL as the client."""
        raise NotImplementedError

    def put(self, name: str, *, groups: tuple[str, ...] = (), full_name: str = "") -> None:
        """Have somebody, with these groups from now on."""
        raise NotImplementedError

    def end(self, name: str) -> None:
        """Take back what was granted for somebody."""
        raise NotImplementedError

    def pass_through(self, browser: httpx.Client, page: httpx.Response, name: str) -> str:
        """Sign in as ``name`` on the provider's page; the address of ours that the browser is sent to."""
        raise NotImplementedError


class MockProvider(Provider):
    """oidc-provider-mock: any client, its people are who they say; refresh tokens stay the same."""

    def allow(self, registry: str) -> None:
        """Everybody is."""

    def put(self, name: str, *, groups: tuple[str, ...] = (), full_name: str = "") -> None:
        claims = {
            "preferred_username": name,
            "name": full_name or name,
            "email": f"{name}@example.com",
            "groups": list(groups),
        }
        answer = self.http.put(f"/users/{name}", json=claims)
        assert answer.status_code == 204, answer.text

    def end(self, name: str) -> None:
        answer = self.http.post(f"/users/{name}/revoke-tokens")
        assert answer.status_code == 204, answer.text

    def pass_through(self, browser: httpx.Client, page: httpx.Response, name: str) -> str:
        answer = browser.post(page.url, data={"sub": name})
        return answer.headers["Location"]


class ToolkitProvider(Provider):
    """django-oauth-toolkit: strict about clients and PKCE; each refresh token is good for once."""

    def allow(self, registry: str) -> None:
        self._control(client={"redirect": registry + CALLBACK, "back": registry + SIGN_IN})

    def put(self, name: str, *, groups: tuple[str, ...] = (), full_name: str = "") -> None:
        person = {"name": name, "password": name, "full_name": full_name or name, "groups": list(groups)}
        self._control(person=person)

    def end(self, name: str) -> None:
        self._control(end=name)

    def granted(self) -> list[str]:
        """Of whom there are refresh tokens that are good."""
        return self._control()["live"]

    def pass_through(self, browser: httpx.Client, page: httpx.Response, name: str) -> str:
        form = _Form(page.text)
        data = {**form.fields, "username": name, "password": name}
        answer = browser.post(page.url, data=data, headers={"Referer": str(page.url)})
        onward = urljoin(str(page.url), answer.headers["Location"])
        return browser.get(onward).headers["Location"]

    def _control(self, **asked: Any) -> dict[str, Any]:
        answer = self.http.post("/control", json=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()


class _Form(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "input" and known.get("name"):
            self.fields[str(known["name"])] = known.get("value") or ""


@contextmanager
def mock_provider() -> Iterator[MockProvider]:
    """oidc-provider-mock, running."""
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    with _running(command, port) as http:
        url = f"http://127.0.0.1:{port}"
        yield MockProvider(url, http, issuer=url)


@contextmanager
def toolkit_provider() -> Iterator[ToolkitProvider]:
    """django-oauth-toolkit, running."""
    port, folder = free_port(), tempfile.mkdtemp(prefix="provider-")
    try:
        command = [sys.executable, "-m", "tests.support.toolkit_provider", str(port), folder]
        with _running(command, port) as http:
            url = f"http://127.0.0.1:{port}"
            yield ToolkitProvider(url, http, issuer=f"{url}/o")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(command: list[str], port: int) -> Iterator[httpx.Client]:
    process = subprocess.Popen(
        command,
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - it makes one system call
    )
    http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, verify=TRUST)
    try:
        eventually(lambda: _answers(http) or process.poll() is not None)
        assert process.poll() is None, f"{command} ended with {process.returncode}"
        yield http
    finally:
        http.close()
        kill_session(process.pid)
        process.wait()


def _answers(http: httpx.Client) -> bool:
    try:
        http.get("/")
    except httpx.TransportError:
        return False
    return True
