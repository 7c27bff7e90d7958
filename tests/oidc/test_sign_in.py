"""Signing in at two providers that others have written, over HTTP: sessions, groups, names, the way out."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.oidc.visiting import LOGIN, TOKEN, Visitor, problem_of, somebody
from tests.support.accounts import Role, make_project, make_user, unique
from tests.support.browsing import Browser
from tests.support.hostile_provider import HostileProvider
from tests.support.providers import Provider
from tests.support.settings import changed_settings
from tests.support.waiting import eventually
from tests.support.world import World

Visitors = Callable[[], Visitor]


def group_names(world: World) -> set[str]:
    answer = world.admin.get("/usergroups", params={"page_size": 100})
    return {group["group_name"] for group in answer.json() if group["group_type"] == 3}


def test_the_first_sign_in_makes_an_account(world: World, provider: Provider, visitor: Visitors) -> None:
    name, browser = somebody(), visitor()
    devs = unique("devs")
    provider.put(name, groups=(devs, "ops"), full_name="Ada Lovelace")
    with changed_settings(world.admin, **provider.settings()):
        answer = browser.come(provider, name, "?redirect_url=/harbor/projects%3Fsearch=x")
        assert (answer.status_code, answer.headers["Location"]) == (302, "/harbor/projects?search=x")
        me = browser.me
        assert (me["username"], me["email"], me["realname"]) == (name, f"{name}@example.com", "Ada Lovelace")
        assert me["sysadmin_flag"] is me["admin_role_in_auth"] is False
        assert me["oidc_user_meta"]["subiss"].endswith(provider.issuer)
        assert devs in group_names(world)
        # Nobody else sees the secret, not even an administrator.
        seen = world.admin.get(f"/users/{me['user_id']}").json()
        assert seen["oidc_user_meta"]["subiss"] == me["oidc_user_meta"]["subiss"]
        assert "secret" not in seen["oidc_user_meta"]
        # The same person comes again, into the same account.
        again = visitor()
        assert again.come(provider, name).headers["Location"] == "/harbor/projects"
        assert again.me["user_id"] == me["user_id"]


def test_the_request_to_the_provider_is_in_order(world: World, provider: Provider, visitor: Visitors) -> None:
    extra = '{"prompt": "select_account", "state": "mine", "redirect_uri": "http://evil", "scope": "all"}'
    wanted = provider.settings(oidc_extra_redirect_parms=extra, oidc_scope="profile, email,profile")
    with changed_settings(world.admin, **wanted):
        places = [urlsplit(visitor().begin()) for _ in range(2)]
    first, second = (dict(parse_qsl(place.query)) for place in places)
    assert f"{places[0].scheme}://{places[0].netloc}" == provider.url
    assert first["response_type"] == "code"
    assert first["client_id"] == provider.client_id
    assert first["redirect_uri"] == f"{world.server.url}/c/oidc/callback"
    assert first["scope"] == "openid profile email"
    assert first["code_challenge_method"] == "S256"
    assert first["prompt"] == "select_account"
    assert len(first["code_challenge"]) == 43
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 32
        assert first[name] != second[name]


def test_the_session_is_a_new_one(world: World, provider: Provider, visitor: Visitors) -> None:
    name, browser = somebody(), visitor()
    provider.put(name)
    planted = "a" * 32
    browser.http.cookies.set("sid", planted, domain="127.0.0.1", path="/")
    with changed_settings(world.admin, **provider.settings()):
        answer = browser.come(provider, name)
        cookies = answer.headers.get_list("Set-Cookie")
        (session,) = [cookie for cookie in cookies if cookie.startswith("sid=")]
        assert planted not in session
        assert "HttpOnly" in session
        assert "SameSite=Lax" in session
        assert any(cookie.startswith('harbor-oidc=""') for cookie in cookies), "it has done its work"
        assert browser.name == name


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/%0d%0aSet-Cookie:x",
        "",
    ],
)
def test_the_way_back_leads_to_our_own_pages(
    world: World, hostile: HostileProvider, visitor: Visitors, url: str
) -> None:
    with changed_settings(world.admin, **hostile.settings()):
        answer = visitor().come(hostile, query=f"?redirect_url={url}")
    assert answer.headers["Location"] == "/harbor/projects"


def test_a_name_is_chosen_where_the_setting_wants_it(
    world: World, provider: Provider, visitor: Visitors
) -> None:
    name, browser = somebody(), visitor()
    provider.put(name, full_name="With Spaces")
    taken = make_user(world.admin).name
    settings = provider.settings(oidc_auto_onboard=False, oidc_user_claim="name")
    with changed_settings(world.admin, **settings):
        answer = browser.come(provider, name, "?redirect_url=/account/profile")
        assert answer.headers["Location"] == "/oidc-onboard?username=With_Spaces"
        assert browser.name is None
        assert browser.choose(taken).status_code == 409
        assert browser.choose("a,b").status_code == 400
        answer = browser.choose(f"{name}-chosen")
        assert (answer.status_code, answer.json()) == (200, {"redirect_url": "/account/profile"})
        assert browser.name == f"{name}-chosen"
        assert browser.choose(somebody()).status_code == 400, "it is done"
        # Whoever is known is not asked again.
        again = visitor()
        again.come(provider, name)
        assert again.name == f"{name}-chosen"
        # Of another browser nobody is known.
        assert visitor().choose(somebody()).status_code == 400


def test_the_page_to_choose_a_name(world: World, provider: Provider, visitor: Visitors) -> None:
    name, taken = somebody(), make_user(world.admin).name
    provider.put(name)
    with (
        changed_settings(world.admin, **provider.settings(oidc_auto_onboard=False)),
        Browser(world.server.url) as browser,
    ):
        assert browser.open("/oidc-onboard").path.startswith("/account/sign-in")
        on_the_way = visitor()
        location = on_the_way.come(provider, name).headers["Location"]
        browser.client.cookies.update(on_the_way.http.cookies)
        page = browser.open(location)
        assert page.title == "harbor-py"
        assert page.form().select_one("input[name=username]")["value"] == name
        page = browser.send(page, username=taken)
        assert page.status == 409
        assert "taken" in page.text
        page = browser.send(page, username=f"{name}-x")
        assert page.path == "/harbor/projects"
        assert f"{name}-x" in browser.open("/account/profile").text


def test_nobody_takes_over_a_local_account(world: World, provider: Provider, visitor: Visitors) -> None:
    local = make_user(world.admin)
    provider.put(local.name)
    browser = visitor()
    with changed_settings(world.admin, **provider.settings()):
        answer = browser.come(provider, local.name)
        # They may have another name.
        assert answer.headers["Location"].startswith("/oidc-onboard")
        assert browser.name is None


def test_groups_and_the_administrators_role_follow_the_provider(
    world: World, provider: Provider, visitor: Visitors
) -> None:
    name, devs, bosses = somebody(), unique("devs"), unique("bosses")
    project = make_project(world.admin)
    with changed_settings(
        world.admin, **provider.settings(oidc_admin_group=bosses, oidc_group_filter="^devs-")
    ):
        provider.put(name, groups=(devs, bosses))
        browser = visitor()
        browser.come(provider, name)
        assert browser.me["admin_role_in_auth"] is True
        assert devs in group_names(world)
        assert bosses not in group_names(world), "it does not pass the filter"
        body = {"role_id": int(Role.DEVELOPER), "member_group": {"group_name": devs, "group_type": 3}}
        assert world.admin.post(f"/projects/{project}/members", json=body).status_code == 201
        provider.put(name, groups=(devs,))
        browser = visitor()
        browser.come(provider, name)
        assert browser.me["admin_role_in_auth"] is False
        path = f"/api/v2.0/projects/{project}"
        assert browser.http.get(path).status_code == 200
        provider.put(name, groups=())
        browser = visitor()
        browser.come(provider, name)
        assert browser.http.get(path).status_code == 403


def test_who_is_suspended_here_does_not_come_in(world: World, provider: Provider, visitor: Visitors) -> None:
    name, browser = somebody(), visitor()
    provider.put(name)
    with changed_settings(world.admin, **provider.settings()):
        browser.come(provider, name)
        path = f"/users/{browser.me['user_id']}/suspended"
        assert world.admin.put(path, json={"suspended": True}).status_code == 200
        assert problem_of(browser.come(provider, name)) == "conflict"
        assert browser.name is None

        def is_noted() -> bool:
            assert problem_of(browser.come(provider, name)) == "conflict"
            query = {"q": f"operation=login,username={name}", "page_size": 100}
            rows = world.admin.get("/auditlog-exts", params=query).json()
            return {row.get("operation_result", False) for row in rows} == {True, False}

        # Failures have a budget in the log, which other tests may have used up for a moment.
        eventually(is_noted)
        assert world.admin.put(path, json={"suspended": False}).status_code == 200
        assert problem_of(browser.come(provider, name)) == ""


def test_a_password_of_somebody_of_the_provider_is_not_asked(
    world: World, provider: Provider, visitor: Visitors
) -> None:
    name, browser = somebody(), visitor()
    provider.put(name)

    def login(principal: str, password: str):
        http = visitor().http
        token = http.get("/c/log_out").headers[TOKEN]
        form = {"principal": principal, "password": password}
        return http.post("/c/login", data=form, headers={TOKEN: token})

    with changed_settings(world.admin, **provider.settings()):
        browser.come(provider, name)
        secret = browser.person().password
        for password in (secret, "Wrong-Horse-9"):
            answer = login(name, password)
            assert answer.status_code == 403
            assert answer.json() == {"redirect_location": f"{world.server.url}{LOGIN}"}
        assert login("admin", world.server.admin_password).status_code == 200
        # On the page the secret is no password either.
        with Browser(world.server.url) as page:
            assert page.submit("/account/sign-in", username=name, password=secret).status == 401


def test_sign_in_pages(world: World, provider: Provider) -> None:
    with Browser(world.server.url) as browser:
        assert not browser.open("/account/sign-in").has('a[href*="/c/oidc/login"]')
        with changed_settings(world.admin, **provider.settings()):
            page = browser.open("/account/sign-in?next=/account/profile")
            assert page.has('a[href="/c/oidc/login?redirect_url=%2Faccount%2Fprofile"]')
            assert page.has("input[name=password]")
            assert "Sign in with Example" in page.text
            with changed_settings(world.admin, primary_auth_mode=True):
                first = browser.open("/account/sign-in")
                assert not first.has("input[name=password]")
                assert browser.open("/account/sign-in?local=1").has("input[name=password]")
        told = browser.open("/account/sign-in?oidc=unreachable").text
        assert "cannot be reached" in told
        assert "<script" not in browser.open("/account/sign-in?oidc=<script>").text


def test_where_it_is_off_nobody_sets_out(world: World, visitor: Visitors) -> None:
    browser = visitor()
    assert problem_of(browser.http.get(LOGIN)) == "off"
    assert problem_of(browser.http.get("/c/oidc/callback?code=x&state=y")) == "off"
    assert browser.http.get("/c/oidc/logout").headers["Location"] == "/account/sign-in"
    assert "harbor-oidc" not in browser.http.cookies
