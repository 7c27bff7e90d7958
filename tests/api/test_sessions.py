"""Sessions of browsers, CSRF, self-registration and the read-only mode, over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.support.accounts import API, TRUST, Person, api, make_user, unique
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.waiting import eventually
from tests.support.world import REPOSITORY, World

TOKEN = "X-Harbor-CSRF-Token"
SLEEPY = {"X-Harbor-No-Session-Renewal": "true"}
_PASSWORD = "Other-Horse-7-Staple"


class Browser:
    """Keeps cookies, and the last CSRF token, as the portal does."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, verify=TRUST)
        self.token = ""

    def ask(self, method: str, path: str, **arguments) -> httpx.Response:
        headers = {TOKEN: self.token} if self.token else {}
        headers |= arguments.pop("headers", {})
        answer = self.http.request(method, path, headers=headers, **arguments)
        self.token = answer.headers.get(TOKEN, self.token)
        return answer

    def login(self, person: Person) -> httpx.Response:
        form = {"principal": person.name, "password": person.password}
        self.ask("GET", "/c/log_out")
        return self.ask("POST", "/c/login", data=form)

    @property
    def name(self) -> str | None:
        answer = self.ask("GET", f"{API}/users/current")
        return answer.json()["username"] if answer.status_code == 200 else None


@pytest.fixture
def browsers(world: World) -> Iterator[list[Browser]]:
    made = [Browser(world.server.url) for _ in range(2)]
    yield made
    for browser in made:
        browser.http.close()


@pytest.fixture
def browser(browsers: list[Browser]) -> Browser:
    return browsers[0]


@contextmanager
def settings(admin: httpx.Client, **values) -> Iterator[None]:
    """Settings of the running server, put back at the end."""
    before = admin.get("/configurations").json()
    assert admin.put("/configurations", json=values).status_code == 200
    try:
        yield
    finally:
        assert (
            admin.put("/configurations", json={name: before[name]["value"] for name in values}).status_code
            == 200
        )


def errors(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["errors"][0]
    return answer.status_code, error["code"], error["message"]


def test_life_of_a_session(world: World, browser: Browser) -> None:
    person = make_user(world.admin)
    answer = browser.login(person)
    assert (answer.status_code, answer.content) == (200, b"")
    cookie = next(line for line in answer.headers.get_list("Set-Cookie") if line.startswith("sid="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie, "it came by http"
    assert "expires" not in cookie.lower(), "until the browser is closed"
    assert browser.name == person.name
    assert browser.ask("GET", f"{API}/users/current", headers=SLEEPY).status_code == 200

    planted = browser.http.cookies["sid"]
    assert browser.ask("GET", "/c/log_out").status_code == 200
    assert browser.name is None
    browser.http.cookies.set("sid", planted, domain="127.0.0.1")
    assert browser.name is None, "the session is over, not only the cookie"

    log = world.admin.get("/auditlog-exts", params={"q": f"username={person.name}"}).json()
    assert [(row["operation"], row["resource_type"]) for row in log][:2] == [
        ("logout", "user"),
        ("login", "user"),
    ]


def test_wrong_credentials(world: World, browser: Browser) -> None:
    person = make_user(world.admin)
    answer = browser.login(Person(person.name, "Wrong-Horse-9-Battery"))
    assert errors(answer)[:2] == (401, "UNAUTHORIZED")
    assert "sid" not in browser.http.cookies
    assert browser.login(person).status_code == 401, "frozen for a moment, as Basic is"


def test_robots_have_no_sessions(world: World, browser: Browser) -> None:
    assert browser.login(world.people["robot"]).status_code == 401


def test_the_session_is_a_new_one_at_each_login(world: World, browser: Browser) -> None:
    browser.http.cookies.set("sid", "a" * 32, domain="127.0.0.1")
    browser.login(world.people["outsider"])
    first = browser.http.cookies["sid"]
    assert first != "a" * 32
    browser.ask("POST", "/c/login", data={"principal": "admin", "password": world.server.admin_password})
    assert browser.http.cookies["sid"] != first
    assert browser.name == "admin"


def test_over_https_the_cookies_are_for_https_alone(world: World, browser: Browser) -> None:
    """No proxy is trusted here: what an untrusted one says does not count."""
    answer = browser.http.get("/c/log_out", headers={"X-Forwarded-Proto": "https"})
    assert "secure" not in answer.headers["Set-Cookie"].lower()


@pytest.mark.parametrize("end", ["suspend", "password", "delete"])
def test_sessions_end_with_what_they_stand_for(world: World, browsers: list[Browser], end: str) -> None:
    person = make_user(world.admin)
    for browser in browsers:
        browser.login(person)
    assert [browser.name for browser in browsers] == [person.name] * 2
    path = f"/users/{person.id}"
    if end == "suspend":
        world.admin.put(f"{path}/suspended", json={"suspended": True})
    elif end == "password":
        world.admin.put(f"{path}/password", json={"new_password": _PASSWORD})
    else:
        world.admin.delete(path)
    assert [browser.name for browser in browsers] == [None] * 2


def test_changes_by_a_session_need_a_token(world: World, browser: Browser) -> None:
    person = make_user(world.admin)
    browser.login(person)
    path, body = f"{API}/users/{person.id}", {"comment": "by session"}
    for wrong in ({}, {TOKEN: "x"}, {TOKEN: "a" * 64}):
        refused = browser.http.put(path, json=body, headers=wrong)
        assert errors(refused) == (403, "FORBIDDEN", "CSRF token invalid")
    browser.token = refused.headers[TOKEN]
    assert browser.ask("PUT", path, json=body).status_code == 200, "the fresh token is good"
    assert browser.ask("GET", path).json()["comment"] == "by session"
    assert TOKEN in browser.ask("GET", path).headers
    elsewhere = browser.ask("PUT", path, json=body, headers={"Origin": "https://evil.example"})
    assert errors(elsewhere) == (403, "FORBIDDEN", "CSRF token invalid")
    same = browser.ask("PUT", path, json=body, headers={"Origin": world.server.url})
    assert same.status_code == 200


def test_a_token_of_before_the_login_is_no_good_after_it(world: World, browser: Browser) -> None:
    browser.ask("GET", "/c/log_out")
    before = browser.token
    browser.login(world.people["outsider"])
    answer = browser.http.put(f"{API}/users/1", json={}, headers={TOKEN: before})
    assert errors(answer) == (403, "FORBIDDEN", "CSRF token invalid")


def test_a_login_needs_a_token(world: World, browser: Browser) -> None:
    form = {"principal": "admin", "password": world.server.admin_password}
    refused = browser.http.post("/c/login", data=form)
    assert errors(refused) == (403, "FORBIDDEN", "CSRF token invalid")
    with_basic = browser.http.post("/c/login", data=form, auth=world.server.admin.basic)
    assert with_basic.status_code == 403
    assert (
        browser.http.post("/c/login", data=form, headers={TOKEN: refused.headers[TOKEN]}).status_code == 200
    )


def test_basic_needs_no_token(world: World, browser: Browser) -> None:
    person = make_user(world.admin)
    browser.login(world.server.admin)
    body = {"comment": "by password"}
    path = f"{API}/users/{person.id}"
    assert browser.http.put(path, json=body, auth=person.basic).status_code == 200
    # Wrong credentials do not fall back to the session, which would have needed one.
    wrong = browser.http.put(path, json=body, auth=(person.name, "Wrong-Horse-9-Battery"))
    assert wrong.status_code == 401
    assert TOKEN not in httpx.get(f"{world.server.url}{API}/systeminfo", verify=TRUST).headers


def test_user_exists(world: World, browser: Browser) -> None:
    path = "/c/userExists"
    form = {"target": "username", "value": "admin"}
    browser.ask("GET", "/c/log_out")
    assert errors(browser.ask("POST", path, data=form))[:2] == (412, "PRECONDITION")
    as_admin = {"auth": world.server.admin.basic}
    assert browser.http.post(path, data=form, **as_admin).json() is True
    assert browser.http.post(path, data=form | {"value": unique("x")}, **as_admin).json() is False
    assert browser.http.post(path, data=form | {"value": "\x00"}, **as_admin).json() is False
    assert browser.http.post(path, data=form | {"target": "password"}, **as_admin).status_code == 400
    by_mail = {"target": "email", "value": "admin@example.com"}
    assert browser.http.post(path, data=by_mail, **as_admin).json() is True
    with settings(world.admin, self_registration=True):
        assert browser.ask("POST", path, data=form).json() is True


def test_self_registration(world: World) -> None:
    name = unique("self")
    body = {
        "username": name,
        "email": f"{name}@example.com",
        "realname": "Self",
        "password": _PASSWORD,
        "sysadmin_flag": True,
    }
    anonymous, outsider = world.clients["anonymous"], world.clients["outsider"]
    assert anonymous.post("/users", json=body).status_code == 401
    with settings(world.admin, self_registration=True):
        assert outsider.post("/users", json=body).status_code == 403, "who has an account needs no other"
        assert anonymous.post("/users", json=body | {"password": "weak"}).status_code == 400
        assert anonymous.post("/users", json=body).status_code == 201
        assert anonymous.post("/users", json=body).status_code == 409
    with api(world.server.url, Person(name, _PASSWORD)) as own:
        assert own.get("/users/current").json()["sysadmin_flag"] is False
    assert anonymous.post("/users", json=body | {"username": unique("self")}).status_code == 401


def test_projects_for_administrators_alone(world: World) -> None:
    with settings(world.admin, project_creation_restriction="adminonly"):
        refused = world.clients["outsider"].post("/projects", json={"project_name": unique("p")})
        assert errors(refused)[:2] == (403, "FORBIDDEN")
        assert world.admin.post("/projects", json={"project_name": unique("p")}).status_code == 201
    assert world.clients["outsider"].post("/projects", json={"project_name": unique("p")}).status_code == 201


def test_read_only_mode(world: World, browser: Browser) -> None:
    refusal = (403, "DENIED", "The system is in read only mode. Any modification is prohibited.")
    image = make_image()
    repository = f"{world.private}/{unique('ro')}"
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(repository, image, tag="v1")
        with settings(world.admin, read_only=True):
            for identity in ("sysadmin", "anonymous"):
                answer = world.clients[identity].post("/projects", json={"project_name": unique("p")})
                assert errors(answer) == refusal
            assert errors(world.admin.delete(f"/projects/{world.private}")) == refusal
            assert world.admin.get("/projects").status_code == 200
            assert browser.login(world.people["outsider"]).status_code == 200
            assert browser.name == world.people["outsider"].name
            path = f"/v2/{repository}"
            for method, rest in (
                ("POST", "blobs/uploads/"),
                ("PUT", "manifests/v2"),
                ("DELETE", f"manifests/{image.digest}"),
                ("DELETE", f"blobs/{image.config.digest}"),
            ):
                assert errors(client.request(method, f"{path}/{rest}", content=b"")) == refusal, rest
            client.forget_tokens()
            assert client.request("GET", f"{path}/manifests/v1").status_code == 200, "tokens and pulls work"
        assert client.request("DELETE", f"{path}/manifests/{image.digest}").status_code == 202
    assert world.admin.get(
        f"/projects/{world.private}/repositories/{REPOSITORY.replace('/', '%252F')}"
    ).is_success


def test_suspended(world: World) -> None:
    person = make_user(world.admin)
    path = f"/users/{person.id}"
    with api(world.server.url, person) as own, RegistryClient(world.server.url, person) as client:
        assert client.request("GET", "/v2/").status_code == 200
        assert "suspended" not in own.get("/users/current").json()
        for wrong in ({}, {"suspended": None}):
            assert world.admin.put(f"{path}/suspended", json=wrong).status_code == 422
        assert world.admin.put(f"{path}/suspended", json={"suspended": True}).status_code == 200
        assert world.admin.get(path).json()["suspended"] is True
        assert own.get("/users/current").status_code == 401
        assert client.request("GET", "/v2/").status_code == 401, "its token is dead"
        q = f"username={person.name},suspended="
        counts = [world.admin.get("/users", params={"q": q + value}).json() for value in ("true", "false")]
        assert [len(found) for found in counts] == [1, 0]
        assert world.admin.put(f"{path}/suspended", json={"suspended": False}).status_code == 200
        # The name was refused from this address a moment ago, and so is for a second and a half.
        eventually(lambda: own.get("/users/current").status_code == 200)
    log = world.admin.get("/auditlog-exts", params={"q": f"resource={person.name},operation=update"}).json()
    assert [row["operation_description"] for row in log][:2] == ["activate user", "suspend user"]
    for client, identifier in ((world.admin, 1), (world.clients["outsider"], person.id)):
        assert client.put(f"/users/{identifier}/suspended", json={"suspended": True}).status_code == 403
