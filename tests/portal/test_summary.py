"""The first page of a project, and the commands to push to it."""

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import make_project, unique
from tests.support.browsing import SIGN_IN, Page
from tests.support.world import World


def place_of(world: World, project: str) -> str:
    return f"/harbor/projects/{world.admin.get(f'/projects/{project}').json()['project_id']}"


def commands_of(page: Page) -> list[str]:
    return [line.get_text() for line in page.document.select(".command code")]


@pytest.mark.parametrize(
    ("identity", "sees_members", "sees_quota"),
    [
        ("limited_guest", False, True),
        ("guest", True, True),
        ("project_admin", True, True),
        ("sysadmin", True, True),
    ],
)
def test_who_sees_what(
    world: World, browse: Browse, identity: str, sees_members: bool, sees_quota: bool
) -> None:
    page = browse(identity).open(f"{place_of(world, world.private)}/summary")
    assert page.status == 200
    assert page.title == world.private
    assert page.has("#members-by-role") == sees_members
    assert page.has("#storage") == sees_quota
    assert not page.has("#first-steps")
    if sees_members:
        roles = page.document.find(id="members-by-role").find_parent("section").find("dl")
        told = {
            name.get_text(): int(count.get_text())
            for name, count in zip(roles.select("dt"), roles.select("dd"), strict=True)
        }
        # Whoever made the project is its administrator too.
        assert told == {
            "Project admin": 2,
            "Maintainer": 1,
            "Developer": 1,
            "Guest": 1,
            "Limited guest": 1,
        }


def test_strangers_see_public_projects_alone(world: World, browse: Browse) -> None:
    private = f"{place_of(world, world.private)}/summary"
    assert browse("outsider").open(private).status == 403
    assert browse("anonymous").open(private).path.startswith(SIGN_IN)
    page = browse("anonymous").open(f"{place_of(world, world.public)}/summary")
    assert page.status == 200
    assert not page.has("#members-by-role, #storage")


def test_a_limit_is_shown_as_a_bar(world: World, browse: Browse) -> None:
    name = unique("limited")
    answer = world.admin.post("/projects", json={"project_name": name, "storage_limit": 2 * 1024**3})
    assert answer.status_code == 201
    page = browse("sysadmin").open(f"{place_of(world, name)}/summary")
    assert "0 B of 2 GiB in use" in page.text
    assert page.has("progress[value='0']")


def test_an_empty_project_shows_the_first_steps(world: World, browse: Browse) -> None:
    project = make_project(world.clients["project_admin"], name=unique("empty"), public=True)
    host = world.server.url.partition("://")[2]
    place = place_of(world, project)
    page = browse("project_admin").open(f"{place}/summary")
    lines = commands_of(page)
    assert f"docker login {host}" in lines
    assert f"docker push {host}/{project}/my-app:1.0.0" in lines
    assert {line.split()[0] for line in lines} == {"docker", "podman", "skopeo", "helm", "oras"}
    # Who may not push needs no commands for it.
    assert commands_of(browse("anonymous").open(f"{place}/summary")) == []
    assert commands_of(browse("project_admin").open(f"{place}/push-commands")) == lines


@pytest.mark.parametrize(("identity", "status"), [("guest", 403), ("outsider", 403), ("developer", 200)])
def test_push_commands_are_for_who_may_push(world: World, browse: Browse, identity: str, status: int) -> None:
    assert browse(identity).open(f"{place_of(world, world.private)}/push-commands").status == status
