"""Robot accounts of a project and of the installation in the portal."""

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import Person, api, make_project, unique
from tests.support.browsing import SIGN_IN, Page
from tests.support.world import World


def id_of(world: World, project: str) -> int:
    return int(world.admin.get(f"/projects/{project}").json()["project_id"])


def robots_of(world: World, project_id: int) -> dict[str, dict[str, object]]:
    q = f"Level=project,ProjectID={project_id}" if project_id else "Level=system"
    answer = world.admin.get("/robots", params={"q": q, "page_size": "100"})
    return {one["name"]: one for one in answer.json()}


def secret_of(page: Page) -> Person:
    assert page.status == 200, page.text
    name = page.document.select_one(".command code").get_text()
    return Person(name, page.document.select_one("#secret").get_text())


def signs_in(world: World, robot: Person) -> bool:
    with api(world.server.url, robot) as client:
        answer = client.get("/users/current")
    # Robot accounts are known, but nobody in this sense.
    assert answer.status_code in {401, 412}
    return answer.status_code == 412


def accesses(robot: dict[str, object]) -> dict[str, set[str]]:
    permissions = robot["permissions"]
    assert isinstance(permissions, list)
    return {
        one["namespace"]: {f"{access['resource']}:{access['action']}" for access in one["access"]}
        for one in permissions
    }


@pytest.mark.parametrize(
    ("identity", "sees", "changes"),
    [
        ("sysadmin", True, True),
        ("auditor", True, False),
        ("project_admin", True, True),
        ("maintainer", True, False),
        ("guest", True, False),
        ("limited_guest", False, False),
        ("outsider", False, False),
    ],
)
def test_who_sees_and_makes_robot_accounts_of_a_project(
    world: World, browse: Browse, identity: str, *, sees: bool, changes: bool
) -> None:
    project_id = id_of(world, world.private)
    path = f"/harbor/projects/{project_id}/robots"
    robot = world.people["robot"]
    browser = browse(identity)
    page = browser.open(path)
    assert page.status == (200 if sees else 403)
    assert (robot.name in page.text) == sees
    assert (f"{path}/new" in page.links()) == changes
    page = browser.open(f"{path}/{robot.id}")
    assert page.status == (200 if sees else 403)
    assert (f"{path}/{robot.id}/delete" in page.links()) == changes
    assert (f"{path}/{robot.id}/switch" in page.forms()) == changes
    for further in ("new", f"{robot.id}/edit", f"{robot.id}/secret", f"{robot.id}/delete"):
        assert browser.open(f"{path}/{further}").status == (200 if changes else 403), further
    if not changes:
        for further in (f"{robot.id}/switch", f"{robot.id}/secret", f"{robot.id}/delete"):
            assert browser.post(f"{path}/{further}", to="disable").status == 403, further
        assert signs_in(world, robot)


def test_only_who_administers_the_installation_sees_its_robot_accounts(world: World, browse: Browse) -> None:
    assert browse("sysadmin").open("/harbor/robots").status == 200
    page = browse("auditor").open("/harbor/robots")
    assert page.status == 200
    assert "/harbor/robots/new" not in page.links()
    for identity in ("project_admin", "outsider"):
        assert browse(identity).open("/harbor/robots").status == 403
        assert browse(identity).open("/harbor/robots/new").status == 403
    assert browse("anonymous").open("/harbor/robots").path.startswith(SIGN_IN)
    public = id_of(world, world.public)
    assert browse("anonymous").open(f"/harbor/projects/{public}/robots").path.startswith(SIGN_IN)


def test_a_robot_account_lives(world: World, browse: Browse) -> None:
    project = make_project(world.admin)
    project_id = id_of(world, project)
    path, browser = f"/harbor/projects/{project_id}/robots", browse("sysadmin")
    page = browser.submit(
        f"{path}/new",
        name="ci",
        description="builds",
        days="7",
        sources="127.0.0.0/8\r\n::1",
        access=["repository:pull", "tag:list"],
        repositories="base/**",
    )
    assert page.answer.headers["Cache-Control"] == "no-store"
    robot = secret_of(page)
    assert f"docker login --username '{robot.name}' " in page.text
    assert page.has(f"button[data-copy='{robot.password}']")
    assert signs_in(world, robot)
    made = robots_of(world, project_id)[robot.name]
    assert (made["duration"], made["description"]) == (7, "builds")
    assert made["sources"] == ["127.0.0.0/8", "::1/128"]
    assert accesses(made) == {project: {"repository:pull", "tag:list"}}
    assert made["permissions"][0]["repositories"] == ["base/**"]  # type: ignore[index]

    detail = f"{path}/{made['id']}"
    for further in (path, detail, f"{detail}/edit", f"{detail}/secret"):
        assert robot.password not in browser.open(further).answer.text
    assert "Repositories: pull" in browser.open(detail).text

    page = browser.open(f"{detail}/edit")
    ticked = {box["value"] for box in page.form().select("[name=access][checked]")}
    assert ticked == {"repository:pull", "tag:list"}
    assert not page.has("[name=name]")
    browser.send(page, never=True, access=["repository:pull", "repository:push"])
    changed = robots_of(world, project_id)[robot.name]
    assert (changed["duration"], changed["sources"]) == (-1, ["127.0.0.0/8", "::1/128"])
    assert accesses(changed) == {project: {"repository:pull", "repository:push"}}

    page = browser.send(browser.open(detail), f"form[action='{detail}/switch']", button="disable")
    assert f"{robot.name} is disabled." in page.text
    assert robots_of(world, project_id)[robot.name]["disable"] is True
    browser.send(page, f"form[action='{detail}/switch']", button="enable")
    assert robots_of(world, project_id)[robot.name]["disable"] is False
    assert signs_in(world, robot)

    again = secret_of(browser.submit(f"{detail}/secret"))
    assert again.name == robot.name
    assert again.password != robot.password
    assert signs_in(world, again)
    own = "Own-Secret-4-Robots"
    page = browser.submit(f"{detail}/secret", secret=own)
    assert page.path == detail
    assert own not in page.answer.text
    assert signs_in(world, Person(robot.name, own))
    page = browser.submit(f"{detail}/secret", secret="weak")
    assert page.status == 400
    assert "weak" not in str(page.form().select_one("[name=secret]"))
    # Last, as a wrong secret freezes the name for a moment.
    assert not signs_in(world, robot)

    page = browser.open(f"{detail}/delete")
    assert "cannot be undone" in page.text
    page = browser.send(page)
    assert page.path == path
    assert robot.name not in robots_of(world, project_id)


def test_a_robot_account_of_the_installation_covers_what_was_chosen(world: World, browse: Browse) -> None:
    one, two = make_project(world.admin), make_project(world.admin)
    browser = browse("sysadmin")
    for coverage, projects, names in (
        ("none", "", {}),
        ("every", "", {"*"}),
        ("some", f"{one}\r\n{two}", {one, two}),
    ):
        page = browser.submit(
            "/harbor/robots/new",
            name=unique("sys"),
            system=["user:list"],
            coverage=coverage,
            projects=projects,
            access=["repository:pull"] if names else None,
        )
        robot = secret_of(page)
        made = robots_of(world, 0)[robot.name]
        assert accesses(made) == {"/": {"user:list"}} | {name: {"repository:pull"} for name in names}
        page = browser.open(f"/harbor/robots/{made['id']}/edit")
        assert page.has(f"[name=coverage][value={coverage}][checked]")
        browser.send(page)
        assert accesses(robots_of(world, 0)[robot.name]) == accesses(made)


def test_permissions_that_boxes_cannot_show_are_kept(world: World, browse: Browse) -> None:
    one, two = make_project(world.admin), make_project(world.admin)
    access = [{"resource": "repository", "action": "pull"}]
    denied = [{"resource": "repository", "action": "push", "effect": "deny"}]
    body = {
        "name": unique("odd"),
        "level": "system",
        "duration": -1,
        "permissions": [
            {"kind": "project", "namespace": one, "access": access},
            {"kind": "project", "namespace": two, "access": access + denied},
        ],
    }
    made = world.admin.post("/robots", json=body).json()
    before = world.admin.get(f"/robots/{made['id']}").json()
    browser = browse("sysadmin")
    assert "denied" in browser.open(f"/harbor/robots/{made['id']}").text
    page = browser.open(f"/harbor/robots/{made['id']}/edit")
    assert "more than boxes can show" in page.text
    assert not page.has("[name=access]")
    browser.send(page, description="changed")
    after = world.admin.get(f"/robots/{made['id']}").json()
    assert after["description"] == "changed"
    assert after["permissions"] == before["permissions"]


def test_what_is_wrong_is_told_in_the_form(world: World, browse: Browse) -> None:
    project_id = id_of(world, make_project(world.admin))
    path, browser = f"/harbor/projects/{project_id}/robots/new", browse("sysadmin")
    wrong: list[tuple[str, dict[str, object], int, str]] = [
        (path, {"name": "Not A Name"}, 400, "is not in lower case"),
        (path, {"name": "a", "access": None}, 422, "Choose at least one permission."),
        (path, {"name": "a", "access": ["nothing:pull"]}, 422, "nothing:pull"),
        (path, {"name": "a", "days": ""}, 422, "Say for how many days"),
        (path, {"name": "a", "sources": "here"}, 400, "is no IPv4 or IPv6 address"),
        ("/harbor/robots/new", {"name": "a", "coverage": "some"}, 422, "Name at least one project."),
        ("/harbor/robots/new", {"name": "a", "coverage": "none"}, 422, "Say in which projects"),
        (
            "/harbor/robots/new",
            {"name": "a", "coverage": "some", "projects": "nowhere"},
            422,
            "project nowhere not found",
        ),
    ]
    for address, values, status, words in wrong:
        page = browser.submit(address, **values)
        assert page.status == status, (values, page.text)
        assert words in page.text
    assert not robots_of(world, project_id)


def test_a_robot_account_is_only_there_where_it_belongs(world: World, browse: Browse) -> None:
    robot = world.people["robot"]
    other = id_of(world, make_project(world.admin))
    for path in (f"/harbor/projects/{other}/robots", "/harbor/robots"):
        assert browse("sysadmin").open(f"{path}/{robot.id}").status == 404
        assert browse("sysadmin").post(f"{path}/{robot.id}/delete").status == 404
    assert signs_in(world, robot)
