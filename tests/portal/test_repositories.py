"""The repositories of a project: the list, what one says about itself, the end of one, Harbor's addresses of them."""

from urllib.parse import quote

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import make_project, unique
from tests.support.browsing import SIGN_IN
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.world import REPOSITORY, World

LET_IN = ["limited_guest", "guest", "developer", "maintainer", "project_admin", "auditor", "sysadmin"]


def place_of(world: World, project: str) -> str:
    project_id = world.admin.get(f"/projects/{project}").json()["project_id"]
    return f"/harbor/projects/{project_id}/repositories"


@pytest.fixture
def filled(world: World) -> str:
    """A project of its own with the repositories ``one``, ``two`` and ``deep/er/three``; ``two`` was pulled."""
    project = make_project(world.admin, name=unique("filled"))
    image = make_image()
    with RegistryClient(world.server.url, world.server.admin) as client:
        for path in ("one", "two", "deep/er/three"):
            client.push(f"{project}/{path}", image, tag="v1")
        client.push(f"{project}/one", make_image(), tag="v2")
        client.pull(f"{project}/two", "v1")
    return project


@pytest.mark.parametrize("identity", LET_IN)
def test_members_see_the_repositories(world: World, browse: Browse, identity: str) -> None:
    place = place_of(world, world.private)
    page = browse(identity).open(place)
    assert page.status == 200
    assert f"{place}/{REPOSITORY}" in page.links()
    may_delete = identity in {"maintainer", "project_admin", "sysadmin"}
    assert (f"{place}/{REPOSITORY}/-/delete" in page.links()) == may_delete
    may_push = may_delete or identity == "developer"
    assert (place.replace("repositories", "push-commands") in page.links()) == may_push


def test_others_see_those_of_public_projects(world: World, browse: Browse) -> None:
    place = place_of(world, world.private)
    assert browse("outsider").open(place).status == 403
    assert browse("anonymous").open(place).path.startswith(SIGN_IN)
    public = place_of(world, world.public)
    for identity in ("outsider", "anonymous"):
        page = browse(identity).open(public)
        assert f"{public}/{REPOSITORY}" in page.links()
        assert not any("/-/delete" in link or "push-commands" in link for link in page.links())


def test_the_list_is_filtered_and_sorted(world: World, browse: Browse, filled: str) -> None:
    place = place_of(world, filled)

    def names(query: str) -> list[str]:
        page = browse("sysadmin").open(f"{place}?{query}")
        return [row.td.get_text(strip=True) for row in page.document.select("tbody tr")]

    assert names("") == ["deep/er/three", "two", "one"]
    assert names("sort=name") == ["deep/er/three", "one", "two"]
    assert names("sort=-name") == ["two", "one", "deep/er/three"]
    assert names("search=ER/th") == ["deep/er/three"]
    assert "No repository matches" in browse("sysadmin").open(f"{place}?search=nothing").text
    page = browse("sysadmin").open(f"{place}?sort=name")
    cells = [
        [cell.get_text(strip=True) for cell in row.select("td")] for row in page.document.select("tbody tr")
    ]
    assert [cell[1] for cell in cells] == ["1", "2", "1"]


def test_cards_stay_cards(world: World, browse: Browse, filled: str) -> None:
    place = place_of(world, filled)
    page = browse("sysadmin").open(f"{place}?view=cards")
    assert f"{place}/deep/er/three" in page.links()
    assert not page.has("tbody")
    page = browse("sysadmin").send(page, "form.list-filter", search="three")
    assert "view=cards" in page.path
    assert not page.has("tbody")
    assert f"{place}/one" not in page.links()
    page = browse("sysadmin").send(page, "main form:has(select)", sort="name")
    assert page.document.select_one("option[selected]")["value"] == "name"
    assert f"{place}/deep/er/three" in page.links()
    assert f"{place}/one" not in page.links()


def test_a_repository_goes_to_the_trash(world: World, browse: Browse, filled: str) -> None:
    place = place_of(world, filled)
    page = browse("sysadmin").open(f"{place}/deep/er/three/-/delete")
    assert "restored from there until" in page.text
    assert "Artifacts that go with it: 1." in page.text
    page = browse("sysadmin").send(page)
    assert page.path == place
    assert f"The repository {filled}/deep/er/three is in the trash." in page.text
    assert world.admin.get(f"/projects/{filled}/repositories/deep%252Fer%252Fthree").status_code == 404
    entries = world.admin.get(f"/projects/{filled}/trash").json()
    assert [(entry["kind"], entry["repository_name"]) for entry in entries] == [
        ("repository", f"{filled}/deep/er/three")
    ]


def test_what_a_rule_keeps_is_told_beside_the_question(world: World, browse: Browse, filled: str) -> None:
    selector = {"kind": "doublestar", "decoration": "matches", "pattern": "**"}
    rule = {
        "template": "immutable_template",
        "action": "immutable",
        "tag_selectors": [selector],
        "scope_selectors": {"repository": [{**selector, "decoration": "repoMatches"}]},
    }
    assert world.admin.post(f"/projects/{filled}/immutabletagrules", json=rule).status_code == 201
    page = browse("sysadmin").submit(f"{place_of(world, filled)}/one/-/delete")
    assert page.status == 412
    assert "Delete the repository" in page.text
    assert "immutable" in page.text
    assert world.admin.get(f"/projects/{filled}/repositories/one").status_code == 200


@pytest.mark.parametrize("identity", ["limited_guest", "guest", "developer", "auditor"])
def test_who_may_not_delete_does_not(world: World, browse: Browse, identity: str) -> None:
    path = f"{place_of(world, world.private)}/{REPOSITORY}/-/delete"
    assert browse(identity).open(path).status == 403
    assert browse(identity).post(path).status == 403
    assert world.admin.get(f"/projects/{world.private}/repositories/base%252Fapp").status_code == 200


def test_a_repository_describes_itself(world: World, browse: Browse) -> None:
    info = f"{place_of(world, world.private)}/{REPOSITORY}/-/info"
    page = browse("guest").open(info)
    assert page.status == 200
    assert f"{info}/edit" not in page.links()
    assert browse("guest").open(f"{info}/edit").status == 403
    assert browse("guest").post(f"{info}/edit", description="mine").status == 403

    text = "# Use it\n\nSee [the *pages*](https://example.com/).\n\n<script>alert(1)</script>\n"
    page = browse("developer").submit(f"{info}/edit", description=text)
    assert page.path == info
    assert "The description is saved." in page.text
    assert page.document.select_one(".markdown h2").get_text() == "Use it"
    assert page.document.select_one(".markdown a[href='https://example.com/'] em") is not None
    assert page.document.select_one(".markdown script") is None
    kept = world.admin.get(f"/projects/{world.private}/repositories/base%252Fapp").json()
    assert kept["description"] == text
    edited = browse("developer").open(f"{info}/edit").document.select_one("textarea")
    assert edited.get_text().strip() == text.strip()

    assert browse("developer").submit(f"{info}/edit", description="x" * 200_001).status == 422
    assert "No description yet" in browse("developer").submit(f"{info}/edit", description="").text


def test_visitors_read_what_a_public_repository_says(world: World, browse: Browse) -> None:
    info = f"{place_of(world, world.public)}/{REPOSITORY}/-/info"
    page = browse("anonymous").open(info)
    assert page.status == 200
    assert not any("/-/info/edit" in link for link in page.links())
    assert browse("anonymous").open(f"{info}/edit").path.startswith(SIGN_IN)
    assert browse("outsider").open(info.replace(REPOSITORY, "no/such")).status == 404


def test_addresses_of_harbors_portal_lead_to_ours(world: World, browse: Browse) -> None:
    place = place_of(world, world.private)
    name = quote(quote(REPOSITORY, safe=""), safe="")

    def ends(path: str) -> str:
        return browse("guest").open(f"{place}/{path}").path

    assert ends(f"{name}/artifacts-tab") == f"{place}/{REPOSITORY}"
    assert ends(f"{name}/info-tab") == f"{place}/{REPOSITORY}/-/info"
    artifact = f"{place}/{REPOSITORY}/-/artifacts/{world.digest}"
    assert ends(f"{name}/artifacts-tab/artifacts/{world.digest}") == artifact
    assert ends(f"{name}/artifacts-tab/depth/sha256:12-{world.digest}") == artifact
    assert ends(f"{name}/artifacts-tab/depth/sha256:12/artifacts/{world.digest}") == artifact
    assert browse("guest").open(f"{place}/a%2520b/artifacts-tab").status == 404


def test_a_repository_may_be_named_as_one_of_harbors_tabs(world: World, browse: Browse, filled: str) -> None:
    place = place_of(world, filled)
    assert browse("sysadmin").open(f"{place}/one/info-tab").path == f"{place}/one/-/info"
    assert browse("sysadmin").open(f"{place}/one/artifacts-tab").path == f"{place}/one"
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{filled}/one/artifacts-tab", make_image(), tag="v1")
    page = browse("sysadmin").open(f"{place}/one/artifacts-tab")
    assert page.path == f"{place}/one/artifacts-tab"
    assert page.status == 200
