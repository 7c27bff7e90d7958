"""Debian's Chromium, driven by pytest-playwright, before the running server."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.accounts import Person
from tests.support.browsing import SIGN_IN
from tests.support.server import HarborServer

# Playwright's loop runs in the thread of the tests; Django takes that for an asynchronous view.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
# A busy machine is slow; what is right is seen at once however long a test would wait.
expect.set_options(timeout=20_000)
CHROMIUM = os.environ.get("HARBOR_TEST_CHROMIUM", "chromium")

Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The browser of the system: nothing is downloaded."""
    path = shutil.which(CHROMIUM)
    assert path is not None, f"{CHROMIUM} is not installed: see `make programs`, or set HARBOR_TEST_CHROMIUM"
    # As root Chromium runs without its sandbox only; it sees nothing but our own pages.
    return {**browser_type_launch_args, "executable_path": path, "args": ["--no-sandbox"]}


def sign_in(page: Page, person: Person) -> None:
    """By the page for it, in a window that has its server's address."""
    page.goto(SIGN_IN)
    page.get_by_label("User name or e-mail").fill(person.name)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/harbor/projects")


@pytest.fixture
def visit(server: HarborServer, new_context: Callable[..., BrowserContext]) -> Iterator[Visit]:
    """``visit(person, locale=…, color_scheme=…)`` is a window of a browser in which somebody has signed in.

    What a page reports to the console as an error fails the test at its end.
    """
    complaints: list[str] = []

    def window(person: Person | None = None, **options: Any) -> Page:
        context = new_context(base_url=server.url, **{"locale": "en", **options})
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: _note(complaints, message.type, message.text))
        if person is not None:
            sign_in(page, person)
        return page

    yield window
    assert not complaints


def _note(complaints: list[str], kind: str, text: str) -> None:
    # An answer of 4xx to a page that a test opens on purpose is an error for Chromium.
    if kind == "error" and "Failed to load resource" not in text:
        complaints.append(text)
