"""A browser that signs in at a provider: cookies and redirects, followed one by one."""

from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.support.accounts import API, TRUST, Person, unique
from tests.support.hostile_provider import HostileProvider
from tests.support.providers import Provider

LOGIN = "/c/oidc/login"
TOKEN = "X-Harbor-CSRF-Token"


class Visitor:
    """Cookies of one browser."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, verify=TRUST, timeout=60)

    def begin(self, query: str = "") -> str:
        """Set out for the provider: the address of it."""
        answer = self.http.get(LOGIN + query)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def onward(self, provider: Provider | HostileProvider, name: str = "", query: str = "") -> str:
        """Be let in there: the address of ours with the code."""
        page = self.http.get(self.begin(query))
        if isinstance(provider, HostileProvider):
            return page.headers["Location"]
        assert page.status_code in (200, 302), page.text
        if page.status_code == 302:
            if page.headers["Location"].startswith(self.url):
                return page.headers["Location"]  # They were let in there before.
            page = self.http.get(httpx.URL(page.url).join(page.headers["Location"]))
        return provider.pass_through(self.http, page, name)

    def come(self, provider: Provider | HostileProvider, name: str = "", query: str = "") -> httpx.Response:
        """All of it: what the callback answers."""
        return self.http.get(self.onward(provider, name, query))

    def choose(self, username: str) -> httpx.Response:
        """Take a name, over the API."""
        token = self.http.get("/c/log_out").headers[TOKEN]
        return self.http.post("/c/oidc/onboard", json={"username": username}, headers={TOKEN: token})

    @property
    def name(self) -> str | None:
        """Who is signed in."""
        answer = self.http.get(f"{API}/users/current")
        return answer.json()["username"] if answer.status_code == 200 else None

    @property
    def me(self) -> dict:
        """What the API says of who is signed in."""
        answer = self.http.get(f"{API}/users/current")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def person(self) -> Person:
        """Who is signed in, with the secret for docker."""
        me = self.me
        return Person(me["username"], me["oidc_user_meta"]["secret"], me["user_id"])


def problem_of(answer: httpx.Response) -> str:
    """What the page to sign in is told by this answer; "" if it leads elsewhere."""
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    return dict(parse_qsl(parts.query)).get("oidc", "") if parts.path == "/account/sign-in" else ""


def somebody() -> str:
    """A name that no other test has."""
    return unique("visitor")
