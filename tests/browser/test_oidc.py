"""Signing in, choosing a name, the CLI secret and signing out in Chromium, at providers that others have written."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.support.accounts import Person, unique
from tests.support.http import RegistryClient
from tests.support.providers import MockProvider, Provider, ToolkitProvider, mock_provider, toolkit_provider
from tests.support.server import HarborServer
from tests.support.settings import changed_settings
from tests.support.world import World


@pytest.fixture(scope="module")
def mock_one() -> Iterator[MockProvider]:
    with mock_provider() as found:
        yield found


@pytest.fixture(scope="module")
def toolkit_one() -> Iterator[ToolkitProvider]:
    with toolkit_provider() as found:
        yield found


@pytest.fixture(params=["mock", "toolkit"])
def provider(request: pytest.FixtureRequest, server: HarborServer) -> Provider:
    found: Provider = request.getfixturevalue(f"{request.param}_one")
    found.allow(server.url)
    return found


def let_in(page: Page, provider: Provider, name: str) -> None:
    """What one does on the page of the provider."""
    if isinstance(provider, MockProvider):
        page.get_by_placeholder("sub").fill(name)
        page.get_by_role("button", name="Authorize").click()
        return
    expect(page.get_by_role("heading", name="Sign in at the provider")).to_be_visible()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(name)
    page.get_by_role("button", name="Log in").click()


def see_no_barriers(page: Page) -> None:
    """axe-core has nothing serious to say, in light and in dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # No colours between two.
        found = Axe().run(page).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert [
            (one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"]) for one in serious
        ] == []


def test_from_the_button_to_docker_and_out_again(world: World, visit: Visit, provider: Provider) -> None:
    name = unique("visitor")
    provider.put(name, full_name="Ada Lovelace")
    with changed_settings(world.admin, **provider.settings(oidc_auto_onboard=False, oidc_logout=True)):
        page = visit()
        page.goto("/account/profile")
        page.get_by_role("link", name="Sign in with Example").click()
        let_in(page, provider, name)
        see_no_barriers(page)
        # The name is theirs to choose.
        expect(page.get_by_label("User name")).to_have_value(name)
        page.get_by_label("User name").fill("admin")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("alert")).to_contain_text("taken")
        page.get_by_label("User name").fill(f"{name}-x")
        page.get_by_role("button", name="Go on").click()
        page.wait_for_url("**/account/profile")
        expect(page.get_by_label("First and last name")).to_have_value("Ada Lovelace")

        page.get_by_role("link", name="Show the CLI secret").click()
        secret = page.locator("#secret")
        expect(secret).to_be_hidden()
        page.get_by_text("Show the secret").click()
        expect(secret).to_be_visible()
        see_no_barriers(page)
        with RegistryClient(world.server.url, Person(f"{name}-x", secret.inner_text())) as client:
            assert client.token_request().status_code == 200
        before = secret.inner_text()
        page.get_by_role("link", name="New secret").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Change").click()
        expect(page.get_by_text("Your CLI secret is changed.")).to_be_visible()
        page.get_by_text("Show the secret").click()
        expect(secret).not_to_have_text(before)

        page.get_by_role("button", name=f"{name}-x").click()
        page.get_by_role("button", name="Sign out").click()
        if isinstance(provider, MockProvider):
            page.wait_for_url(f"{provider.url}/**")
            page.get_by_role("button").first.click()
        page.wait_for_url("**/account/sign-in*")
        page.goto("/account/profile")
        page.wait_for_url("**/account/sign-in*")


def test_the_provider_first(world: World, visit: Visit, provider: Provider) -> None:
    name = unique("visitor")
    provider.put(name)
    with changed_settings(world.admin, primary_auth_mode=True, **provider.settings()):
        page = visit()
        page.goto("/account/sign-in?oidc=unreachable")
        expect(page.get_by_label("Password")).to_be_hidden()
        see_no_barriers(page)
        page.get_by_role("link", name="Sign in with a password").click()
        expect(page.get_by_label("Password")).to_be_visible()
        page.get_by_role("link", name="Sign in with Example").click()
        let_in(page, provider, name)
        page.wait_for_url("**/harbor/projects")
        expect(page.get_by_role("button", name=name)).to_be_visible()


def test_told_no_at_the_provider(world: World, visit: Visit, mock_one: MockProvider) -> None:
    with changed_settings(world.admin, **mock_one.settings()):
        page = visit()
        page.goto("/account/sign-in")
        page.get_by_role("link", name="Sign in with Example").click()
        page.get_by_role("button", name="Deny").click()
        expect(page.get_by_role("alert")).to_contain_text("did not let you in")
