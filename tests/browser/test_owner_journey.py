"""A project admin's day in a browser: from an empty project to the log of all that was done in it."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.support.accounts import Person, api, make_project, make_user, unique
from tests.support.furnishing import make_shop
from tests.support.images import Image
from tests.support.journeys import (
    confirm,
    dialog,
    menu,
    open_tab,
    row,
    see_in_log,
    see_told,
    shown_commands,
    tabs,
)
from tests.support.terminal import Terminal
from tests.support.world import World

_LONG = 60_000
"""Milliseconds in which a job has begun and ended."""
_TABS = [
    "Summary",
    "Repositories",
    "Members",
    "Labels",
    "Robot accounts",
    "Tag retention",
    "Tag immutability",
    "Push rules",
    "Webhooks",
    "Trash",
    "Logs",
    "Configuration",
]


@dataclass
class Owner:
    """Somebody at a browser and a terminal, and what they have made so far."""

    page: Page
    terminal: Terminal
    person: Person
    project: str
    push: str = ""
    """The command that pushes, as the project's first page shows it."""

    def short(self, image: Image) -> str:
        """An image as lists name it."""
        return image.digest[: len("sha256:") + 12]

    def open_artifact(self, image: Image) -> None:
        """Go to its page by way of the repository."""
        self.open_repository()
        self.page.get_by_role("link", name=self.short(image)).click()
        expect(self.page.get_by_role("heading", level=2)).to_have_text(self.short(image))

    def open_repository(self) -> None:
        """Go to the only repository."""
        open_tab(self.page, "Repositories")
        self.page.get_by_role("link", name="my-app", exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(f"{self.project}/my-app")


@pytest.fixture
def owner(world: World, visit: Visit, tmp_path: Path) -> Owner:
    person = make_user(world.admin)
    return Owner(visit(person), Terminal(tmp_path), person, unique("owned"))


def test_a_project_from_its_first_push_to_its_log(world: World, owner: Owner) -> None:
    images = [make_shop() for _ in range(3)]
    label, robot = unique("label"), unique("builder")
    with api(world.server.url, owner.person) as client:
        second = make_project(client, name=unique("second"))
    _make_the_project(owner)
    _push_as_the_first_steps_say(owner, images[0])
    _look_at_the_artifact(owner, images[0])
    _put_a_label_on(owner, images[0], label)
    _copy(owner, images[0], second)
    _push_by_a_robot(owner, images[1], robot)
    _keep_a_tag(owner, images[0], images[2])
    _run_retention(owner, images)
    _delete_and_restore(owner, images[2])
    _turn_the_robot_off(owner, images[0], robot)
    _read_the_log(owner, label, robot)


def _make_the_project(owner: Owner) -> None:
    page = owner.page
    expect(menu(page)).to_have_text(["Projects", "Logs"])
    page.get_by_role("link", name="New project").click()
    form = dialog(page, "New project")
    form.get_by_label("Name").fill(owner.project)
    form.get_by_role("button", name="Create").click()
    see_told(page, f"The project {owner.project} is there.")
    expect(page.get_by_role("heading", level=1)).to_have_text(owner.project)
    expect(tabs(page)).to_have_text(_TABS)


def _push_as_the_first_steps_say(owner: Owner, image: Image) -> None:
    page = owner.page
    first_steps = page.get_by_role("region", name="First steps")
    expect(first_steps).to_be_visible()
    sign_in, owner.push = shown_commands(page, "skopeo")
    owner.terminal.login(sign_in, owner.person)
    ran = owner.terminal.copy(owner.push, image)
    assert ran.code == 0, ran.text

    open_tab(page, "Summary")
    expect(first_steps).to_be_hidden()
    expect(
        page.get_by_role("region", name="About this project").get_by_role("definition").first
    ).to_have_text("1")
    expect(page.get_by_role("region", name="Storage", exact=True)).to_contain_text("KiB in use")
    # The commands are still to be had.
    page.get_by_role("link", name="Push commands").click()
    expect(dialog(page, "Push commands")).to_contain_text(owner.push)
    page.keyboard.press("Escape")


def _look_at_the_artifact(owner: Owner, image: Image) -> None:
    page = owner.page
    owner.open_artifact(image)
    expect(page.locator("main")).to_contain_text(image.digest)
    expect(page.locator("main")).to_contain_text("linux/amd64")
    expect(page.locator("#tags tbody tr")).to_contain_text(["1.0.0"])
    (pull,) = shown_commands(page, "skopeo")
    assert owner.terminal.run(pull).code == 0

    page.get_by_role("navigation", name="Artifact", exact=True).get_by_role("link", name="Layers").click()
    steps = page.locator("tbody tr")
    expect(steps).to_have_count(5)
    for number, command in ((0, "ADD file:0d8e in /"), (2, "apt-get update"), (3, "COPY . /srv/shop")):
        expect(steps.nth(number)).to_contain_text(command)
        layer = image.layers[max(number - 1, 0)]
        expect(steps.nth(number)).to_contain_text(layer.digest[: len("sha256:") + 12])
        expect(steps.nth(number)).to_contain_text("B")
    expect(steps.nth(1)).to_contain_text("no layer")
    expect(steps.nth(4)).to_contain_text("no layer")


def _put_a_label_on(owner: Owner, image: Image, label: str) -> None:
    page = owner.page
    open_tab(page, "Labels")
    page.get_by_role("link", name="New label").click()
    form = dialog(page, "New label")
    form.get_by_label("Name").fill(label)
    form.get_by_label("#48960C").check()
    form.get_by_role("button", name="Create").click()
    see_told(page, f"The label {label} is there.")
    expect(row(page, label)).to_contain_text("#48960C")

    owner.open_artifact(image)
    page.get_by_role("link", name="Put a label on").click()
    form = dialog(page, "Put a label on 1 artifact")
    form.get_by_label("Label").select_option(label=label)
    form.get_by_role("button", name="Put on").click()
    see_told(page, "The label is put on.")
    expect(page.locator(".label-badge")).to_have_text(label)

    owner.open_repository()
    page.get_by_label("Label", exact=True).select_option(label=label)
    expect(page).to_have_url(re.compile(r"[?&]label=\d+"))
    expect(row(page, owner.short(image))).to_contain_text(label)


def _copy(owner: Owner, image: Image, second: str) -> None:
    page = owner.page
    owner.open_artifact(image)
    page.get_by_role("link", name="Copy to").click()
    form = dialog(page, "Copy 1 artifact")
    expect(form.get_by_label("Repository")).to_have_value("my-app")
    form.get_by_label("To the project").select_option(label=second)
    form.get_by_label("Repository").fill("copies/app")
    form.get_by_role("button", name="Copy").click()
    see_told(page, "1 artifact is copied.")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{second}/copies/app")
    expect(row(page, owner.short(image), "1.0.0")).to_have_count(1)
    # Labels stay behind.
    expect(page.locator(".label-badge")).to_have_count(0)
    page.goto("/harbor/projects")
    page.get_by_role("link", name=owner.project, exact=True).click()


def _push_by_a_robot(owner: Owner, image: Image, robot: str) -> None:
    page = owner.page
    open_tab(page, "Robot accounts")
    page.get_by_role("link", name="New robot account").click()
    page.get_by_label("Name", exact=True).fill(robot)
    for action in ("pull", "push"):
        expect(page.locator(f"input[value='repository:{action}']")).to_be_checked()
    page.get_by_role("button", name="Create").click()
    see_told(page, "It is not shown again.")
    full_name = page.locator(".command code").first.inner_text()
    secret = page.locator("#secret").inner_text()
    assert full_name.endswith(f"{owner.project}+{robot}")

    (sign_in,) = shown_commands(page, "skopeo")
    owner.terminal.login(sign_in, Person(full_name, secret))
    ran = owner.terminal.copy(owner.push, image, tag="2.0.0")
    assert ran.code == 0, ran.text
    page.get_by_role("link", name="I have kept it").click()
    expect(row(page, full_name)).to_contain_text("enabled")
    assert secret not in page.content()


def _keep_a_tag(owner: Owner, image: Image, newest: Image) -> None:
    page = owner.page
    open_tab(page, "Tag immutability")
    page.get_by_role("link", name="Add a rule").click()
    form = dialog(page, "New immutability rule")
    form.get_by_label("Pattern of tags").fill("1.*")
    form.get_by_role("button", name="Add").click()
    see_told(page, "The rule is added.")
    expect(row(page, "matching 1.*")).to_contain_text("enabled")

    # It holds for those who push and for those who delete.
    refused = owner.terminal.copy(owner.push, newest)
    assert refused.code != 0
    assert "immutable" in refused.text, refused.text
    owner.open_artifact(image)
    expect(page.locator("#tags tbody tr")).to_contain_text(["immutable"])
    page.get_by_role("link", name="Delete 1.0.0").click()
    confirm(page, "Delete the tag 1.0.0?", "Delete")
    expect(page.get_by_role("alert")).to_contain_text("immutable")
    ran = owner.terminal.copy(owner.push, newest, tag="3.0.0")
    assert ran.code == 0, ran.text


def _run_retention(owner: Owner, images: list[Image]) -> None:
    page = owner.page
    open_tab(page, "Tag retention")
    page.get_by_role("link", name="Add a rule").click()
    form = dialog(page, "New retention rule")
    form.get_by_label("Retain", exact=True).select_option(label="the N most recently pushed artifacts")
    form.get_by_label("N", exact=True).fill("1")
    form.get_by_role("button", name="Add").click()
    see_told(page, "The rule is added.")
    expect(row(page, "retain the most recently pushed artifact")).to_contain_text("enabled")

    page.get_by_role("button", name="Dry run").click()
    see_told(page, "The dry run has begun.")
    _see_what_becomes_of(owner, images, "would be deleted")
    owner.open_repository()
    for image in images:
        expect(row(page, owner.short(image))).to_have_count(1)

    open_tab(page, "Tag retention")
    page.get_by_role("link", name="Run now").click()
    confirm(page, "Run the retention policy now?", "Run")
    see_told(page, "The run has begun.")
    _see_what_becomes_of(owner, images, "deleted")
    owner.open_repository()
    expect(row(page, owner.short(images[2]), "3.0.0")).to_have_count(1)
    expect(row(page, owner.short(images[0]), "1.0.0")).to_have_count(1)
    expect(row(page, owner.short(images[1]))).to_have_count(0)


def _see_what_becomes_of(owner: Owner, images: list[Image], second: str) -> None:
    """Wait for the end of the run whose page is open, and look at the log of the repository."""
    page = owner.page
    expect(page.locator("dl.datagrid")).to_contain_text("Success", timeout=_LONG)
    line = row(page, "my-app")
    expect(line).to_contain_text("Success")
    line.get_by_role("link").first.click()
    fates = ("kept by an immutability rule", second, "retained")
    for image, fate in zip(images, fates, strict=True):
        expect(row(page, owner.short(image)).get_by_role("cell").first).to_have_text(fate)


def _delete_and_restore(owner: Owner, image: Image) -> None:
    page = owner.page
    # What retention deletes is in the trash, with its reason.
    open_tab(page, "Trash")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("tag retention")

    owner.open_repository()
    page.get_by_label(f"Check {owner.short(image)}").check()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("Delete 1 artifact?")
    expect(row(page, owner.short(image))).to_contain_text("3.0.0")
    page.get_by_role("button", name="Delete").click()
    see_told(page, "1 artifact is in the trash.")
    expect(row(page, owner.short(image))).to_have_count(0)

    open_tab(page, "Trash")
    mine = row(page, owner.short(image))
    expect(mine).to_contain_text(owner.person.name)
    expect(mine).to_contain_text("deleted by hand")
    mine.get_by_role("link").click()
    page.get_by_role("link", name="Restore").click()
    confirm(page, f"Restore {owner.project}/my-app@{owner.short(image)}?", "Restore")
    see_told(page, "is restored, with 1 artifact.")
    expect(row(page, owner.short(image), "3.0.0")).to_have_count(1)
    owner.open_artifact(image)
    (pull,) = shown_commands(page, "skopeo")
    assert "3.0.0" in pull
    assert owner.terminal.run(pull).code == 0


def _turn_the_robot_off(owner: Owner, image: Image, robot: str) -> None:
    page = owner.page
    open_tab(page, "Robot accounts")
    page.get_by_role("button", name=f"{owner.project}+{robot}").click()
    see_told(page, "is disabled.")
    expect(row(page, robot)).to_contain_text("disabled")
    refused = owner.terminal.copy(owner.push, image, tag="4.0.0")
    assert refused.code != 0
    assert "wrong user name or password" in refused.text, refused.text


def _read_the_log(owner: Owner, label: str, robot: str) -> None:
    page, project, name = owner.page, owner.project, owner.person.name
    app = f"{project}/my-app"
    open_tab(page, "Logs")
    page.goto(f"{page.url}?page_size=100")
    see_in_log(page, name, "create", "project", project)
    see_in_log(page, name, "create", "artifact", f"{app}:1.0.0")
    see_in_log(page, name, "create", "label", label)
    see_in_log(page, name, "create", "label of an artifact", f"{app}@sha256:")
    see_in_log(page, name, "create", "robot account", robot)
    see_in_log(page, f"{project}+{robot}", "create", "artifact", f"{app}:2.0.0")
    see_in_log(page, name, "update", "robot account", robot)
    see_in_log(page, name, "create", "immutability rule", project)
    see_in_log(page, f"{project}+{robot}", "create", "artifact", app, "refused or failed")
    see_in_log(page, name, "update", "tag", app, "refused or failed")
    see_in_log(page, name, "create", "tag retention", project)
    see_in_log(page, name, "dry run", "tag retention", project)
    see_in_log(page, name, "run", "tag retention", project)
    see_in_log(page, "retention", "delete", "artifact", f"{app}:2.0.0")
    see_in_log(page, name, "delete", "artifact", f"{app}:3.0.0")
    see_in_log(page, name, "restore", "artifact", f"{app}:3.0.0")
