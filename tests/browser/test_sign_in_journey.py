"""Signing in, looking for something and signing out, by keyboard alone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.support.accounts import Role, make_member, make_project, unique
from tests.support.browsing import SIGN_IN
from tests.support.waiting import eventually
from tests.support.world import World

# What is seen does not depend on the database: tests/portal asks for the pages on both.
pytestmark = pytest.mark.parametrize("server", ["embedded"], indirect=True)


def test_in_and_out_by_keyboard(world: World, visit: Visit) -> None:
    project = make_project(world.admin, name=unique("found"))
    person = make_member(world.admin, project=project, role=Role.GUEST)
    page = visit()
    # Somebody follows a link that is for members.
    page.goto("/account/profile")
    expect(page).to_have_url(re.compile(f"{SIGN_IN}\\?next="))
    _type(page, person.name, f"{person.password}?")
    expect(page.get_by_role("alert")).to_have_text("User name or password is wrong.")
    # What was typed is still there, but for the password.
    expect(page.get_by_label("User name or e-mail")).to_have_value(person.name)
    expect(page.get_by_label("Password")).to_have_value("")

    def signed_in() -> bool:
        _type(page, person.name, person.password)
        return page.get_by_role("heading", level=1).inner_text() == "Profile"

    # A wrong password holds its name for a moment.
    eventually(signed_in)
    _find(page, project)
    _sign_out(page, person.name)


def _type(page: Page, name: str, password: str) -> None:
    """Into the fields as they come, and send by Enter."""
    expect(page.get_by_label("User name or e-mail")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(password)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def _find(page: Page, project: str) -> None:
    """By the key for it, which writes nothing where one is typing."""
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Search", exact=True)
    expect(field).to_be_focused()
    page.keyboard.type(project[:-1])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/harbor/search"))
    found = page.get_by_role("region", name="Projects").get_by_role("link", name=project)
    expect(found).to_be_visible()
    # From the field of the page the rest of the name is typed: what is found is renewed in its place.
    page.get_by_label("A part of a name").focus()
    page.keyboard.press("End")
    page.keyboard.type("-nothing")
    expect(page.get_by_text("Nothing is found")).to_be_visible()
    for _letter in "-nothing":
        page.keyboard.press("Backspace")
    expect(found).to_be_visible()
    # On to the first result, past the button.
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(found).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(project)


def _sign_out(page: Page, name: str) -> None:
    """By the menu at the top, which opens and closes by keys."""
    button = page.get_by_role("button", name=name)
    last = page.get_by_role("button", name="Sign out")
    button.focus()
    page.keyboard.press("Enter")
    expect(last).to_be_visible()
    page.keyboard.press("Escape")
    expect(last).to_be_hidden()
    expect(button).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(last).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    # What was seen is not to be had by going back.
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
