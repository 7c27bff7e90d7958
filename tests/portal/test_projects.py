"""The list of projects, a new one and the end of one."""

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import Person, make_project, make_user, unique
from tests.support.browsing import SIGN_IN, Browser
from tests.support.world import World

PROJECTS = "/harbor/projects"


def test_the_root_leads_to_the_projects(browse: Browse) -> None:
    assert browse("anonymous").open("/").path == PROJECTS


@pytest.mark.parametrize("identity", ["anonymous", "outsider", "guest", "auditor", "sysadmin"])
def test_everybody_sees_the_projects_that_are_theirs(world: World, browse: Browse, identity: str) -> None:
    page = browse(identity).open(f"{PROJECTS}?search={world.private}")
    seen = identity not in {"anonymous", "outsider"}
    assert (world.private in {link.get_text() for link in page.document.select("tbody a")}) == seen
    page = browse(identity).open(f"{PROJECTS}?search={world.public}")
    assert world.public in page.text


def test_the_list_is_searched_filtered_sorted_and_paged(world: World, browse: Browse) -> None:
    stem = unique("many")
    for number in range(3):
        make_project(world.admin, name=f"{stem}-{number}", public=number == 1)

    def names(query: str) -> list[str]:
        page = browse("sysadmin").open(f"{PROJECTS}?search={stem}&{query}")
        return [
            row.td.get_text(strip=True).removeprefix(f"{stem}-") for row in page.document.select("tbody tr")
        ]

    assert names("") == ["0", "1", "2"]
    assert names("sort=-name") == ["2", "1", "0"]
    assert names("visibility=public") == ["1"]
    assert names("visibility=private") == ["0", "2"]
    page = browse("sysadmin").open(f"{PROJECTS}?search={stem}&page_size=2")
    following = page.document.select_one("a[rel=next]")["href"]
    page = browse("sysadmin").open(str(following))
    assert f"{stem}-2" in page.text
    assert f"{stem}-0" not in page.text
    assert names("page=nonsense") == ["0", "1", "2"]
    assert "No project matches" in browse("sysadmin").open(f"{PROJECTS}?search={unique('none')}").text


def test_a_project_is_made_and_deleted(world: World) -> None:
    name, person = unique("made"), make_user(world.admin)
    with Browser(world.server.url, person) as browser:
        _made_and_deleted(world, browser, name, person)


def _made_and_deleted(world: World, browser: Browser, name: str, person: Person) -> None:
    page = browser.submit(f"{PROJECTS}/new", name=name, public=True)
    assert f"The project {name} is there." in page.text
    project = world.admin.get(f"/projects/{name}").json()
    assert (project["metadata"]["public"], project["owner_name"]) == ("true", person.name)

    page = browser.submit(f"{PROJECTS}/new", name=name)
    assert page.status == 409
    assert f"the project {name} already exists" in page.text
    assert page.form().select_one("[name=name]")["value"] == name
    assert browser.submit(f"{PROJECTS}/new", name="Not A Name").status == 400

    page = browser.open(f"{PROJECTS}/{project['project_id']}/delete")
    assert "cannot be undone" in page.text
    page = browser.send(page)
    assert page.path == PROJECTS
    assert f"The project {name} is deleted." in page.text
    assert world.admin.get(f"/projects/{name}").status_code == 404


def test_a_project_with_repositories_is_kept(world: World, browse: Browse) -> None:
    project_id = world.admin.get(f"/projects/{world.private}").json()["project_id"]
    page = browse("project_admin").submit(f"{PROJECTS}/{project_id}/delete")
    assert page.status == 412
    assert "contains repositories" in page.text
    assert world.admin.get(f"/projects/{world.private}").status_code == 200


def test_who_may_not_delete_a_project_does_not_get_there(world: World, browse: Browse) -> None:
    project_id = world.admin.get(f"/projects/{world.private}").json()["project_id"]
    path = f"{PROJECTS}/{project_id}/delete"
    assert browse("guest").open(path).status == 403
    assert browse("guest").post(path).status == 403
    assert browse("anonymous").open(path).path.startswith(SIGN_IN)
    page = browse("guest").open(PROJECTS)
    assert path not in page.links()


def test_only_a_system_administrator_sets_a_limit(world: World, browse: Browse) -> None:
    assert not browse("developer").open(f"{PROJECTS}/new").has("[name=storage_limit]")
    name = unique("limited")
    assert browse("sysadmin").submit(f"{PROJECTS}/new", name=name, storage_limit=3).status == 200
    project_id = world.admin.get(f"/projects/{name}").json()["project_id"]
    quota = world.admin.get("/quotas", params={"reference": "project", "reference_id": str(project_id)})
    assert quota.json()[0]["hard"]["storage"] == 3 * 1024**3
