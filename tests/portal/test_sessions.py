"""Signing in and out in the portal, language and theme, and what errors look like."""

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import Person, make_user
from tests.support.browsing import SIGN_IN, Browser
from tests.support.world import World


def test_someone_signs_in_and_out(world: World) -> None:
    person = make_user(world.admin)
    with Browser(world.server.url) as browser:
        page = browser.sign_in(person)
        assert (page.status, page.path, page.title) == (200, "/harbor/projects", "Projects")
        assert person.name in page.document.find("header").get_text()
        cookie = next(one for one in browser.client.cookies.jar if one.name == "sid")
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert browser.open(SIGN_IN).path == "/harbor/projects"

        page = browser.send(page, "header form[action='/account/sign-out']")
        assert page.path == SIGN_IN
        assert browser.open("/account/profile").path.startswith(SIGN_IN)
        browser.client.cookies.set("sid", cookie.value or "")
        assert browser.open("/account/profile").path.startswith(SIGN_IN)


def test_a_wrong_password_says_so_and_opens_nothing(world: World) -> None:
    person = make_user(world.admin)
    with Browser(world.server.url) as browser:
        page = browser.sign_in(Person(person.name, "wrong"))
        assert (page.status, page.path) == (401, SIGN_IN)
        assert "User name or password is wrong." in page.text
        assert "wrong" not in str(page.form().select_one("[name=password]"))
        assert "sid" not in browser.client.cookies


def test_signing_in_leads_to_where_one_was_going(world: World) -> None:
    person = make_user(world.admin)
    with Browser(world.server.url) as browser:
        page = browser.open("/account/profile")
        assert page.path == f"{SIGN_IN}?next=%2Faccount%2Fprofile"
        page = browser.send(page, username=person.name, password=person.password)
        assert page.path == "/account/profile"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_to_no_other_site(world: World, elsewhere: str) -> None:
    person = make_user(world.admin)
    with Browser(world.server.url) as browser:
        page = browser.open(SIGN_IN)
        page = browser.send(page, username=person.name, password=person.password, next=elsewhere)
        assert str(page.answer.url) == f"{world.server.url}/harbor/projects"


def test_forms_need_their_token(world: World) -> None:
    with Browser(world.server.url, make_user(world.admin)) as browser:
        answer = browser.client.post("/account/sign-out", data={})
        assert answer.status_code == 403
        assert "load the page again" in answer.text
        assert browser.open("/account/profile").path == "/account/profile"
        other = browser.client.post(
            "/account/theme",
            data={"theme": "dark", "csrfmiddlewaretoken": browser.client.cookies["_harbor_csrf"]},
            headers={"Origin": "https://evil.example"},
        )
        assert other.status_code == 403


def test_a_form_with_files_is_not_looked_into(world: World) -> None:
    with Browser(world.server.url) as browser:
        browser.open(SIGN_IN)
        token = browser.client.cookies["_harbor_csrf"]
        answer = browser.client.post(
            SIGN_IN, files={"file": b"x" * 1000}, data={"csrfmiddlewaretoken": token}
        )
        assert answer.status_code == 403


def test_language_and_theme_are_kept(world: World) -> None:
    with Browser(world.server.url) as browser:
        page = browser.open("/harbor/projects?visibility=public")
        assert page.document.html["lang"] == "en"
        page = browser.send(page, "form[action='/account/language']", button="zh-hans")
        assert page.path == "/harbor/projects?visibility=public"
        assert page.document.html["lang"] == "zh-hans"
        page = browser.send(page, "form[action='/account/theme']")
        assert page.document.html["data-bs-theme"] == "dark"
        page = browser.send(page, "form[action='/account/theme']")
        assert page.document.html["data-bs-theme"] == "light"
        assert browser.post("/account/theme", theme="pink").status == 400
        assert browser.post("/account/language", language="xx").status == 400


def test_the_language_is_the_browsers_until_one_is_chosen(world: World) -> None:
    with Browser(world.server.url, language="zh-CN,zh;q=0.9,en;q=0.5") as browser:
        assert browser.open(SIGN_IN).document.html["lang"] == "zh-hans"


def test_what_is_not_there_is_told_with_the_request_id(browse: Browse) -> None:
    page = browse("developer").open("/harbor/nowhere")
    assert page.status == 404
    assert page.title == "There is nothing here"
    assert page.answer.headers["X-Request-Id"] in page.text
    assert "errors" in browse("developer").client.get("/api/v2.0/nowhere").json()


def test_pages_bring_no_script_and_stay_out_of_frames_and_caches(browse: Browse) -> None:
    for identity, path in (("anonymous", SIGN_IN), ("sysadmin", "/harbor/projects"), ("anonymous", "/x")):
        page = browse(identity).open(path)
        policy = page.answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.answer.headers["X-Frame-Options"] == "DENY"
        assert page.answer.headers["Cache-Control"] == "no-store"
        assert not page.has("script:not([src]):not([type='application/json'])")
        assert not page.has("[style], [onclick]")


def test_basic_credentials_open_no_page(world: World) -> None:
    """A browser keeps those of a site and sends them by itself, from a page of another site too."""
    with Browser(world.server.url) as browser:
        answer = browser.client.get("/account/profile", auth=world.server.admin.basic)
        assert answer.url.path == SIGN_IN
