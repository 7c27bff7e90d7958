"""What somebody does and sees in the portal with a browser."""

from http import HTTPStatus

from playwright.sync_api import Locator, Page, expect

from tests.support.waiting import eventually

_TITLES = {
    HTTPStatus.FORBIDDEN: "You may not do this",
    HTTPStatus.NOT_FOUND: "There is nothing here",
}


def menu(page: Page) -> Locator:
    """The links of the menu at the side, in any language."""
    return page.locator("#menu").get_by_role("link")


def tabs(page: Page) -> Locator:
    """The tabs of a project."""
    return page.get_by_role("navigation", name="Project", exact=True).get_by_role("link")


def open_menu(page: Page, name: str) -> None:
    """Go to a page of the menu."""
    page.get_by_role("complementary", name="Main menu").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def open_tab(page: Page, name: str) -> None:
    """Go to a tab of the project that is open."""
    project = page.get_by_role("navigation", name="Project", exact=True)
    project.get_by_role("link", name=name, exact=True).click()
    expect(project.locator("[aria-current=page]")).to_have_text(name)


def dialog(page: Page, title: str) -> Locator:
    """The dialog that has opened."""
    opened = page.get_by_role("dialog", name=title)
    expect(opened).to_be_visible()
    return opened


def confirm(page: Page, title: str, button: str) -> None:
    """Say yes to a question, after a look at what it says of taking it back."""
    question = dialog(page, title)
    expect(question.locator("p")).not_to_have_count(0)
    question.get_by_role("button", name=button, exact=True).click()


def see_told(page: Page, words: str) -> None:
    """What has just been done is told."""
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()


def row(page: Page, *words: str) -> Locator:
    """The rows of the page's table that have all of these words."""
    found = page.locator("tbody tr")
    for word in words:
        found = found.filter(has_text=word)
    return found


def shown_commands(page: Page, client: str) -> list[str]:
    """The commands that the page shows for a client."""
    return page.locator(f"dl.commands dt:text-is('{client}') + dd code").all_inner_texts()


def see_refused(page: Page, path: str, status: HTTPStatus = HTTPStatus.FORBIDDEN) -> None:
    """Type an address by hand, and be told that it is not for oneself (or that nothing is there)."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == status, f"{path}: {answer.status}"
    expect(page.get_by_role("heading", level=1)).to_have_text(_TITLES[status])
    # Whoever is asked for help is told by which request it was.
    expect(page.locator("main code")).to_have_text(answer.headers["x-request-id"])


def see_in_log(page: Page, who: str, operation: str, kind: str, *words: str) -> None:
    """The log that is open tells it; rows are written a moment after what they tell."""
    found = row(page, who, *words)
    for text in (operation, kind):
        found = found.filter(has=page.get_by_role("cell", name=text, exact=True))

    def count() -> int:
        page.reload()
        return found.count()

    if not found.count():
        eventually(count)
