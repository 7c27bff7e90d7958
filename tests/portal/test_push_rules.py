"""Push rules of a project in the portal."""

from typing import Any

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import make_project
from tests.support.world import World


def place_of(world: World, name: str) -> str:
    project_id = world.admin.get(f"/projects/{name}").json()["project_id"]
    return f"/harbor/projects/{project_id}/push-rules"


def rules_of(world: World, name: str) -> dict[str, Any]:
    return world.admin.get(f"/projects/{name}/push-rules").json()


@pytest.mark.parametrize(
    ("identity", "reads", "writes"),
    [
        ("guest", False, False),
        ("developer", False, False),
        ("maintainer", True, False),
        ("project_admin", True, True),
        ("sysadmin", True, True),
    ],
)
def test_who_sees_and_who_changes(
    world: World, browse: Browse, identity: str, reads: bool, writes: bool
) -> None:
    path = place_of(world, world.private)
    page = browse(identity).open(path)
    assert page.status == (200 if reads else 403)
    assert (f"{path}/edit" in page.links()) == writes
    assert browse(identity).open(f"{path}/edit").status == (200 if writes else 403)
    if not writes:
        assert browse(identity).post(f"{path}/edit", media_types="x").status == 403
        assert browse(identity).post(f"{path}/clear").status == 403
    # The tab is there for who may open it.
    immutability = path.replace("push-rules", "configs")
    assert (path in browse(identity).open(immutability).links()) == reads


def test_rules_are_set_and_removed(world: World, browse: Browse) -> None:
    name = make_project(world.admin)
    path, browser = place_of(world, name), browse("sysadmin")
    assert "Everything may be pushed" in browser.open(path).text
    page = browser.open(f"{path}/edit")
    assert page.has("[name=allow_foreign_urls][checked]")
    page = browser.send(
        page,
        media_types="application/vnd.oci.image.*\n\n  application/vnd.oci.empty.v1+json ",
        required_annotations="org.example.owner",
        allow_foreign_urls=None,
    )
    assert "The push rules are changed." in page.text
    assert "org.example.owner" in page.text
    rules = {
        "media_types": ["application/vnd.oci.image.*", "application/vnd.oci.empty.v1+json"],
        "required_annotations": ["org.example.owner"],
        "allow_foreign_urls": False,
        "allow_sparse_indexes": True,
    }
    assert rules_of(world, name) == rules
    # What the form shows can be sent as it is.
    assert browser.submit(f"{path}/edit").status == 200
    assert rules_of(world, name) == rules

    page = browser.submit(f"{path}/edit", media_types="{a")
    assert page.status == 400
    assert page.form().select_one("[name=media_types]").get_text().strip() == "{a"
    assert rules_of(world, name) == rules

    assert "Everything may be pushed." in browser.submit(f"{path}/clear").text
    assert rules_of(world, name)["media_types"] == []
