"""The pages of whoever is signed in: profile, password, access tokens; signing up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import Person, api, make_project, make_user, unique
from tests.support.browsing import SIGN_IN, Browser
from tests.support.world import World

NEW = "Another-Horse-8-Battery"


@pytest.fixture
def person(world: World) -> Person:
    return make_user(world.admin)


@pytest.fixture
def browser(world: World, person: Person) -> Iterator[Browser]:
    """Someone of the test's own, who may do anything to themselves."""
    with Browser(world.server.url, person) as browser:
        yield browser


@pytest.fixture
def self_registration(world: World) -> Iterator[None]:
    assert world.admin.put("/configurations", json={"self_registration": True}).status_code == 200
    yield
    assert world.admin.put("/configurations", json={"self_registration": False}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/account/profile", "/account/password", "/account/access-tokens", "/harbor/about"]
)
def test_visitors_are_led_to_sign_in(browse: Browse, path: str) -> None:
    assert browse("anonymous").open(path).path.startswith(SIGN_IN)
    assert browse("outsider").open(path).status == 200


def test_a_profile_is_changed(world: World, person: Person, browser: Browser) -> None:
    page = browser.open("/account/profile")
    assert f"signed in as {person.name}" in page.text
    email = f"{unique('new')}@example.com"
    page = browser.send(page, realname="Ada", email=email, comment="hello")
    assert "Your profile is changed." in page.text
    user = world.admin.get(f"/users/{person.id}").json()
    assert (user["realname"], user["email"], user["comment"]) == ("Ada", email, "hello")

    page = browser.submit("/account/profile", email="nonsense")
    assert page.status == 400
    assert "the email must be a valid address" in page.text
    page = browser.submit("/account/profile", email=f"{world.people['guest'].name}@example.com")
    assert page.status == 409
    assert world.admin.get(f"/users/{person.id}").json()["email"] == email


def test_a_password_is_changed(world: World, person: Person, browser: Browser) -> None:
    page = browser.open("/account/password")
    assert "At least" in page.text
    page = browser.send(page, old="wrong", password=NEW, again=NEW)
    assert page.status == 403
    assert "the old password is not correct" in page.text
    for name in ("old", "password", "again"):
        assert not page.form().select_one(f"[name={name}]").has_attr("value")
    assert browser.submit("/account/password", old=person.password, password=NEW, again="x").status == 422
    page = browser.submit("/account/password", old=person.password, password="weak", again="weak")
    assert page.status == 400
    assert "the password must have" in page.text

    with Browser(world.server.url, person) as elsewhere:
        page = browser.submit("/account/password", old=person.password, password=NEW, again=NEW)
        assert page.path == "/account/profile"
        assert "Your password is changed." in page.text
        assert elsewhere.open("/account/profile").path.startswith(SIGN_IN)
    assert browser.open("/account/profile").status == 200
    with Browser(world.server.url, Person(person.name, NEW)) as again:
        assert again.open("/account/profile").path == "/account/profile"


def test_an_access_token_lives(world: World, person: Person, browser: Browser) -> None:
    project = make_project(world.admin, public=True)
    page = browser.submit(
        "/account/access-tokens/new",
        label="laptop",
        read_only=True,
        projects=project,
        sources="127.0.0.0/8\r\n::1",
        last_day="2099-12-31",
    )
    assert page.answer.headers["Cache-Control"] == "no-store"
    secret = page.document.select_one("#secret").get_text()
    assert f"docker login --username {person.name} " in page.text
    with api(world.server.url, Person(person.name, secret)) as client:
        assert client.get("/users/current").json()["username"] == person.name
        token = world.admin.get(f"/users/{person.id}/tokens").json()[0]
        assert (token["label"], token["read_only"], token["projects"]) == ("laptop", True, [project])
        assert token["expires_at"] == "2100-01-01T00:00:00.000Z"

        page = browser.open("/account/access-tokens")
        assert "laptop" in page.text
        assert secret not in page.answer.text
        assert secret not in browser.open(f"/account/access-tokens/{token['id']}").answer.text
        page = browser.submit("/account/access-tokens/new", label="laptop")
        assert page.status == 409
        page = browser.submit(f"/account/access-tokens/{token['id']}", label="desktop", read_only=None)
        assert "The token desktop is changed." in page.text
        changed = world.admin.get(f"/users/{person.id}/tokens").json()[0]
        assert (changed["label"], changed["read_only"], changed["projects"]) == ("desktop", False, [project])
        assert changed["expires_at"] == token["expires_at"]

        page = browser.open(f"/account/access-tokens/{token['id']}/revoke")
        assert "cannot be undone" in page.text
        page = browser.send(page)
        assert "The token desktop is revoked." in page.text
        assert client.get("/users/current").status_code == 401
    assert world.admin.get(f"/users/{person.id}/tokens").json() == []


def test_the_end_of_a_token_stays_while_its_day_does(world: World, person: Person, browser: Browser) -> None:
    end = (datetime.now(UTC) + timedelta(days=90)).replace(hour=11, minute=30, second=0, microsecond=0)
    with api(world.server.url, person) as client:
        body = {"label": "noon", "expires_at": end.isoformat()}
        made = client.post("/users/current/tokens", json=body).json()
        browser.submit(f"/account/access-tokens/{made['id']}", label="later")
        token = client.get(f"/users/current/tokens/{made['id']}").json()
        assert (token["label"], token["expires_at"]) == ("later", made["expires_at"])
        browser.submit(f"/account/access-tokens/{made['id']}", last_day="")
        assert client.get(f"/users/current/tokens/{made['id']}").json()["expires_at"].startswith("0001")


def test_bad_tokens_are_told_in_the_form(browser: Browser) -> None:
    for values, status, words in (
        ({"label": "a", "projects": "nowhere"}, 400, "project nowhere not found"),
        ({"label": "a", "sources": "here"}, 400, "is no IPv4 or IPv6 address"),
        ({"label": "a", "last_day": "2001-01-01"}, 400, "must be in the future"),
        ({"label": "a", "last_day": "soon"}, 422, "valid date"),
    ):
        page = browser.submit("/account/access-tokens/new", **values)
        assert page.status == status, page.text
        assert words in page.text
    assert "No access tokens yet" in browser.open("/account/access-tokens").text


def test_tokens_of_others_are_not_there(world: World, browser: Browser) -> None:
    other = make_user(world.admin)
    with api(world.server.url, other) as client:
        made = client.post("/users/current/tokens", json={"label": "mine"}).json()
        path = f"/account/access-tokens/{made['id']}"
        assert browser.open(path).status == 404
        assert browser.post(f"{path}/revoke").status == 404
        assert client.get(f"/users/current/tokens/{made['id']}").status_code == 200


def test_nobody_signs_up_unless_the_setting_allows_it(world: World, browse: Browse) -> None:
    with Browser(world.server.url) as browser:
        assert browser.open("/account/sign-up").status == 404
        browser.open(SIGN_IN)
        name = unique("uninvited")
        page = browser.post(
            "/account/sign-up",
            username=name,
            email=f"{name}@example.com",
            realname="x",
            password=NEW,
            again=NEW,
        )
        assert page.status == 404
        assert "/account/sign-up" not in browser.open(SIGN_IN).links()
    assert name not in browse("sysadmin").open(f"/harbor/users?search={name}").text


@pytest.mark.usefixtures("self_registration")
def test_someone_signs_up_and_in(world: World, browse: Browse) -> None:
    name = unique("self")
    with Browser(world.server.url) as browser:
        assert "/account/sign-up" in browser.open(SIGN_IN).links()
        page = browser.open("/account/sign-up")
        assert "At least" in page.text
        values = {"username": name, "email": f"{name}@example.com", "realname": "Self"}
        assert browser.send(page, **values, password=NEW, again="other").status == 422
        assert browser.send(page, **values, password="weak", again="weak").status == 400
        taken = {**values, "username": world.people["guest"].name}
        assert browser.send(page, **taken, password=NEW, again=NEW).status == 409
        page = browser.send(page, **values, password=NEW, again=NEW)
        assert page.path == SIGN_IN
        assert "Your account is there" in page.text
        assert browser.sign_in(Person(name, NEW)).path == "/harbor/projects"
    user = next(one for one in world.admin.get("/users", params={"q": f"username={name}"}).json())
    assert not user["sysadmin_flag"]
    assert browse("outsider").open("/account/sign-up").status == 404


def test_about_tells_the_versions(browse: Browse) -> None:
    page = browse("guest").open("/harbor/about")
    assert "harbor-py 0.1.0" in page.text
    assert "Apache-2.0" in page.text
    assert "/devcenter-api-2.0" in page.links()
