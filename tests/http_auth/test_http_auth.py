"""People who come by an authenticating proxy, over HTTP to both servers and to a proxy on loopback."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.accounts import Person, Role, add_member, api, make_project, unique
from tests.support.auth_proxy import AuthProxy
from tests.support.browsing import Browser
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.settings import changed_settings
from tests.support.waiting import eventually
from tests.support.world import World

_PASSWORD = "Proxy-Horse-7"


@pytest.fixture
def proxy(world: World) -> Iterator[AuthProxy]:
    """One that the server asks, beside its own people."""
    with (
        AuthProxy() as proxy,
        changed_settings(
            world.admin,
            auth_sources="local,http",
            http_authproxy_endpoint=f"{proxy.url}/login",
            http_authproxy_tokenreview_endpoint=f"{proxy.url}/review",
            membership_check_seconds=1,
        ),
    ):
        yield proxy


def newcomer(proxy: AuthProxy, *groups: str) -> Person:
    """Somebody whom only the proxy knows."""
    person = Person(unique("proxied"), _PASSWORD)
    proxy.people[person.name] = (_PASSWORD, list(groups))
    return person


def current(world: World, person: Person) -> httpx.Response:
    with api(world.server.url, person) as client:
        return client.get("/users/current")


def test_the_first_sign_in_makes_the_account(world: World, proxy: AuthProxy) -> None:
    group = unique("Team")
    person = newcomer(proxy, group)
    answer = current(world, person)
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["username"], shown["comment"], shown["sysadmin_flag"]) == (
        person.name,
        "By Authproxy",
        False,
    )
    groups = world.admin.get("/usergroups", params={"group_name": group.lower()}).json()
    assert [(found["group_name"], found["group_type"]) for found in groups] == [(group.lower(), 2)]
    upper = Person(person.name.upper(), person.password)
    assert current(world, upper).json()["user_id"] == shown["user_id"], "names count without their case"


def test_wrong_passwords_and_a_broken_proxy(world: World, proxy: AuthProxy) -> None:
    person = newcomer(proxy)
    assert current(world, Person(person.name, "Wrong-Horse-7")).status_code == 401
    other = newcomer(proxy)
    proxy.is_broken = True
    assert current(world, other).status_code == 401
    assert world.admin.get("/users/current").status_code == 200, (
        "the local administrator signs in all the same"
    )
    assert "the authentication proxy answers 500" in world.server.log.read_text("utf-8")
    assert _PASSWORD not in world.server.log.read_text("utf-8")


def test_groups_give_roles_in_docker_too(world: World, proxy: AuthProxy) -> None:
    group = unique("devs")
    person = newcomer(proxy, group)
    assert current(world, person).status_code == 200
    project = make_project(world.admin)
    body = {"role_id": Role.DEVELOPER.value, "member_group": {"group_name": group, "group_type": 2}}
    assert world.admin.post(f"/projects/{project}/members", json=body).status_code == 201
    with RegistryClient(world.server.url, person) as client:
        client.push(f"{project}/app", make_image(), tag="v1")


def test_administrators_by_name_and_by_group(world: World, proxy: AuthProxy) -> None:
    by_name, by_group, neither = newcomer(proxy), newcomer(proxy, "Bosses"), newcomer(proxy, "others")
    with changed_settings(
        world.admin, http_authproxy_admin_usernames=f"x, {by_name.name}", http_authproxy_admin_groups="bosses"
    ):
        flags = [
            current(world, person).json()["admin_role_in_auth"] for person in (by_name, by_group, neither)
        ]
        assert flags == [True, True, False]
        with api(world.server.url, by_group) as client:
            assert client.get("/users").status_code == 200
        with api(world.server.url, neither) as client:
            assert client.get("/users").status_code == 403


def test_a_token_of_the_proxy_is_a_password_for_docker(world: World, proxy: AuthProxy) -> None:
    person = newcomer(proxy)
    project = make_project(world.admin)
    proxy.sessions["proxy-token-1"] = person.name
    by_token = Person(f"tokenreview${person.name}", "proxy-token-1")
    assert current(world, by_token).status_code == 200
    add_member(world.admin, project=project, person=person, role=Role.DEVELOPER)
    with RegistryClient(world.server.url, by_token) as client:
        client.push(f"{project}/app", make_image(), tag="v1")
    other = Person(f"tokenreview${newcomer(proxy).name}", "proxy-token-1")
    assert current(world, other).status_code == 401, "a token of somebody else"
    assert current(world, Person(by_token.name, "no-token")).status_code == 401


def test_the_end_of_the_proxys_session_ends_what_hangs_on_it(world: World, proxy: AuthProxy) -> None:
    person = newcomer(proxy)
    project = make_project(world.admin)
    assert current(world, person).status_code == 200
    add_member(world.admin, project=project, person=person, role=Role.DEVELOPER)
    with RegistryClient(world.server.url, person) as client:
        client.push(f"{project}/app", make_image(), tag="v1")
        token = client.token(f"repository:{project}/app:pull")
        del proxy.people[person.name]
        url = f"{world.server.url}/v2/{project}/app/manifests/v1"
        headers = {"Authorization": f"Bearer {token}", "Accept": "*/*"}
        # Remembered for at most ten seconds, as everything about an account is.
        eventually(lambda: httpx.get(url, headers=headers).status_code == 401, seconds=30)
    assert current(world, person).status_code == 401


def test_whom_nobody_can_search_is_taken_on_trust_where_the_setting_says_so(
    world: World, proxy: AuthProxy
) -> None:
    project, name = make_project(world.admin), unique("later")
    body = {"role_id": Role.GUEST.value, "member_user": {"username": name}}
    assert world.admin.post(f"/projects/{project}/members", json=body).status_code == 404
    with changed_settings(world.admin, http_authproxy_skip_search=True):
        refused = world.clients["outsider"].post(f"/projects/{project}/members", json=body)
        assert refused.status_code == 403
        assert world.admin.get("/users", params={"q": f"username={name}"}).json() == []
        assert world.admin.post(f"/projects/{project}/members", json=body).status_code == 201
    proxy.people[name] = (_PASSWORD, [])
    with api(world.server.url, Person(name, _PASSWORD)) as client:
        assert client.get(f"/projects/{project}").status_code == 200


def test_the_settings_page_tries_the_proxy(world: World, proxy: AuthProxy) -> None:
    path = "/harbor/system-settings/http-proxy"
    with Browser(world.server.url, world.server.admin) as browser:
        page = browser.send(browser.open(path), button="test")
        assert page.has("#tested.alert-success"), page.text
        address = f"{proxy.url}/nowhere"
        proxy.is_broken = True
        page = browser.send(browser.open(path), button="test", http_authproxy_endpoint=address)
        assert page.has("#tested.alert-danger")
        assert "the authentication proxy answers 500" in page.text
        assert page.document.select_one("[name=http_authproxy_endpoint]")["value"] == address
        kept = world.admin.get("/configurations").json()["http_authproxy_endpoint"]["value"]
        assert kept == f"{proxy.url}/login", "nothing was saved"


def test_sources_are_ticked_on_the_settings_page(world: World, proxy: AuthProxy) -> None:
    path = "/harbor/system-settings/sign-in"
    with Browser(world.server.url, world.server.admin) as browser:
        ticked = browser.open(path).document.select("[name=auth_sources][checked]")
        assert [box["value"] for box in ticked] == ["local", "http"]
        browser.submit(path, auth_sources=["local"])
        assert world.admin.get("/configurations").json()["auth_sources"]["value"] == "local"
        assert current(world, newcomer(proxy)).status_code == 401
    assert world.admin.put("/configurations", json={"auth_sources": "local,moon"}).status_code == 400
