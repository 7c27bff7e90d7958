"""A provider that lies, and people who play with what is sent back and forth."""

import ssl
import time
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import trustme

from tests.oidc.visiting import LOGIN, Visitor, problem_of
from tests.support.hostile_provider import HostileProvider
from tests.support.receiver import Receiver
from tests.support.settings import changed_settings
from tests.support.world import World

Visitors = Callable[[], Visitor]
_NOW = int(time.time())

_LIES = {
    "issuer": {"iss": "https://accounts.example"},
    "no issuer": {"iss": None},
    "audience": {"aud": "somebody-else"},
    "no audience": {"aud": None},
    "audiences without azp": {"aud": ["harbor", "other"]},
    "azp": {"aud": ["harbor", "other"], "azp": "other"},
    "expired": {"exp": _NOW - 3600, "iat": _NOW - 7200},
    "endless": {"exp": None},
    "not yet": {"nbf": _NOW + 3600},
    "nonce": {"nonce": "of-another-sign-in"},
    "no nonce": {"nonce": None},
    "nobody": {"sub": ""},
    "no subject": {"sub": None},
    "a number": {"sub": 42},
    "an event": {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
}


@pytest.fixture
def enabled(world: World, hostile: HostileProvider):
    with changed_settings(world.admin, **hostile.settings()):
        yield


@pytest.mark.usefixtures("enabled")
class TestTokens:
    @pytest.mark.parametrize("lie", _LIES)
    def test_claims(self, hostile: HostileProvider, visitor: Visitors, lie: str) -> None:
        browser = visitor()
        hostile.claims = dict(_LIES[lie])
        assert problem_of(browser.come(hostile)) == "refused"
        assert browser.name is None
        # It was the lie that was refused.
        hostile.claims = {}
        assert problem_of(browser.come(hostile)) == ""
        assert browser.name == f"person-{hostile.subject}"

    @pytest.mark.parametrize("signed", ["none", "HS256", "other"])
    def test_signatures(self, hostile: HostileProvider, visitor: Visitors, signed: str) -> None:
        browser = visitor()
        hostile.signed = signed
        assert problem_of(browser.come(hostile)) == "refused"
        assert browser.name is None
        # As a bearer neither.
        token = hostile.identity_token()
        assert browser.http.get("/api/v2.0/users/current", headers=_bearer(token)).status_code == 401

    def test_keys_that_change(self, hostile: HostileProvider, visitor: Visitors) -> None:
        browser = visitor()
        assert problem_of(browser.come(hostile)) == ""
        before = hostile.identity_token()
        hostile.rotate()
        assert problem_of(browser.come(hostile)) == ""
        token = hostile.identity_token()
        assert browser.http.get("/api/v2.0/users/current", headers=_bearer(token)).status_code == 200
        # The old key is good no longer, where the new ones are known.
        hostile.key_name, hostile.claims = "unknown", {}
        assert browser.http.get("/api/v2.0/users/current", headers=_bearer(before + "x")).status_code == 401

    def test_userinfo_of_somebody_else(self, hostile: HostileProvider, visitor: Visitors) -> None:
        browser = visitor()
        hostile.person = {"sub": "somebody-else", "preferred_username": "admin"}
        assert problem_of(browser.come(hostile)) == "refused"
        assert browser.name is None

    def test_several_audiences_with_azp(self, hostile: HostileProvider, visitor: Visitors) -> None:
        hostile.claims = {"aud": ["harbor", "other"], "azp": "harbor"}
        assert problem_of(visitor().come(hostile)) == ""

    def test_the_name_of_the_administrator(
        self, world: World, hostile: HostileProvider, visitor: Visitors
    ) -> None:
        browser = visitor()
        hostile.claims = {"preferred_username": "admin"}
        assert browser.come(hostile).headers["Location"].startswith("/oidc-onboard")
        assert browser.choose("admin").status_code == 409
        assert browser.choose("Admin ").status_code == 400
        assert world.admin.get("/users/current").json()["username"] == "admin"

    @pytest.mark.parametrize("name", ["a,b", "robot$x", "x" * 300, "\x00", ""])
    def test_names_that_cannot_be(self, hostile: HostileProvider, visitor: Visitors, name: str) -> None:
        browser = visitor()
        hostile.claims = {"preferred_username": name}
        answer = browser.come(hostile)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/oidc-onboard")
        assert browser.name is None

    @pytest.mark.parametrize(
        "groups", [{"a": 1}, 7, [None, 3, ["x"], {}], "g" * 5000, ["g" * 5000], [""], ["\x00", "a\nb"]]
    )
    def test_groups_that_are_none(self, hostile: HostileProvider, visitor: Visitors, groups: object) -> None:
        browser = visitor()
        hostile.claims = {"groups": groups}
        assert problem_of(browser.come(hostile)) == ""
        assert browser.name == f"person-{hostile.subject}"


def test_a_filter_of_groups_takes_no_time(world: World, hostile: HostileProvider, visitor: Visitors) -> None:
    hostile.person = {"groups": [f"{'a' * 200}!{number}" for number in range(1000)]}
    browser = visitor()
    with changed_settings(world.admin, **hostile.settings(oidc_group_filter="^(a+)+$")):
        started = time.monotonic()
        assert problem_of(browser.come(hostile)) == ""
        assert time.monotonic() - started < 20


def test_a_filter_that_cannot_be_read_is_refused(world: World) -> None:
    answer = world.admin.put("/configurations", json={"oidc_group_filter": "("})
    assert answer.status_code == 400
    assert "oidc_group_filter" in answer.text


@pytest.mark.usefixtures("enabled")
class TestTheWay:
    def test_a_code_is_good_once(self, hostile: HostileProvider, visitor: Visitors) -> None:
        browser = visitor()
        place = browser.onward(hostile)
        assert problem_of(browser.http.get(place)) == ""
        browser.http.get("/c/log_out")
        assert problem_of(browser.http.get(place)) == "refused"
        assert browser.name is None

    def test_a_code_that_was_used_before(self, hostile: HostileProvider, visitor: Visitors) -> None:
        browser = visitor()
        used = browser.onward(hostile)
        browser.http.get(used)
        browser.http.get("/c/log_out")
        fresh = dict(parse_qsl(urlsplit(browser.onward(hostile)).query))
        code = dict(parse_qsl(urlsplit(used).query))["code"]
        answer = browser.http.get("/c/oidc/callback", params={**fresh, "code": code})
        assert problem_of(answer) == "refused"
        assert browser.name is None

    def test_of_another_browser(self, hostile: HostileProvider, visitor: Visitors) -> None:
        """An attacker's answer is worth nothing in the browser of somebody else, who would work in their account."""
        attacker, victim, bystander = visitor(), visitor(), visitor()
        place = attacker.onward(hostile)
        assert problem_of(victim.http.get(place)) == "refused"
        bystander.begin()
        assert problem_of(bystander.http.get(place)) == "refused"
        assert victim.name is bystander.name is None

    def test_a_code_of_another_sign_in(self, hostile: HostileProvider, visitor: Visitors) -> None:
        """Put under one's own state: the nonce and the proof of PKCE are not of it."""
        stolen = dict(parse_qsl(urlsplit(visitor().onward(hostile)).query))["code"]
        attacker = visitor()
        own = dict(parse_qsl(urlsplit(attacker.onward(hostile)).query))
        answer = attacker.http.get("/c/oidc/callback", params={**own, "code": stolen})
        assert problem_of(answer) == "refused"
        assert attacker.name is None

    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"code": "x"},
            {"state": "x"},
            {"code": "x", "state": "y"},
            {"error": "server_error", "state": "x"},
            {"code": "x" * 5000, "state": "\x00"},
        ],
    )
    def test_nonsense(self, hostile: HostileProvider, visitor: Visitors, query: dict[str, str]) -> None:
        browser = visitor()
        browser.begin()
        assert problem_of(browser.http.get("/c/oidc/callback", params=query)) == "refused"

    def test_told_no(self, hostile: HostileProvider, visitor: Visitors) -> None:
        browser = visitor()
        state = dict(parse_qsl(urlsplit(browser.begin()).query))["state"]
        query = urlencode({"error": "access_denied", "state": state})
        assert problem_of(browser.http.get(f"/c/oidc/callback?{query}")) == "denied"
        # The state is used up.
        query = urlencode({"code": "x", "state": state})
        assert problem_of(browser.http.get(f"/c/oidc/callback?{query}")) == "refused"

    def test_an_answer_of_another_provider(self, hostile: HostileProvider, visitor: Visitors) -> None:
        browser = visitor()
        place = browser.onward(hostile)
        assert problem_of(browser.http.get(f"{place}&iss=https://evil.example")) == "refused"
        place = browser.onward(hostile)
        assert problem_of(browser.http.get(f"{place}&{urlencode({'iss': hostile.issuer})}")) == ""

    def test_asked_anew(self, hostile: HostileProvider, visitor: Visitors) -> None:
        """Before something dangerous: a provider that lets them in as it did yesterday has not asked."""
        browser = visitor()
        query = dict(parse_qsl(urlsplit(browser.begin("?confirm=1")).query))
        assert (query["prompt"], query["max_age"]) == ("login", "0")
        hostile.claims = {"auth_time": _NOW - 86400}
        assert problem_of(browser.come(hostile, query="?confirm=1")) == "refused"
        assert problem_of(browser.come(hostile)) == ""
        hostile.claims = {"auth_time": int(time.time())}
        assert problem_of(browser.come(hostile, query="?confirm=1")) == ""

    def test_two_tabs(self, hostile: HostileProvider, visitor: Visitors) -> None:
        browser = visitor()
        first = browser.onward(hostile)
        browser.begin()
        assert problem_of(browser.http.get(first)) == ""


class TestTrouble:
    """``unreachable`` for the visitor; the log says more."""

    def try_it(self, world: World, hostile: HostileProvider, browser: Visitor, **changes: object) -> str:
        with changed_settings(world.admin, **hostile.settings(**changes)):
            answer = browser.http.get(LOGIN)
            if answer.status_code == 302 and answer.headers["Location"].startswith(hostile.issuer):
                answer = browser.http.get(browser.http.get(answer.headers["Location"]).headers["Location"])
            return problem_of(answer)

    @pytest.mark.parametrize(
        "document",
        [
            {"issuer": "https://accounts.example"},
            {"authorization_endpoint": None},
            {"token_endpoint": None},
            {"jwks_uri": None},
            {"authorization_endpoint": "javascript:alert(1)"},
            {"token_endpoint": "http://10.0.0.1/token"},
            {"token_endpoint": "http://accounts.example/token"},
        ],
    )
    def test_discovery(
        self, world: World, hostile: HostileProvider, visitor: Visitors, document: dict
    ) -> None:
        hostile.document = document
        assert self.try_it(world, hostile, visitor()) == "unreachable"
        assert hostile.asked_for("/token") == []

    @pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
    def test_without_end(self, world: World, hostile: HostileProvider, visitor: Visitors, path: str) -> None:
        hostile.huge = {path}
        assert self.try_it(world, hostile, visitor()) == "unreachable"

    @pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token"])
    def test_without_an_answer(
        self, world: World, hostile: HostileProvider, visitor: Visitors, path: str
    ) -> None:
        hostile.silent = {path}
        started = time.monotonic()
        assert self.try_it(world, hostile, visitor()) == "unreachable"
        assert time.monotonic() - started < 30

    @pytest.mark.parametrize("refusal", [(500, ""), (401, "invalid_client"), (400, "invalid_request")])
    def test_no_tokens(
        self, world: World, hostile: HostileProvider, visitor: Visitors, refusal: tuple[int, str]
    ) -> None:
        hostile.refuse = refusal
        assert self.try_it(world, hostile, visitor()) == "unreachable"

    def test_without_userinfo_the_id_token_suffices(
        self, world: World, hostile: HostileProvider, visitor: Visitors
    ) -> None:
        hostile.person = None
        assert self.try_it(world, hostile, visitor()) == ""

    def test_a_wrong_password_of_the_client(
        self, world: World, hostile: HostileProvider, visitor: Visitors
    ) -> None:
        assert self.try_it(world, hostile, visitor(), oidc_client_secret="wrong") == "unreachable"

    def test_a_client_without_a_password_in_the_header(
        self, world: World, hostile: HostileProvider, visitor: Visitors
    ) -> None:
        hostile.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
        assert self.try_it(world, hostile, visitor()) == ""
        (asked,) = hostile.asked_for("/token")
        assert "authorization" not in asked.headers
        assert asked.form["client_secret"] == hostile.client_secret

    def test_the_administrator_comes_in_whatever_happens(
        self, world: World, hostile: HostileProvider
    ) -> None:
        with changed_settings(world.admin, **hostile.settings(auth_sources="oidc")):
            hostile.stop()
            assert world.admin.get("/users/current").status_code == 200


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, ""),
        ({"issuer": "https://accounts.example"}, "names another issuer"),
        ({"jwks_uri": None}, "jwks_uri"),
        ({"token_endpoint": None}, "token_endpoint"),
        ({"authorization_endpoint": "http://accounts.example/"}, "https"),
    ],
)
def test_ping(world: World, hostile: HostileProvider, document: dict, says: str) -> None:
    hostile.document = document
    body = {"url": hostile.issuer, "verify_cert": True}
    answer = world.admin.post("/system/oidc/ping", json=body)
    assert answer.status_code == (400 if says else 200), answer.text
    assert says in answer.text


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "missing"),
        ("accounts.example", "must begin with http"),
        ("https://no-such-name.invalid", "cannot be resolved"),
        ("http://127.0.0.1:1", "no connection"),
        ("http://user:pass@127.0.0.1:1", "must not have a name or a password"),
        ("{harbor}", "answered 404"),
    ],
)
def test_ping_says_what_is_wrong(world: World, url: str, says: str) -> None:
    body = {"url": url.format(harbor=world.server.url), "verify_cert": True}
    answer = world.admin.post("/system/oidc/ping", json=body)
    assert answer.status_code == 400
    assert says in answer.json()["errors"][0]["message"], answer.text


def test_ping_of_something_else(world: World) -> None:
    with Receiver() as receiver:
        answer = world.admin.post("/system/oidc/ping", json={"url": receiver.url})
    assert answer.status_code == 400
    assert "sent no JSON" in answer.text


def test_ping_looks_at_the_certificate(world: World) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with Receiver(tls=context) as receiver:
        body = {"url": receiver.url, "verify_cert": True}
        answer = world.admin.post("/system/oidc/ping", json=body)
        assert answer.status_code == 400
        assert "certificate" in answer.text
        answer = world.admin.post("/system/oidc/ping", json={**body, "verify_cert": False})
        assert "sent no JSON" in answer.text


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
