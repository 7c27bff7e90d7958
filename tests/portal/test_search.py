"""The search of the portal."""

import pytest

from tests.portal.conftest import Browse
from tests.support.world import REPOSITORY, World


@pytest.mark.parametrize(
    ("identity", "is_found"),
    [("anonymous", False), ("outsider", False), ("guest", True), ("auditor", True), ("sysadmin", True)],
)
def test_what_may_be_seen_is_found(world: World, browse: Browse, identity: str, is_found: bool) -> None:
    project_id = world.admin.get(f"/projects/{world.private}").json()["project_id"]
    below = f"/harbor/projects/{project_id}"
    page = browse(identity).open(f"/harbor/search?text={world.private.upper()}")
    assert page.status == 200
    assert (f"{below}/summary" in page.links()) == is_found
    assert (f"{below}/repositories/{REPOSITORY}" in page.links()) == is_found
    assert ("Nothing is found" in page.text) != is_found
    page = browse(identity).open(f"/harbor/search?text={world.digest}")
    assert (f"{below}/repositories/{REPOSITORY}/-/artifacts/{world.digest}" in page.links()) == is_found


def test_nothing_is_looked_for_without_a_text(browse: Browse) -> None:
    for query in ("", "?text=", "?text=%20%20", "?text=%00"):
        page = browse("sysadmin").open(f"/harbor/search{query}")
        assert page.status == 200
        assert "What are you looking for?" in page.text
        assert not page.has("#found-projects, #found-repositories")


def test_a_long_text_is_cut(browse: Browse) -> None:
    page = browse("sysadmin").open(f"/harbor/search?text={'x' * 3000}")
    assert page.status == 200
    assert "Nothing is found" in page.text


def test_the_field_of_every_page_leads_there(world: World, browse: Browse) -> None:
    page = browse("guest").open("/harbor/projects")
    page = browse("guest").send(page, "header form[role=search]", text=world.private)
    assert page.path == f"/harbor/search?text={world.private}"
    assert page.has("#found-projects")


def test_htmx_gets_the_results_alone(world: World, browse: Browse) -> None:
    client = browse("guest").client
    path = f"/harbor/search?text={world.private}"
    part = client.get(path, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.text
    assert f"{world.private}/{REPOSITORY}" in part.text
    # A page that the Back button restores is whole.
    restored = client.get(path, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in restored.text
