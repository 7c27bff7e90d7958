"""The trash of a project and the history of its repositories in the portal."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import Role, add_member, make_project
from tests.support.browsing import SIGN_IN
from tests.support.http import RegistryClient
from tests.support.images import Image, make_image
from tests.support.world import World

_ROLES = {
    "guest": Role.GUEST,
    "developer": Role.DEVELOPER,
    "maintainer": Role.MAINTAINER,
    "project_admin": Role.PROJECT_ADMIN,
}


@dataclass
class Place:
    """A project whose repository ``team/app`` has ``v1``, which is ``first``, and lost ``v2``, which was ``second``."""

    world: World
    name: str
    id: int
    first: Image
    second: Image

    @property
    def trash(self) -> str:
        """The list."""
        return f"/harbor/projects/{self.id}/trash"

    @property
    def history(self) -> str:
        """The repository's history."""
        return f"/harbor/projects/{self.id}/repositories/team/app/-/history"

    def push(self, image: Image, tag: str) -> None:
        """As the administrator."""
        with RegistryClient(self.world.server.url, self.world.server.admin) as client:
            client.push(f"{self.name}/team/app", image, tag=tag)

    def delete(self, rest: str) -> None:
        """Something of the repository, or all of it."""
        path = f"/projects/{self.name}/repositories/team%252Fapp{rest}"
        assert self.world.admin.delete(path).status_code == 200

    def entry(self) -> str:
        """The page of the latest deletion."""
        (entry, *_) = self.world.admin.get(f"/projects/{self.name}/trash").json()
        return f"{self.trash}/{entry['id']}"

    def tags(self) -> dict[str, str]:
        """The digests of the tags."""
        path = f"/projects/{self.name}/repositories/team%252Fapp/artifacts"
        answer = self.world.admin.get(path)
        rows: list[dict[str, Any]] = answer.json() if answer.status_code == 200 else []
        return {tag["name"]: row["digest"] for row in rows for tag in row.get("tags") or []}


@pytest.fixture
def place(world: World) -> Place:
    name = make_project(world.admin)
    for identity, role in _ROLES.items():
        add_member(world.admin, project=name, person=world.people[identity], role=role)
    project_id = world.admin.get(f"/projects/{name}").json()["project_id"]
    made = Place(world, name, project_id, make_image(), make_image())
    made.push(made.first, "v1")
    made.push(made.second, "v2")
    made.delete(f"/artifacts/{made.second.digest}")
    return made


def test_an_artifact_is_restored(place: Place, browse: Browse) -> None:
    browser = browse("maintainer")
    page = browser.open(place.trash)
    entry = place.entry()
    assert entry in page.links()
    assert "deleted by hand" in page.text
    assert "stays here for 30 days" in page.text

    page = browser.open(entry)
    assert page.has(f'[data-copy="{place.second.digest}"]')
    assert "v2" in page.text
    page = browser.submit(f"{entry}/restore")
    assert page.path == f"/harbor/projects/{place.id}/repositories/team/app"
    assert "is restored, with 1 artifact." in page.text
    assert place.tags() == {"v1": place.first.digest, "v2": place.second.digest}
    assert browser.open(entry).status == 404
    assert "The trash is empty" in browser.open(place.trash).text


def test_a_tag_that_exists_again_is_told(place: Place, browse: Browse) -> None:
    entry = place.entry()
    place.push(place.first, "v2")
    page = browse("maintainer").submit(f"{entry}/restore")
    assert "stay where they are: v2." in page.text
    assert place.tags()["v2"] == place.first.digest


def test_a_tag_whose_artifact_is_gone_is_told_before(place: Place, browse: Browse) -> None:
    place.push(place.first, "v3")
    place.delete("/artifacts/v3/tags/v3")
    entry = place.entry()
    assert "cannot be restored" not in browse("maintainer").open(entry).text
    place.delete("/artifacts/v1")
    browse("project_admin").submit(f"{place.entry()}/forget")
    page = browse("maintainer").open(entry)
    assert "cannot be restored" in page.text
    assert place.first.digest in page.text
    assert f"{entry}/restore" not in page.links()
    page = browse("maintainer").submit(f"{entry}/restore")
    assert page.status == 412
    assert "is gone" in page.text


def test_a_repository_is_restored(place: Place, browse: Browse) -> None:
    place.delete("")
    entry = place.entry()
    page = browse("maintainer").open(f"{place.trash}?kind=repository")
    assert page.links() & {entry}
    assert len(page.document.select("tbody tr")) == 1
    assert place.history in browse("maintainer").open(entry).links()
    assert browse("maintainer").submit(f"{entry}/restore").status == 200
    assert place.tags() == {"v1": place.first.digest}


def test_deletion_for_good_is_the_project_administrators(place: Place, browse: Browse) -> None:
    entry = place.entry()
    assert f"{entry}/forget" not in browse("maintainer").open(entry).links()
    assert browse("maintainer").open(f"{entry}/forget").status == 403
    assert browse("maintainer").post(f"{entry}/forget").status == 403
    assert f"{entry}/forget" in browse("project_admin").open(entry).links()
    assert "cannot be undone" in browse("project_admin").open(f"{entry}/forget").text
    page = browse("project_admin").submit(f"{entry}/forget")
    assert page.path == place.trash
    assert "is deleted for good." in page.text
    assert browse("project_admin").open(entry).status == 404
    assert place.world.admin.get(f"/projects/{place.name}/trash").json() in (None, [])


def test_who_sees_the_trash(place: Place, browse: Browse) -> None:
    entry = place.entry()
    project = f"/harbor/projects/{place.id}/repositories"
    for identity, status in (("guest", 403), ("developer", 403), ("outsider", 403), ("auditor", 200)):
        for address in (place.trash, entry):
            assert browse(identity).open(address).status == status, identity
        assert browse(identity).post(f"{entry}/restore").status == 403
    assert place.trash not in browse("guest").open(project).links()
    assert place.trash in browse("auditor").open(project).links()
    assert f"{entry}/restore" not in browse("auditor").open(entry).links()
    assert browse("anonymous").open(place.trash).path.startswith(SIGN_IN)


def test_an_entry_belongs_to_its_project(place: Place, world: World, browse: Browse) -> None:
    other = world.admin.get(f"/projects/{make_project(world.admin)}").json()["project_id"]
    number = place.entry().rpartition("/")[2]
    for rest in ("", "/restore", "/forget"):
        assert browse("sysadmin").open(f"/harbor/projects/{other}/trash/{number}{rest}").status == 404


def test_the_history_tells_each_move(place: Place, browse: Browse) -> None:
    place.push(place.second, "v1")
    page = browse("developer").open(place.history)
    rows = [" ".join(row.get_text(" ").split()) for row in page.document.select("tbody tr")]
    assert len(rows) == 4
    assert f"v1 {place.first.digest[:19]}" in rows[0]
    assert "pushed" in rows[0]
    assert "v2" in rows[1]
    assert "gone" in rows[1]
    assert "deleted" in rows[1]
    assert "not there" in rows[3]
    page = browse("developer").open(f"{place.history}?search=v2")
    assert len(page.document.select("tbody tr")) == 2
    assert not page.has("a[href*='rewind']"), "a developer deletes no artifacts"


def test_a_repository_is_put_back(place: Place, browse: Browse) -> None:
    """To where it was before the deletion, by the link of the move before it; and back again."""
    browser = browse("maintainer")
    page = browser.open(place.history)
    links = [str(link["href"]) for link in page.document.select("tbody a[href*='rewind']")]
    assert len(links) == 3
    page = browser.open(links[1])
    (row,) = page.document.select("tbody tr")
    assert "v2" in row.get_text()
    assert "comes back" in row.get_text()
    assert "1 tag stays as it is" in page.text
    assert place.tags() == {"v1": place.first.digest}
    page = browser.send(page)
    assert page.path == place.history
    assert "1 tag changed" in page.text
    assert "the repository was put back" in page.text
    assert place.tags() == {"v1": place.first.digest, "v2": place.second.digest}

    page = browser.open(links[2])
    assert "goes to the trash" in page.text
    browser.send(page)
    assert place.tags() == {"v1": place.first.digest}


def test_a_deleted_repository_is_put_back(place: Place, browse: Browse) -> None:
    place.delete("")
    browser = browse("maintainer")
    page = browser.open(f"{place.history}?search=v1&sort=when")
    assert "This repository is deleted." in page.text
    page = browser.open(str(page.document.select_one("tbody a[href*='rewind']")["href"]))
    page = browser.send(page)
    assert page.status == 200
    assert place.tags() == {"v1": place.first.digest}


def test_what_is_gone_is_told_before(place: Place, browse: Browse) -> None:
    browser = browse("project_admin")
    links = [
        str(link["href"]) for link in browser.open(place.history).document.select("tbody a[href*='rewind']")
    ]
    browser.submit(f"{place.entry()}/forget")
    page = browser.open(links[1])
    assert "its artifact is gone" in page.text
    assert not page.has("main form[method=post]")
    page = browser.post(f"{place.history}/rewind", time=unquote(links[1].partition("time=")[2]))
    assert page.status == 412
    assert "are gone: v2" in page.text
    assert place.tags() == {"v1": place.first.digest}


@pytest.mark.parametrize("time", ["", "never", "9999-01-01T00:00:00", "1999-01-01T00:00:00"])
def test_times_that_cannot_be(place: Place, browse: Browse, time: str) -> None:
    page = browse("maintainer").open(f"{place.history}/rewind?time={time}")
    assert page.status in {400, 422}
    assert page.has(".alert-danger, .invalid-feedback")
    assert not page.has("main form[method=post]")
    assert browse("maintainer").post(f"{place.history}/rewind", time=time).status in {400, 422}


def test_who_sees_the_history(place: Place, browse: Browse) -> None:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
    rewind = f"{place.history}/rewind"
    assert browse("guest").open(place.history).status == 403
    assert place.history not in browse("guest").open(place.history.removesuffix("/-/history")).links()
    assert place.history in browse("developer").open(place.history.removesuffix("/-/history")).links()
    assert browse("auditor").open(place.history).status == 200
    for identity in ("guest", "developer", "auditor"):
        assert browse(identity).open(f"{rewind}?time={now}").status == 403
        assert browse(identity).post(rewind, time=now).status == 403
    assert browse("maintainer").open(rewind).status == 200
    assert browse("anonymous").open(place.history).path.startswith(SIGN_IN)
    nothing = f"/harbor/projects/{place.id}/repositories/nothing/-/history"
    assert browse("maintainer").open(nothing).status == 404


def test_addresses_are_for_readers_of_the_log(place: Place, browse: Browse) -> None:
    assert "127.0.0.1" in browse("project_admin").open(place.history).text
    log = f"/harbor/projects/{place.id}/logs"
    for identity in ("developer", "maintainer"):
        may = browse(identity).open(log).status == 200
        assert ("127.0.0.1" in browse(identity).open(place.history).text) == may
