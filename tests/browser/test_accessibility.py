"""Every page of the portal before axe-core, light and dark, wide and on a phone."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.support.accounts import api
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
_HANDS = 6


@pytest.fixture(scope="module")
def furnished_server() -> Iterator[tuple[World, Furnished]]:
    """A server of its own: a banner and the sign-up are on here."""
    with HarborServer() as server:
        world = make_world(server)
        members = {role: world.people[name] for name, role in ROLES.items()}
        furnished = furnish(server.url, server.admin, members, user=server.admin)
        _configure(world.admin)
        yield world, furnished
        for client in world.clients.values():
            client.close()
