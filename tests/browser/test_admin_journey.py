"""An administrator's day in a browser: people, garbage collection, the banner, the log, the language."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.support.accounts import Person, unique
from tests.support.journeys import confirm, dialog, menu, open_menu, row, see_in_log, see_told
from tests.support.settings import changed_settings
from tests.support.world import World

_LONG = 60_000
"""Milliseconds in which a job has begun and ended."""
_QUEUE = "/jobservice/queues/GARBAGE_COLLECTION"
_MENU = [
    "Projects",
    "Logs",
    "Users",
    "Groups",
    "Robot accounts",
    "Labels",
    "Project quotas",
    "Garbage collection",
    "Log rotation",
    "Job dashboard",
    "Statistics",
    "System settings",
]
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def as_before(world: World) -> Iterator[None]:
    """Others use the same server: the banner and the queue are left as they were, whatever happens."""
    with changed_settings(world.admin, banner_message=""):
        yield
    assert world.admin.put(_QUEUE, json={"action": "resume"}).status_code == 200


@pytest.mark.usefixtures("as_before")
def test_an_installation_from_its_people_to_its_log(world: World, visit: Visit) -> None:
    page = visit(world.server.admin)
    expect(menu(page)).to_have_text(_MENU)
    person = Person(unique("newcomer"), "Correct-Horse-9-Battery")
    newcomer = _let_somebody_in(page, visit, person)
    _tell_everybody(page, newcomer)
    _collect_and_watch(page, world)
    _send_somebody_away(page, newcomer, person)
    _read_the_log(page, person)
    _change_the_language(page)


def _let_somebody_in(page: Page, visit: Visit, person: Person) -> Page:
    """Make an account; its owner's window, in which they have signed in."""
    open_menu(page, "Users")
    page.get_by_role("link", name="New user").click()
    form = dialog(page, "New user")
    for label, value in (
        ("User name", person.name),
        ("E-mail", f"{person.name}@example.com"),
        ("First and last name", "New Comer"),
        ("The password again", person.password),
    ):
        form.get_by_label(label, exact=True).fill(value)
    # A slip, told before anything is made.
    form.get_by_label("Password", exact=True).fill(f"{person.password}!")
    form.get_by_role("button", name="Create").click()
    expect(page.locator("main")).to_contain_text("The passwords are not the same.")
    for label in ("Password", "The password again"):
        page.get_by_label(label, exact=True).fill(person.password)
    page.get_by_role("button", name="Create").click()
    see_told(page, f"The user {person.name} is there.")

    page.get_by_role("searchbox", name="Filter by name or e-mail").fill(person.name)
    page.keyboard.press("Enter")
    expect(row(page, person.name)).to_have_count(1)
    newcomer = visit(person)
    expect(menu(newcomer)).to_have_text(["Projects", "Logs"])
    return newcomer


def _tell_everybody(page: Page, newcomer: Page) -> None:
    words = unique("We move on Sunday")
    open_menu(page, "System settings")
    page.get_by_role("link", name="Banner", exact=True).click()
    page.get_by_label("Message").fill(words)
    page.get_by_label("Look").select_option(label="warning")
    page.get_by_label("Can be closed").check()
    page.get_by_role("button", name="Save").click()
    banner = page.get_by_role("status").filter(has_text=words)
    expect(banner).to_be_visible()
    # Others see it when they next go somewhere, and can put it away.
    newcomer.get_by_role("link", name="Logs").click()
    seen = newcomer.get_by_role("status").filter(has_text=words)
    expect(seen).to_be_visible()
    seen.get_by_role("button", name="Close").click()
    expect(seen).to_be_hidden()

    page.get_by_label("Message").fill("")
    page.get_by_role("button", name="Save").click()
    expect(banner).to_be_hidden()


def _collect_and_watch(page: Page, world: World) -> None:
    # What is begun waits while its queue is paused: so there is something to watch.
    open_menu(page, "Job dashboard")
    page.get_by_role("button", name="Pause: Garbage collection").click()
    see_told(page, "It is paused")
    open_menu(page, "Garbage collection")
    page.get_by_role("link", name="Collect garbage now").click()
    form = dialog(page, "Collect garbage now")
    form.get_by_label("Workers").fill("2")
    form.get_by_role("button", name="Begin").click()
    see_told(page, "It has begun.")
    part = page.locator("#execution")
    expect(part).to_contain_text("Running")
    expect(part).to_contain_text("2 workers")
    expect(part).to_contain_text("Nothing is written yet.")
    page.evaluate("window.isTheSame = true")

    other = page.context.new_page()
    other.goto("/harbor/jobs")
    other.get_by_role("button", name="Resume: Garbage collection").click()
    see_told(other, "It goes on.")
    other.close()
    expect(part.locator(".datagrid")).to_contain_text("Success", timeout=_LONG)
    number = page.url.rpartition("/")[2]
    whole = world.admin.get(f"/system/gc/{number}/log").text
    assert part.get_by_role("region", name="Log").text_content() == whole
    assert page.evaluate("window.isTheSame"), "the page has been loaded again"
    # It stops asking by itself.
    expect(page.locator("[hx-get]")).to_have_count(0)
    open_menu(page, "Garbage collection")
    finished = page.locator("tbody tr").filter(has=page.locator(f"[id='{number}-link']"))
    expect(finished).to_contain_text("Success")
    expect(finished).to_contain_text("by hand")


def _send_somebody_away(page: Page, newcomer: Page, person: Person) -> None:
    open_menu(page, "Users")
    page.get_by_role("searchbox", name="Filter by name or e-mail").fill(person.name)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=person.name, exact=True).click()
    expect(page.locator("main")).to_contain_text("the roles in projects only")
    page.get_by_role("link", name="Delete", exact=True).click()
    confirm(page, f"Delete the user {person.name}?", "Delete")
    see_told(page, f"The user {person.name} is deleted.")
    # The window that they have open is no longer theirs.
    newcomer.goto("/account/profile")
    expect(newcomer.get_by_role("heading", name="Sign in")).to_be_visible()
    newcomer.get_by_label("User name or e-mail").fill(person.name)
    newcomer.get_by_label("Password").fill(person.password)
    newcomer.get_by_role("button", name="Sign in").click()
    expect(newcomer.get_by_role("alert")).to_have_text("User name or password is wrong.")


def _read_the_log(page: Page, person: Person) -> None:
    open_menu(page, "Logs")
    see_in_log(page, "admin", "create", "garbage collection")
    see_in_log(page, "admin", "update", "system settings")
    page.get_by_label("Resource contains").fill(person.name)
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile(f"search={person.name}"))
    for operation in ("create", "delete"):
        see_in_log(page, "admin", operation, "user", person.name)
    see_in_log(page, person.name, "sign in", "user")
    row(page, "admin", "delete").locator("summary").click()
    expect(row(page, "admin", "delete").get_by_role("definition").first).to_be_visible()


def _change_the_language(page: Page) -> None:
    open_menu(page, "Users")
    page.get_by_role("button", name="Language").click()
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(page.get_by_role("heading", level=1)).to_have_text("用户")
    items = menu(page).all_inner_texts()
    assert len(items) == len(_MENU)
    assert all(_CHINESE.search(item) for item in items), items
    # The choice stays, and the address is the same.
    page.goto("/harbor/gc")
    expect(page.get_by_role("heading", level=1)).to_have_text(_CHINESE)
    page.get_by_role("button", name="语言").click()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Garbage collection")
