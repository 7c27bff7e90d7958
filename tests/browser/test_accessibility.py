"""Every page of the portal before axe-core, light and dark, wide and on a phone."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import sign_in
from tests.support.accounts import Person
from tests.support.browsing import SIGN_IN
from tests.support.furnished import Furnished, furnish
from tests.support.portal_pages import PAGES, Kind
from tests.support.server import HarborServer
from tests.support.world import ROLES, World, make_world

_WIDE = {"width": 1280, "height": 800}
_PHONE = {"width": 390, "height": 800}
_SERIOUS = frozenset({"serious", "critical"})
# What a page without anything shows, what it tells somebody whom it refuses, and what is beyond the catalogue.
_MORE = (
    "/harbor/projects/{empty_project_id}/summary",
    "/harbor/projects/{empty_project_id}/repositories",
    "/harbor/projects/{empty_project_id}/tag-strategy/tag-retention",
    "/harbor/projects/{empty_project_id}/webhook",
    "/harbor/projects/{empty_project_id}/trash",
    "/harbor/projects/{project_id}/repositories?view=cards",
    "/harbor/projects/{project_id}/repositories/{repository}/-/artifacts/{sbom_digest}",
    "/harbor/projects/{project_id}/repositories/{chart_repository}/-/artifacts/{chart_digest}",
    "/harbor/projects/{project_id}/repositories/{index_repository}/-/artifacts/{index_digest}",
    "/harbor/search?text=shop",
    "/harbor/projects/999999/summary",
    "/harbor/system-settings/accounts",
    "/harbor/system-settings/ldap",
)
# In one piece a test would take minutes: the pages are dealt out.
_HANDS = 10
_OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}

Furnishings = tuple[World, Furnished]
Window = Callable[..., Page]


@pytest.fixture(scope="module")
def furnished_server() -> Iterator[Furnishings]:
    """A server of its own: a banner and the sign-up are on here."""
    with HarborServer() as server:
        world = make_world(server)
        members = {role: world.people[name] for name, role in ROLES.items()}
        # Whose access tokens are there to be seen.
        admin = replace(server.admin, id=world.admin.get("/users/current").json()["user_id"])
        furnished = furnish(server.url, server.admin, members, user=admin)
        _configure(world.admin)
        yield world, furnished
        for client in world.clients.values():
            client.close()


@pytest.fixture
def window(furnished_server: Furnishings, new_context: Callable[..., BrowserContext]) -> Window:
    """``window(person)`` is a window in which somebody has signed in; colours change at once there."""
    world, _furnished = furnished_server

    def made(person: Person | None = None) -> Page:
        page = new_context(base_url=world.server.url, locale="en", reduced_motion="reduce").new_page()
        if person is not None:
            sign_in(page, person)
        return page

    return made


@pytest.mark.slow
@pytest.mark.parametrize("hand", range(_HANDS))
def test_no_page_has_a_serious_finding(furnished_server: Furnishings, window: Window, hand: int) -> None:
    world, furnished = furnished_server
    templates = [one.template for one in PAGES if one.kind is Kind.PAGE and "sysadmin" in one.reads]
    paths = [template.format_map(furnished.places) for template in (*templates, *_MORE)]
    page = window(world.people["sysadmin"])
    axe = Axe()
    found = {}
    for path in paths[hand::_HANDS]:
        page.goto(path)
        found |= {(path, variant): wrong for variant, wrong in _looked_at(page, axe) if wrong}
    assert found == {}


def test_pages_of_nobody(furnished_server: Furnishings, window: Window) -> None:
    page = window()
    axe = Axe()
    for path in (SIGN_IN, "/account/sign-up", "/harbor/projects", "/harbor/search"):
        page.goto(path)
        assert page.url.endswith(path)
        assert {variant: wrong for variant, wrong in _looked_at(page, axe) if wrong} == {}


def test_a_form_in_a_dialog(furnished_server: Furnishings, window: Window) -> None:
    world, furnished = furnished_server
    page = window(world.people["sysadmin"])
    axe = Axe()
    for path, link in (
        ("/harbor/projects", "New project"),
        (f"/harbor/projects/{furnished.places['project_id']}/labels", "New label"),
    ):
        page.goto(path)
        page.get_by_role("link", name=link).click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel").or_(
            page.get_by_role("dialog").get_by_role("link", name="Cancel")
        ).wait_for()
        assert {variant: wrong for variant, wrong in _looked_at(page, axe) if wrong} == {}


def _looked_at(page: Page, axe: Axe) -> Iterator[tuple[str, list[Any]]]:
    """What is wrong with the page that is open, by how one looks at it."""
    for size, viewport in (("wide", _WIDE), ("phone", _PHONE)):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            yield f"{size}, {scheme}", _findings(page, axe)
        width = page.evaluate("document.documentElement.scrollWidth")
        yield f"{size}, overflow", [width] if width > viewport["width"] else []
    page.set_viewport_size(_WIDE)  # type: ignore[arg-type]


def _findings(page: Page, axe: Axe) -> list[Any]:
    violations = axe.run(page, options=_OPTIONS).response["violations"]
    return [
        (one["id"], [node["target"] for node in one["nodes"]][:3], one["nodes"][0]["failureSummary"][:300])
        for one in violations
        if one["impact"] in _SERIOUS
    ]


def _configure(admin: httpx.Client) -> None:
    banner = {"message": "The registry moves on Sunday", "type": "warning", "closable": True}
    settings = {"self_registration": True, "banner_message": json.dumps(banner)}
    answer = admin.put("/configurations", json=settings)
    assert answer.status_code == 200, answer.text
