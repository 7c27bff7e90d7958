"""What the portal's own script does in a browser, and that pages do without it."""

import json
import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.support.accounts import make_project, make_user, unique
from tests.support.browsing import SIGN_IN
from tests.support.settings import changed_settings
from tests.support.world import World


def test_a_form_opens_in_a_dialog_and_its_errors_are_told(world: World, visit: Visit) -> None:
    name = make_project(world.admin)
    page = visit(make_user(world.admin))
    page.get_by_role("link", name="New project").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    page.get_by_role("link", name="New project").click()
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text("already exists")
    fresh = unique("fresh")
    page.get_by_label("Name").fill(fresh)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text(f"The project {fresh} is there.")).to_be_visible()


def test_search_opens_with_a_key_and_everything_is_reached_by_keyboard(world: World, visit: Visit) -> None:
    page = visit(make_user(world.admin))
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Search")
    expect(field).to_be_focused()
    field.fill("a/b")
    expect(field).to_have_value("a/b")

    page.goto("/harbor/projects")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_names_are_suggested_while_one_types(world: World, visit: Visit) -> None:
    stem = unique("sug")
    person = make_user(world.admin, name=f"{stem}-ada")
    answer = world.admin.post("/usergroups", json={"group_name": unique("team"), "group_type": 4})
    page = visit(world.people["sysadmin"])
    page.goto(f"/harbor/groups/{answer.headers['Location'].rpartition('/')[2]}")
    page.get_by_role("link", name="Add a person").click()
    field = page.get_by_role("dialog").get_by_label("User name")
    expect(field).to_be_focused()
    page.keyboard.type(stem)
    expect(page.get_by_role("dialog").locator("datalist option")).to_have_attribute("value", person.name)
    page.keyboard.type("-ada")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{person.name} is in the group")).to_be_visible()


def test_a_banner_is_closed_without_leaving_the_page(world: World, visit: Visit) -> None:
    banner = {"message": "We move tonight", "type": "info", "closable": True}
    with changed_settings(world.admin, banner_message=json.dumps(banner)):
        page = visit(world.people["guest"])
        shown = page.get_by_role("status").filter(has_text="We move tonight")
        expect(shown).to_be_visible()
        page.get_by_role("searchbox", name="Search").fill("half typed")
        shown.get_by_role("button", name="Close").click()
        expect(shown).to_be_hidden()
        expect(page.get_by_role("searchbox", name="Search")).to_have_value("half typed")
        page.reload()
        expect(page.get_by_role("heading", name="Projects")).to_be_visible()
        expect(shown).to_be_hidden()


def test_light_and_dark_follow_the_system_until_one_chooses(world: World, visit: Visit) -> None:
    page = visit(world.people["guest"], color_scheme="dark")
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Light or dark").click()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Light or dark").click()
    expect(root).to_have_attribute("data-bs-theme", "light")


def test_times_are_those_of_the_viewer(world: World, visit: Visit) -> None:
    shown = []
    for zone in ("Asia/Shanghai", "America/New_York"):
        page = visit(world.people["guest"], timezone_id=zone)
        time = page.locator("tbody time").first
        expect(time).not_to_have_text(re.compile("UTC"))
        shown.append(time.inner_text())
    assert shown[0] != shown[1]


def test_a_phone_shows_everything(world: World, visit: Visit) -> None:
    page = visit(world.people["sysadmin"], viewport={"width": 390, "height": 800})
    menu = page.get_by_role("navigation").filter(has=page.get_by_role("link", name="Users"))
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Open the menu").click()
    expect(page.get_by_role("link", name="Users")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_reading_and_writing_work_without_javascript(world: World, visit: Visit) -> None:
    page = visit(make_user(world.admin), java_script_enabled=False)
    name = unique("plain")
    page.get_by_role("link", name="New project").click()
    expect(page).to_have_url(re.compile("/harbor/projects/new"))
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create").click()
    page.goto(f"/harbor/projects?search={name}")
    expect(page.get_by_role("link", name=name)).to_be_visible()


def test_a_session_that_ends_leads_to_the_page_to_sign_in(world: World, visit: Visit) -> None:
    page = visit(world.people["guest"])
    page.context.clear_cookies(name="sid")
    page.goto("/account/profile")
    expect(page).to_have_url(re.compile(SIGN_IN))
