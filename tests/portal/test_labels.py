"""Labels of a project and of the installation in the portal."""

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import make_project, unique
from tests.support.browsing import SIGN_IN
from tests.support.world import World


def id_of(world: World, project: str) -> int:
    return int(world.admin.get(f"/projects/{project}").json()["project_id"])


def label_named(world: World, name: str, project_id: int = 0) -> dict[str, object]:
    scope = {"scope": "p", "project_id": str(project_id)} if project_id else {"scope": "g"}
    found = world.admin.get("/labels", params={"name": name, **scope}).json()
    return next((one for one in found if one["name"] == name), {})


@pytest.mark.parametrize(
    ("identity", "sees", "changes"),
    [
        ("sysadmin", True, True),
        ("auditor", True, False),
        ("project_admin", True, True),
        ("maintainer", True, True),
        ("developer", True, False),
        ("guest", True, False),
        ("limited_guest", False, False),
        ("outsider", False, False),
    ],
)
def test_who_sees_and_makes_labels_of_a_project(
    world: World, browse: Browse, identity: str, *, sees: bool, changes: bool
) -> None:
    path = f"/harbor/projects/{id_of(world, world.private)}/labels"
    page = browse(identity).open(path)
    assert page.status == (200 if sees else 403)
    assert (f"{path}/new" in page.links()) == changes
    assert browse(identity).open(f"{path}/new").status == (200 if changes else 403)
    if not changes:
        name = unique("forbidden")
        assert browse(identity).post(f"{path}/new", name=name, palette="#000000").status == 403
        assert not label_named(world, name, id_of(world, world.private))


def test_labels_of_a_public_project_are_for_every_visitor(world: World, browse: Browse) -> None:
    path = f"/harbor/projects/{id_of(world, world.public)}/labels"
    assert browse("anonymous").open(path).status == 200
    assert browse("anonymous").open(f"{path}/new").path.startswith(SIGN_IN)


@pytest.mark.parametrize("identity", ["project_admin", "outsider", "auditor"])
def test_labels_of_the_installation_are_the_administrators(
    world: World, browse: Browse, identity: str
) -> None:
    reads = identity == "auditor"
    assert browse(identity).open("/harbor/labels").status == (200 if reads else 403)
    assert browse(identity).open("/harbor/labels/new").status == 403
    assert browse(identity).post("/harbor/labels/new", name="x", palette="#000000").status == 403
    assert ("/harbor/labels" in browse(identity).open("/harbor/projects").links()) == reads
    project = f"/harbor/projects/{id_of(world, world.public)}"
    tabs = browse(identity).open(f"{project}/summary").links()
    assert (f"{project}/labels" in tabs) == reads
    assert browse("anonymous").open("/harbor/labels").path.startswith(SIGN_IN)


@pytest.mark.parametrize("is_global", [False, True])
def test_a_label_is_made_changed_and_deleted(world: World, browse: Browse, *, is_global: bool) -> None:
    project_id = 0 if is_global else id_of(world, make_project(world.admin))
    path = "/harbor/labels" if is_global else f"/harbor/projects/{project_id}/labels"
    browser, name = browse("sysadmin"), unique("label")
    page = browser.submit(f"{path}/new", name=name, description="what it is", palette="#C92100")
    assert page.path == path
    assert f"The label {name} is there." in page.text
    label = label_named(world, name, project_id)
    assert (label["color"], label["description"]) == ("#C92100", "what it is")
    page = browser.open(f"{path}?search={name}")
    assert page.has(".label-badge circle[fill='#C92100']")

    page = browser.submit(f"{path}/new", name=name, palette="#C92100")
    assert page.status == 409
    page = browser.submit(f"{path}/new", name=unique("x"), palette="other", other="url(x)")
    assert page.status == 400
    assert "written as #RRGGBB" in page.text

    page = browser.open(f"{path}/{label['id']}")
    assert page.has("[name=palette][value='#C92100'][checked]")
    browser.send(page, palette="other", other="#0af")
    assert label_named(world, name, project_id)["color"] == "#0af"
    page = browser.open(f"{path}/{label['id']}")
    assert page.has("[name=palette][value=other][checked]")
    assert page.form().select_one("[name=other]")["value"] == "#0af"

    page = browser.open(f"{path}/{label['id']}/delete")
    assert "cannot be undone" in page.text
    page = browser.send(page)
    assert f"The label {name} is deleted." in page.text
    assert not label_named(world, name, project_id)


def test_a_label_is_only_there_where_it_belongs(world: World, browse: Browse) -> None:
    here, there = (id_of(world, make_project(world.admin)) for _ in range(2))
    name = unique("label")
    body = {"name": name, "scope": "p", "project_id": here, "color": "tomato"}
    assert world.admin.post("/labels", json=body).status_code == 201
    label = label_named(world, name, here)["id"]
    browser = browse("sysadmin")
    assert browser.open(f"/harbor/projects/{here}/labels").has(".label-badge circle[fill=tomato]")
    assert browser.open(f"/harbor/projects/{here}/labels/{label}").status == 200
    for elsewhere in (f"/harbor/projects/{there}/labels", "/harbor/labels"):
        assert browser.open(f"{elsewhere}/{label}").status == 404
        assert browser.post(f"{elsewhere}/{label}/delete").status == 404
    assert label_named(world, name, here)
