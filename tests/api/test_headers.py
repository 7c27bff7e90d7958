"""What every answer tells browsers about itself, on every route of the security matrix and of the portal."""

import httpx
import pytest

from tests.api.security_matrix import ROWS
from tests.api.test_security_matrix import _path
from tests.support.accounts import TRUST
from tests.support.portal_pages import PAGES, Kind
from tests.support.server import HarborServer
from tests.support.world import World

_HEADERS = {
    "X-Frame-Options": {"DENY"},
    "X-Content-Type-Options": {"nosniff"},
    "Referrer-Policy": {"same-origin", "no-referrer"},
}


def _wrong(answer: httpx.Response) -> dict[str, str | None]:
    found = {name: answer.headers.get(name) for name in _HEADERS}
    return {name: value for name, value in found.items() if value not in _HEADERS[name]}


def test_no_answer_of_the_api_may_be_framed_or_guessed_at(world: World) -> None:
    found = {}
    for row in ROWS:
        path = _path(world, row)
        base = world.server.url if path.startswith("/") else f"{world.server.url}/api/"
        # Nobody and somebody: what is refused has them too. Only reads: the other methods are refused before.
        for identity in ("anonymous", "outsider"):
            answer = world.clients[identity].get(f"{base}{path}")
            if wrong := _wrong(answer):
                found[row.route, identity] = wrong
            assert "Strict-Transport-Security" not in answer.headers, "it came by http"
    assert found == {}


def test_no_page_may_be_framed(world: World) -> None:
    """Those of anybody, the ones that lead to the page to sign in, and files."""
    paths = [page.template for page in PAGES if "{" not in page.template and page.kind is not Kind.WRITE]
    paths += ["/harbor/nowhere", "/static/portal/portal.js", "/static/portal/nothing.js"]
    assert len(paths) > 30
    found = {}
    for path in paths:
        answer = httpx.get(f"{world.server.url}{path}", verify=TRUST)
        if wrong := _wrong(answer):
            found[path] = wrong
        if answer.headers.get("Content-Type", "").startswith("text/html") and answer.status_code == 200:
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path
    assert found == {}


@pytest.mark.parametrize("path", ["/v2/", "/v2/_catalog", "/v2/a/b/manifests/x", "/service/token"])
def test_nobody_guesses_what_the_registry_sends(world: World, path: str) -> None:
    answer = httpx.get(f"{world.server.url}{path}", verify=TRUST)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_over_https_browsers_are_told_to_stay_there_and_cookies_are_secure() -> None:
    with (
        HarborServer({"HARBOR_TRUSTED_PROXIES": "127.0.0.1", "HARBOR_WORKERS": "1"}) as server,
        httpx.Client(
            base_url=server.url, headers={"X-Forwarded-Proto": "https"}, verify=TRUST, follow_redirects=False
        ) as client,
    ):
        for path in ("/account/sign-in", "/api/v2.0/systeminfo", "/static/portal/portal.js"):
            assert client.get(path).headers["Strict-Transport-Security"] == "max-age=31536000"
        token = client.get("/c/log_out").headers["X-Harbor-CSRF-Token"]
        # The cookie with the token is for https, which this client does not speak.
        csrf = {"Cookie": f"_harbor_csrf={token}", "Origin": server.url.replace("http:", "https:")}
        form = {"principal": "admin", "password": server.admin_password}
        answer = client.post("/c/login", data=form, headers={"X-Harbor-CSRF-Token": token, **csrf})
        assert answer.status_code == 200, answer.text
        cookies = {line.partition("=")[0]: line for line in answer.headers.get_list("Set-Cookie")}
        assert {"sid", "harbor-device", "_harbor_csrf"} <= cookies.keys()
        for name, line in cookies.items():
            assert "Secure" in line, name
            assert "HttpOnly" in line, name
            assert "SameSite=" in line, name
