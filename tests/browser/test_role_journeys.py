"""What each role of a project does in a browser, what is not in its pages, and what its addresses say by hand."""

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.support.accounts import Role, make_member, make_project, make_user, unique
from tests.support.http import RegistryClient
from tests.support.images import Image, make_image
from tests.support.journeys import (
    confirm,
    dialog,
    menu,
    open_tab,
    row,
    see_refused,
    see_told,
    shown_commands,
    tabs,
)
from tests.support.terminal import Terminal
from tests.support.world import World

# What is seen does not depend on the database: tests/portal asks for the pages on both.
pytestmark = pytest.mark.parametrize("server", ["embedded"], indirect=True)
_CHANGES = ("Copy to", "Put a label on", "Deactivate", "Delete", "New tag")


@dataclass(frozen=True)
class Place:
    """A project with one image, ``web/app:v1``, and a label."""

    project: str
    id: int
    image: Image
    artifact: int
    label: str

    @property
    def home(self) -> str:
        """The address of its pages."""
        return f"/harbor/projects/{self.id}"

    @property
    def repository(self) -> str:
        """The address of the repository's pages; without the end that of its artifacts."""
        return f"{self.home}/repositories/web/app/-"

    @property
    def artifact_page(self) -> str:
        """The address of the image's page."""
        return f"{self.repository}/artifacts/{self.image.digest}"

    @property
    def short(self) -> str:
        """The image as lists name it."""
        return self.image.digest[: len("sha256:") + 12]


def make_place(world: World, *, public: bool = False) -> Place:
    """One that nobody but its journey uses."""
    project = make_project(world.admin, name=unique("place"), public=public)
    number = world.admin.get(f"/projects/{project}").json()["project_id"]
    image = make_image()
    with RegistryClient(world.server.url, world.server.admin) as registry:
        registry.push(f"{project}/web/app", image, tag="v1")
    artifact = world.admin.get(f"/projects/{project}/repositories/web%252Fapp/artifacts/v1").json()["id"]
    label = unique("tested")
    body = {"name": label, "color": "#48960C", "scope": "p", "project_id": number}
    assert world.admin.post("/labels", json=body).status_code == 201
    return Place(project, number, image, artifact, label)


@pytest.fixture
def place(world: World) -> Place:
    return make_place(world)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def _open(page: Page, place: Place, role: str) -> None:
    """From the list of projects into the project."""
    line = row(page, place.project)
    expect(line.get_by_role("cell").nth(2)).to_have_text(role)
    line.get_by_role("link", name=place.project).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(place.project)


def _open_artifact(page: Page, place: Place) -> None:
    open_tab(page, "Repositories")
    page.get_by_role("link", name="web/app", exact=True).click()
    page.get_by_role("link", name=place.short).click()
    expect(page.get_by_role("heading", level=2)).to_have_text(place.short)


def test_a_maintainer(world: World, visit: Visit, place: Place) -> None:
    page = visit(make_member(world.admin, project=place.project, role=Role.MAINTAINER))
    _open(page, place, "Maintainer")
    expect(tabs(page).filter(has_text="Logs")).to_have_count(0)
    for tab, missing in (("Members", "Add a person"), ("Robot accounts", "New robot account")):
        open_tab(page, tab)
        expect(page.get_by_role("link", name=missing)).to_have_count(0)
    open_tab(page, "Labels")
    expect(page.get_by_role("link", name="New label")).to_be_visible()

    _open_artifact(page, place)
    page.get_by_role("link", name="Deactivate").click()
    confirm(page, "Deactivate the artifact?", "Deactivate")
    expect(page.get_by_text("Nobody can pull this artifact")).to_be_visible()
    page.get_by_role("link", name="Activate", exact=True).click()
    confirm(page, "Activate the artifact?", "Activate")
    see_told(page, "The artifact can be pulled again.")
    page.get_by_role("link", name="Delete v1").click()
    confirm(page, "Delete the tag v1?", "Delete")
    see_told(page, "The tag v1 is in the trash.")
    expect(page.locator("#tags")).to_contain_text("No tags")

    open_tab(page, "Trash")
    page.get_by_role("link", name=f"{place.project}/web/app:v1").click()
    # For good is for a project admin.
    expect(page.get_by_role("link", name="Delete for good")).to_have_count(0)
    entry = page.url
    page.get_by_role("link", name="Restore").click()
    confirm(page, f"Restore {place.project}/web/app:v1?", "Restore")
    see_told(page, "is restored")
    expect(row(page, place.short)).to_contain_text("v1")
    see_refused(page, entry, HTTPStatus.NOT_FOUND)
    for path in (
        "members/new/person",
        "robots/new",
        "logs",
        "configs/access",
        "push-rules/edit",
        "webhook/new",
        "delete",
    ):
        see_refused(page, f"{place.home}/{path}")


def test_a_developer(world: World, visit: Visit, place: Place, terminal: Terminal) -> None:
    person = make_member(world.admin, project=place.project, role=Role.DEVELOPER)
    page = visit(person)
    _open(page, place, "Developer")
    expect(tabs(page)).to_have_text(["Summary", "Repositories", "Members", "Robot accounts", "Tag retention"])
    page.get_by_role("link", name="Push commands").click()
    dialog(page, "Push commands")
    sign_in, push = shown_commands(page, "skopeo")
    terminal.login(sign_in, person)
    image = make_image()
    ran = terminal.copy(push, image)
    assert ran.code == 0, ran.text
    page.keyboard.press("Escape")

    open_tab(page, "Repositories")
    page.get_by_role("link", name="my-app", exact=True).click()
    # Whoever may not delete sees no way to.
    expect(page.get_by_role("button", name="Put a label on")).to_be_visible()
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    page.get_by_role("link", name=image.digest[:19]).click()
    page.get_by_role("link", name="New tag").click()
    form = dialog(page, "New tag")
    form.get_by_role("textbox").first.fill("stable")
    form.get_by_role("button", name="Create").click()
    see_told(page, "The tag stable is there.")
    page.get_by_role("link", name="Put a label on").click()
    form = dialog(page, "Put a label on 1 artifact")
    form.get_by_label("Label").select_option(label=place.label)
    form.get_by_role("button", name="Put on").click()
    expect(page.locator(".label-badge")).to_have_text(place.label)
    for missing in ("Delete", "Delete stable", "Deactivate"):
        expect(page.get_by_role("link", name=missing, exact=True)).to_have_count(0)

    target = push.rpartition(" ")[2]
    refused = terminal.run(f"skopeo delete --tls-verify=false {target}")
    assert refused.code != 0, refused.text
    page.reload()
    expect(page.locator("#tags tbody tr")).to_have_count(2)
    for path in (
        f"{place.repository}/selected/delete?artifact={place.artifact}",
        f"{place.artifact_page}/tags/v1/delete",
        f"{place.artifact_page}/deactivate",
        f"{place.repository}/delete",
        f"{place.home}/trash",
        f"{place.home}/labels/new",
        f"{place.home}/tag-strategy/immutable-tag",
        f"{place.home}/webhook",
        f"{place.home}/logs",
        f"{place.home}/members/new/person",
    ):
        see_refused(page, path)


@pytest.mark.parametrize(
    ("role", "called", "seen"),
    [
        (Role.GUEST, "Guest", ["Summary", "Repositories", "Members", "Robot accounts"]),
        (Role.LIMITED_GUEST, "Limited guest", ["Summary", "Repositories"]),
    ],
)
def test_a_guest(
    world: World, visit: Visit, place: Place, terminal: Terminal, role: Role, called: str, seen: list[str]
) -> None:
    person = make_member(world.admin, project=place.project, role=role)
    page = visit(person)
    _open(page, place, called)
    expect(tabs(page)).to_have_text(seen)
    expect(page.get_by_role("region", name="About this project")).to_be_visible()
    expect(page.get_by_role("link", name="Push commands")).to_have_count(0)
    expect(page.get_by_role("link", name="All members")).to_have_count(seen.count("Members"))
    _see_only_what_may_be_pulled(page, place)
    _see_others_do_it(page, place, seen)

    (pull,) = shown_commands(page, "skopeo")
    host = world.server.host
    terminal.login(f"skopeo login --tls-verify=false {host}", person)
    assert terminal.run(pull).code == 0
    push = f"skopeo copy --dest-tls-verify=false oci:app:v1 docker://{host}/{place.project}/web/app:v2"
    refused = terminal.copy(push, make_image())
    assert refused.code != 0, refused.text


def _see_only_what_may_be_pulled(page: Page, place: Place) -> None:
    """The list of artifacts and the image's page: nothing there changes anything."""
    open_tab(page, "Repositories")
    expect(page.get_by_role("link", name="Delete web/app")).to_have_count(0)
    page.get_by_role("link", name="web/app", exact=True).click()
    expect(row(page, place.short)).to_contain_text("v1")
    expect(page.locator("main").get_by_role("checkbox")).to_have_count(0)
    page.get_by_role("link", name=place.short).click()
    expect(page.get_by_role("heading", level=2)).to_have_text(place.short)
    for missing in (*_CHANGES, "Delete v1"):
        expect(page.locator("main").get_by_role("link", name=missing, exact=True)).to_have_count(0)
    expect(page.locator("main form[method=post]")).to_have_count(0)


def _see_others_do_it(page: Page, place: Place, seen: list[str]) -> None:
    """Addresses that are not for guests, and back."""
    here = page.url
    for tab, path in (("Members", "members"), ("Robot accounts", "robots")):
        if tab not in seen:
            see_refused(page, f"{place.home}/{path}")
    for path in (
        f"{place.home}/push-commands",
        f"{place.home}/tag-strategy/tag-retention",
        f"{place.home}/tag-strategy/immutable-tag",
        f"{place.home}/trash",
        f"{place.home}/logs",
        f"{place.home}/configs",
        f"{place.repository}/history",
        f"{place.repository}/selected/label?artifact={place.artifact}",
        f"{place.artifact_page}/tags/new",
    ):
        see_refused(page, path)
    page.goto(here)


def test_somebody_from_outside(world: World, visit: Visit, place: Place) -> None:
    public = make_place(world, public=True)
    page = visit(make_user(world.admin))
    expect(menu(page)).to_have_text(["Projects", "Logs"])
    page.goto(f"/harbor/projects?search={place.project}")
    expect(page.get_by_text("No project matches")).to_be_visible()
    for text in (place.project, place.image.digest):
        page.goto(f"/harbor/search?text={text}")
        expect(page.get_by_text("Nothing is found")).to_be_visible()
    for path in (
        f"{place.home}/summary",
        f"{place.home}/repositories",
        place.repository[:-2],
        place.artifact_page,
    ):
        see_refused(page, path)
        assert place.project not in page.content()
    # One that is not there looks the same.
    see_refused(page, "/harbor/projects/99999999/summary")
    for path in ("/harbor/nothing", f"{public.home}/repositories/nothing"):
        see_refused(page, path, HTTPStatus.NOT_FOUND)
    for path in ("users", "groups", "robots", "labels", "quotas", "gc", "purge", "jobs", "system-settings"):
        see_refused(page, f"/harbor/{path}")

    page.goto(f"/harbor/projects?search={public.project}")
    _open(page, public, "")
    expect(tabs(page)).to_have_text(["Summary", "Repositories"])
    _see_only_what_may_be_pulled(page, public)
    see_refused(page, f"{public.home}/members")
    see_refused(page, f"{public.repository}/selected/delete?artifact={public.artifact}")


def test_a_visitor_who_turns_out_to_be_a_member(world: World, visit: Visit, place: Place) -> None:
    public = make_place(world, public=True)
    guest = make_member(world.admin, project=place.project, role=Role.GUEST)
    page = visit()
    page.goto("/")
    expect(menu(page)).to_have_text(["Projects"])
    expect(page.get_by_role("link", name="New project")).to_have_count(0)
    page.goto(f"/harbor/projects?search={place.project}")
    expect(page.get_by_text("No project matches")).to_be_visible()
    page.goto(f"/harbor/projects?search={public.project}")
    page.get_by_role("link", name=public.project, exact=True).click()
    expect(tabs(page)).to_have_text(["Summary", "Repositories"])
    _see_only_what_may_be_pulled(page, public)
    for path in (
        "/harbor/logs",
        "/harbor/users",
        "/account/profile",
        "/harbor/projects/new",
        f"{public.home}/members",
        place.artifact_page,
    ):
        page.goto(path)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert place.project not in page.content()

    # The last of these addresses is for members: signing in leads there.
    page.get_by_label("User name or e-mail").fill(guest.name)
    page.get_by_label("Password").fill(guest.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{place.project}/web/app")
    expect(page.get_by_role("heading", level=2)).to_have_text(place.short)
