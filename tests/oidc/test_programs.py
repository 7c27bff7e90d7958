"""What people of a provider do without a browser: docker with the CLI secret, the API with an ID token; and how it
ends when the provider does not know them any more.
"""

import time
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.oidc.visiting import Visitor, problem_of, somebody
from tests.support.accounts import Person, Role, add_member, api, make_project, make_user, unique
from tests.support.hostile_provider import HostileProvider
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.providers import Provider, ToolkitProvider
from tests.support.settings import changed_settings
from tests.support.waiting import eventually
from tests.support.world import World

Visitors = Callable[[], Visitor]


def docker_login(url: str, person: Person) -> int:
    """What ``docker login`` gets from the token service."""
    with RegistryClient(url, person) as client:
        return client.token_request().status_code


def comes_in(url: str, person: Person) -> None:
    """After a wrong password the right one is not looked at for a moment."""
    eventually(lambda: docker_login(url, person), lambda code: code == 200)


def test_docker_with_the_cli_secret(world: World, provider: Provider, visitor: Visitors) -> None:
    name, browser, image = somebody(), visitor(), make_image()
    provider.put(name)
    project = make_project(world.admin)
    with changed_settings(world.admin, **provider.settings()):
        browser.come(provider, name)
        person = browser.person()
        assert len(person.password) >= 24
        add_member(world.admin, project=project, person=person, role=Role.DEVELOPER)
        assert docker_login(world.server.url, person) == 200
        with RegistryClient(world.server.url, person) as client:
            client.push(f"{project}/app", image, tag="v1")
            assert client.pull(f"{project}/app", "v1") == image.digest
        basic = httpx.get(f"{world.server.url}/v2/{project}/app/tags/list", auth=person.basic)
        assert basic.status_code == 200
        assert docker_login(world.server.url, Person(name, "Wrong-Horse-9-Battery")) == 401


def test_what_the_api_takes_the_cli_secret_for(world: World, provider: Provider, visitor: Visitors) -> None:
    name, browser, image = somebody(), visitor(), make_image()
    provider.put(name)
    with changed_settings(world.admin, **provider.settings()):
        browser.come(provider, name)
        person = browser.person()
        with api(world.server.url, person) as client:
            project = make_project(client)
            with RegistryClient(world.server.url, person) as registry:
                registry.push(f"{project}/app", image, tag="v1")
            below = f"/projects/{project}/repositories"
            for path in ("/projects", "/systeminfo", "/labels?scope=g", below, f"{below}/app/artifacts"):
                assert client.get(path).status_code == 200, path
            assert "current_time" in client.get("/systeminfo").json(), "it is known who asks"
            assert client.delete(f"{below}/app/artifacts/v1/tags/v1").status_code == 200
            for path in ("/users/current", f"/users/{person.id}", f"/projects/{project}", "/quotas"):
                assert client.get(path).status_code == 401, path
            assert client.delete(f"{below}/app").status_code == 401
            assert client.put(f"/users/{person.id}/cli_secret", json={"secret": ""}).status_code == 401


def test_the_cli_secret_is_changed(world: World, provider: Provider, visitor: Visitors) -> None:
    name, browser = somebody(), visitor()
    provider.put(name)
    stranger = make_user(world.admin)
    with changed_settings(world.admin, **provider.settings()):
        browser.come(provider, name)
        person = browser.person()
        path, chosen = f"/users/{person.id}/cli_secret", "Chosen-Horse-9-Battery"
        with api(world.server.url, stranger) as client:
            assert client.put(path, json={"secret": chosen}).status_code == 403
            own = client.put(f"/users/{stranger.id}/cli_secret", json={"secret": chosen})
            assert own.status_code == 412
        assert world.admin.put("/users/999999/cli_secret", json={"secret": ""}).status_code == 404
        assert world.admin.put(path, json={"secret": "short"}).status_code == 400
        assert world.admin.put(path, json={"secret": chosen}).status_code == 200
        assert docker_login(world.server.url, person) == 401
        comes_in(world.server.url, Person(name, chosen))
        assert world.admin.put(path, json={"secret": ""}).status_code == 200
        assert docker_login(world.server.url, Person(name, chosen)) == 401
        again = visitor()
        again.come(provider, name)
        comes_in(world.server.url, again.person())


def test_an_id_token_on_the_api(world: World, hostile: HostileProvider, visitor: Visitors) -> None:
    browser = visitor()
    with (
        changed_settings(world.admin, **hostile.settings()),
        httpx.Client(base_url=world.server.url) as client,
    ):

        def ask(token: str, path: str = "/api/v2.0/users/current") -> httpx.Response:
            return client.get(path, headers={"Authorization": f"Bearer {token}"})

        token = hostile.identity_token()
        assert ask(token).status_code == 401, "nobody has seen them yet"
        assert problem_of(browser.come(hostile)) == ""
        me = ask(token).json()
        assert me["username"] == browser.name
        assert me["oidc_user_meta"]["secret"] == browser.person().password
        answer = ask(token, "/service/token?service=harbor-registry")
        assert answer.status_code == 200
        assert answer.json()["expires_in"] <= 300, "no longer than the ID token"
        for lie in (
            {"aud": "another"},
            {"iss": "https://accounts.example"},
            {"sub": "another"},
            {"exp": int(time.time()) - 3600},
            {"events": {}},
        ):
            assert ask(hostile.identity_token(**lie)).status_code == 401, lie
        assert ask(token + "x").status_code == 401
        assert ask("x").status_code == 401


@pytest.mark.slow
class TestMembership:
    """Asked again each second here; what was said a moment ago counts for ten."""

    def test_taken_back_by_the_provider(self, world: World, provider: Provider, visitor: Visitors) -> None:
        name, browser = somebody(), visitor()
        provider.put(name)
        with changed_settings(world.admin, **provider.settings(membership_check_seconds=1)):
            browser.come(provider, name)
            person = browser.person()
            with RegistryClient(world.server.url, person) as client:
                assert client.http.get("/v2/", headers=client.headers("GET", "/v2/")).status_code == 200
                headers = client.headers("GET", "/v2/")
                provider.end(name)
                eventually(
                    lambda: client.http.get("/v2/", headers=headers).status_code, lambda code: code == 401
                )
                eventually(lambda: client.token_request().status_code, lambda code: code == 401)
            assert browser.name is None
            # Who is let in there again is let in here.
            assert problem_of(browser.come(provider, name)) == ""
            comes_in(world.server.url, person)

    def test_out_of_a_group(self, world: World, provider: Provider, visitor: Visitors) -> None:
        name, browser, devs = somebody(), visitor(), unique("devs")
        project = make_project(world.admin)
        provider.put(name, groups=(devs,))
        with changed_settings(world.admin, **provider.settings(membership_check_seconds=1)):
            browser.come(provider, name)
            body = {"role_id": int(Role.DEVELOPER), "member_group": {"group_name": devs, "group_type": 3}}
            assert world.admin.post(f"/projects/{project}/members", json=body).status_code == 201
            with RegistryClient(world.server.url, browser.person()) as client:
                client.push(f"{project}/app", make_image(), tag="v1")
                provider.put(name)

                def push() -> int:
                    client.forget_tokens()
                    return client.post_upload(f"{project}/app").status_code

                eventually(push, lambda code: code == 401)
            assert browser.name == name, "they are there still"

    def test_the_rotated_token_is_kept(
        self, world: World, hostile: HostileProvider, visitor: Visitors
    ) -> None:
        browser = visitor()
        with changed_settings(world.admin, **hostile.settings(membership_check_seconds=1)):
            browser.come(hostile)

            def refreshed() -> list[str]:
                assert browser.name is not None
                forms = [asked.form for asked in hostile.asked_for("/token")]
                return [form["refresh_token"] for form in forms if form["grant_type"] == "refresh_token"]

            tokens = eventually(refreshed, lambda found: len(found) >= 2, seconds=90)
            assert len(set(tokens)) == len(tokens)
            # Userinfo fails: nothing is lost, and groups stay.
            hostile.person = None
            eventually(refreshed, lambda found: len(found) >= len(tokens) + 1, seconds=90)

    @pytest.mark.parametrize(
        "lie", [{"sub": "somebody-else"}, {"iss": "https://accounts.example"}, {"aud": "x"}]
    )
    def test_another_person_at_the_refresh(
        self, world: World, hostile: HostileProvider, visitor: Visitors, lie: dict
    ) -> None:
        browser = visitor()
        with changed_settings(world.admin, **hostile.settings(membership_check_seconds=1)):
            browser.come(hostile)
            hostile.claims = lie
            eventually(lambda: browser.name, lambda name: name is None)

    def test_userinfo_of_another_person_at_the_refresh(
        self, world: World, hostile: HostileProvider, visitor: Visitors
    ) -> None:
        browser = visitor()
        with changed_settings(world.admin, **hostile.settings(membership_check_seconds=1)):
            browser.come(hostile)
            hostile.gives_new_identity, hostile.person = False, {"sub": "somebody-else"}
            eventually(lambda: browser.name, lambda name: name is None)

    def test_a_provider_that_is_away_for_a_while(
        self, world: World, hostile: HostileProvider, visitor: Visitors
    ) -> None:
        browser = visitor()
        with changed_settings(world.admin, **hostile.settings(membership_check_seconds=1)):
            browser.come(hostile)
            name, asked = browser.name, len(hostile.asked_for("/token"))
            hostile.refuse = (503, "")

            def again() -> int:
                assert browser.name == name
                return len(hostile.asked_for("/token"))

            eventually(again, lambda found: found > asked, seconds=90)
            assert browser.name == name

    def test_without_a_refresh_token_it_ends_with_what_was_granted(
        self, world: World, hostile: HostileProvider, visitor: Visitors
    ) -> None:
        browser = visitor()
        hostile.gives_refresh_tokens, hostile.expires_in = False, 5
        now = int(time.time())
        hostile.claims = {"exp": now + 5}
        with changed_settings(world.admin, **hostile.settings(membership_check_seconds=1)):
            browser.come(hostile)
            person = browser.person()
            eventually(lambda: browser.name, lambda name: name is None)
            assert time.time() >= now + 5
            eventually(lambda: docker_login(world.server.url, person), lambda code: code == 401)
            assert len(hostile.asked_for("/token")) == 1

    def test_the_refresh_token_goes_to_no_other_provider(
        self, world: World, hostile: HostileProvider, visitor: Visitors
    ) -> None:
        browser = visitor()
        with HostileProvider() as other, changed_settings(world.admin, **hostile.settings()):
            browser.come(hostile)
            with changed_settings(world.admin, oidc_endpoint=other.issuer, membership_check_seconds=1):
                for _ in range(3):
                    browser.http.get("/api/v2.0/users/current")
                assert other.asked_for("/token") == []


class TestTheWayOut:
    def test_here_alone(self, world: World, hostile: HostileProvider, visitor: Visitors) -> None:
        browser = visitor()
        with changed_settings(world.admin, **hostile.settings()):
            browser.come(hostile)
            person = browser.person()
            answer = browser.http.get("/c/oidc/logout")
            assert answer.headers["Location"] == "/account/sign-in"
            assert browser.name is None
            assert hostile.revoked == []
            assert docker_login(world.server.url, person) == 200

    @pytest.mark.parametrize("path", ["/c/oidc/logout", "/c/log_out"])
    def test_at_the_provider_too(
        self, world: World, hostile: HostileProvider, visitor: Visitors, path: str
    ) -> None:
        browser, other = visitor(), visitor()
        with changed_settings(world.admin, **hostile.settings(oidc_logout=True)):
            browser.come(hostile)
            other.come(hostile)
            person = browser.person()
            place = urlsplit(browser.http.get(path).headers["Location"])
            query = dict(parse_qsl(place.query))
            assert f"{place.scheme}://{place.netloc}{place.path}" == f"{hostile.issuer}/logout"
            assert query["client_id"] == hostile.client_id
            assert query["post_logout_redirect_uri"] == f"{world.server.url}/account/sign-in"
            assert query["id_token_hint"].count(".") == 2
            assert browser.name is None
            assert len(hostile.revoked) == 1
            # What was granted has ended, whoever has it.
            assert other.name is None
            assert docker_login(world.server.url, person) == 401
            assert problem_of(browser.come(hostile)) == ""
            comes_in(world.server.url, person)

    def test_at_a_provider_that_others_have_written(
        self, world: World, toolkit: ToolkitProvider, visitor: Visitors
    ) -> None:
        name, browser = somebody(), visitor()
        toolkit.put(name)
        with changed_settings(world.admin, **toolkit.settings(oidc_logout=True)):
            browser.come(toolkit, name)
            assert name in toolkit.granted()
            place = browser.http.get("/c/log_out").headers["Location"]
            answer = browser.http.get(place)
            assert answer.status_code == 302, answer.text
            assert answer.headers["Location"].startswith(f"{world.server.url}/account/sign-in")
            assert name not in toolkit.granted()
            # They are asked there who they are, again.
            assert "Sign in at the provider" in _landed(browser, browser.begin()).text

    def test_local_people_know_nothing_of_it(
        self, world: World, hostile: HostileProvider, visitor: Visitors
    ) -> None:
        with changed_settings(world.admin, **hostile.settings(oidc_logout=True)):
            assert visitor().http.get("/c/log_out").status_code == 200


def _landed(browser: Visitor, place: str) -> httpx.Response:
    answer = browser.http.get(place)
    while answer.status_code == 302:
        answer = browser.http.get(httpx.URL(answer.url).join(answer.headers["Location"]))
    return answer
