"""Sessions that people see and end, and the password again before something dangerous, on a server of its own."""

from collections.abc import Iterator

import httpx
import pytest
from django.contrib.sessions.serializers import JSONSerializer
from django.core import signing

from apps.accounts.sessions import session_key_hash
from tests.support.accounts import API, Person, api, make_project, make_robot, make_user
from tests.support.browsing import SIGN_IN, Browser
from tests.support.server import HarborServer
from tests.support.services import PostgreSQL
from tests.support.waiting import eventually

CONFIRM = "/account/confirm"
WRONG = "Battery-Staple-2"


@pytest.fixture(scope="module", params=["embedded", "postgres"])
def careful(request: pytest.FixtureRequest) -> Iterator[HarborServer]:
    """A server that asks for the password again after a minute."""
    settings = {"HARBOR_REAUTHENTICATION_MINUTES": "1", "HARBOR_WORKERS": "1"}
    if request.param == "postgres":
        database: PostgreSQL = request.getfixturevalue("postgresql")
        settings["HARBOR_DATABASE_URL"] = database.create_database()
    with HarborServer(settings) as server:
        yield server


@pytest.fixture
def admin(careful: HarborServer) -> Iterator[httpx.Client]:
    with api(careful.url, careful.admin) as client:
        yield client


@pytest.fixture
def browser(careful: HarborServer) -> Iterator[Browser]:
    with Browser(careful.url, careful.admin) as browser:
        yield browser


def grow_old(server: HarborServer, browser: Browser) -> None:
    """Let the session have given its password an hour ago."""
    row = session_key_hash(browser.client.cookies["sid"])
    key = (server.data_dir / "secrets/secret-key").read_text("ascii").strip()
    options: dict = {"key": key, "salt": "django.contrib.sessions.SessionStore", "serializer": JSONSerializer}
    (data,) = server.query(f"SELECT session_data FROM django_session WHERE session_key = '{row}'")
    session = signing.loads(data, **options)
    session["confirmed"] -= 3600
    changed = signing.dumps(session, compress=True, **options)
    server.query(f"UPDATE django_session SET session_data = '{changed}' WHERE session_key = '{row}'")


def dangerous_paths(admin: httpx.Client, person: Person) -> list[str]:
    project = make_project(admin)
    robot = make_robot(admin, project=project, actions=("pull",))
    number = admin.get(f"/projects/{project}").json()["project_id"]
    of_person = f"/harbor/users/{person.id}"
    changes = (
        "make-admin",
        "unmake-admin",
        "make-auditor",
        "unmake-auditor",
        "suspend",
        "delete",
        "password",
    )
    return [
        *(f"{of_person}/{change}" for change in changes),
        f"/harbor/projects/{number}/delete",
        f"/harbor/projects/{number}/robots/{robot.id}/secret",
    ]


def test_dangerous_pages_ask_for_the_password_and_go_on(
    careful: HarborServer, admin: httpx.Client, browser: Browser
) -> None:
    person = make_user(admin)
    paths = dangerous_paths(admin, person)
    for path in paths:
        assert browser.open(path).path == path, "not so soon after signing in"
    grow_old(careful, browser)
    for path in paths:
        asked = browser.open(path)
        assert asked.path.startswith(f"{CONFIRM}?next="), path
        assert browser.post(path).path.startswith(f"{CONFIRM}?next="), path
    assert admin.get(f"/users/{person.id}").status_code == 200, "nothing was done"


def test_the_password_is_checked_and_nothing_is_sent_twice(
    careful: HarborServer, admin: httpx.Client
) -> None:
    """By somebody whose wrong password disturbs no other test."""
    boss, person = make_user(admin), make_user(admin)
    admin.put(f"/users/{boss.id}/sysadmin", json={"sysadmin_flag": True})
    path = f"/harbor/users/{person.id}/make-admin"
    with Browser(careful.url, boss) as browser:
        grow_old(careful, browser)
        asked = browser.open(path)
        refused = browser.send(asked, password=WRONG)
        assert (refused.status, "The password is wrong." in refused.text) == (401, True)
        # The name may be frozen for a moment now.
        shown = eventually(
            lambda: browser.send(asked, password=boss.password), lambda page: page.status == 200
        )
        assert shown.path == path, "the form, which was not sent"
        assert not admin.get(f"/users/{person.id}").json()["sysadmin_flag"]
        assert "is a system administrator now" in browser.send(shown).answer.text
    query = {"q": f"operation=confirm,username={boss.name}"}
    (row,) = admin.get("/auditlog-exts", params=query).json()
    assert row["operation_description"] == f"confirm password: {boss.name}"
    assert row["operation_result"] is True


def test_settings_are_shown_and_not_changed(
    careful: HarborServer, admin: httpx.Client, browser: Browser
) -> None:
    path = "/harbor/system-settings"
    assert browser.open(path).has("main form[method=post]")
    grow_old(careful, browser)
    page = browser.open(path)
    assert page.path == path
    assert not page.has("main form[method=post]")
    (link,) = [link for link in page.links() if link.startswith(CONFIRM)]
    before = admin.get("/configurations").json()
    assert browser.post(path).path.startswith(CONFIRM)
    assert admin.get("/configurations").json() == before
    assert browser.submit(link, password=careful.admin_password).has("main form[method=post]")


def test_it_leads_nowhere_else(careful: HarborServer, browser: Browser) -> None:
    assert browser.open(f"{CONFIRM}?next=/harbor/about").path == "/harbor/about", "nothing to ask"
    grow_old(careful, browser)
    for elsewhere in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", ""):
        grow_old(careful, browser)
        page = browser.submit(f"{CONFIRM}?next={elsewhere}", password=careful.admin_password)
        assert page.answer.url.host == "127.0.0.1"
        assert page.path == "/harbor/projects"


def test_the_api_refuses_sessions_that_are_old(
    careful: HarborServer, admin: httpx.Client, browser: Browser
) -> None:
    person = make_user(admin)
    project = make_project(admin)
    robot = make_robot(admin, project=project, actions=("pull",))
    calls = [
        ("PUT", f"/users/{person.id}/sysadmin", {"sysadmin_flag": True}),
        ("PUT", f"/users/{person.id}/auditor", {"auditor_flag": True}),
        ("PUT", f"/users/{person.id}/password", {"new_password": "Other-Horse-7-Staple"}),
        ("DELETE", f"/users/{person.id}", None),
        ("DELETE", f"/projects/{project}", None),
        ("PUT", "/configurations", {"session_timeout": 60}),
        ("PATCH", f"/robots/{robot.id}", {}),
    ]
    grow_old(careful, browser)
    token = browser.client.get(f"{API}/users/current").headers["X-Harbor-CSRF-Token"]
    for method, path, body in calls:
        answer = browser.client.request(
            method, f"{API}{path}", json=body, headers={"X-Harbor-CSRF-Token": token}
        )
        assert answer.status_code == 403, path
        assert answer.json()["errors"][0]["code"] == "PASSWORD_CONFIRMATION_REQUIRED"
    assert admin.get(f"/users/{person.id}").json()["username"] == person.name
    browser.submit(CONFIRM, password=careful.admin_password)
    token = browser.client.get(f"{API}/users/current").headers["X-Harbor-CSRF-Token"]
    for method, path, body in sorted(calls, key=lambda call: call[0] == "DELETE"):
        answer = browser.client.request(
            method, f"{API}{path}", json=body, headers={"X-Harbor-CSRF-Token": token}
        )
        assert answer.status_code == 200, (path, answer.text)


def test_people_see_their_sessions_and_end_them(careful: HarborServer, admin: httpx.Client) -> None:
    person = make_user(admin)
    with (
        Browser(careful.url, person) as here,
        Browser(careful.url, person) as there,
        Browser(careful.url) as third,
    ):
        third.client.headers["User-Agent"] = "Third/1.0"
        third.sign_in(person)
        page = here.open("/account/sessions")
        rows = page.document.select("main tbody tr")
        assert len(rows) == 3
        (own,) = [row for row in rows if "this one" in row.get_text()]
        assert "127.0.0.1" in own.get_text()
        (row,) = [row for row in rows if "Third/1.0" in row.get_text()]
        link = str(row.select_one("a")["href"])
        assert "is ended" in here.submit(link).answer.text
        assert third.open("/account/sessions").path.startswith(SIGN_IN)
        assert here.open(link).status == 404
        listed = here.client.get(f"{API}/users/current/sessions").json()
        assert [row["is_current"] for row in listed].count(True) == 1
        assert len(listed) == 2
        assert "The other sessions are ended." in here.submit("/account/sessions/end-others").answer.text
        assert there.open("/account/sessions").path.startswith(SIGN_IN)
        assert len(here.open("/account/sessions").document.select("main tbody tr")) == 1


def test_the_api_ends_sessions(careful: HarborServer, admin: httpx.Client) -> None:
    person, other = make_user(admin), make_user(admin)
    path = "/users/current/sessions"
    with (
        Browser(careful.url, person) as here,
        Browser(careful.url, person) as there,
        api(careful.url, person) as own,
        api(careful.url, other) as stranger,
    ):
        assert stranger.get(f"/users/{person.id}/sessions").status_code == 403
        assert stranger.delete(f"/users/{person.id}/sessions").status_code == 403
        numbers = [row["id"] for row in own.get(path).json()]
        assert stranger.delete(f"{path}/{numbers[0]}").status_code == 404
        assert own.delete(f"{path}/{numbers[0]}").status_code == 200
        assert [row["id"] for row in own.get(path).json()] == numbers[1:]
        assert own.delete(path).status_code == 200
        assert own.get(path).json() == []
        for browser in (here, there):
            assert browser.open("/account/sessions").path.startswith(SIGN_IN)
        here.sign_in(person)
        page = f"/harbor/users/{person.id}"
        with Browser(careful.url, careful.admin) as boss:
            assert f"{page}/end-sessions" in boss.open(page).links()
            assert "are ended" in boss.submit(f"{page}/end-sessions").answer.text
        assert here.open("/account/sessions").path.startswith(SIGN_IN)
        log = admin.get(
            "/auditlog-exts", params={"q": f"resource={person.name},resource_type=session"}
        ).json()
        assert [row["username"] for row in log] == ["admin", person.name, person.name]


def test_an_access_token_ends_nobodys_sessions(careful: HarborServer, admin: httpx.Client) -> None:
    person = make_user(admin)
    with api(careful.url, person) as own:
        secret = own.post("/users/current/tokens", json={"label": "x"}).json()["secret"]
    with api(careful.url, Person(person.name, secret)) as by_token:
        assert by_token.get("/users/current/sessions").status_code == 403
        assert by_token.delete("/users/current/sessions").status_code == 403


def test_sessions_end_in_the_read_only_mode_too(careful: HarborServer, admin: httpx.Client) -> None:
    person = make_user(admin)
    with (
        Browser(careful.url, person) as here,
        Browser(careful.url, person) as there,
        api(careful.url, person) as own,
    ):
        (first, _) = sorted(row["id"] for row in own.get("/users/current/sessions").json())
        assert admin.put("/configurations", json={"read_only": True}).status_code == 200
        try:
            assert "are ended" in there.submit("/account/sessions/end-others").answer.text
            assert here.open("/account/sessions").path.startswith(SIGN_IN)
            assert own.delete(f"/users/current/sessions/{first}").status_code == 404
            assert own.delete("/users/current/sessions").status_code == 200
            assert admin.delete(f"/users/{person.id}/lock").status_code == 200
            assert admin.put(f"/users/{person.id}/suspended", json={"suspended": True}).status_code == 403
        finally:
            assert admin.put("/configurations", json={"read_only": False}).status_code == 200
