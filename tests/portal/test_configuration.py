"""Configuration of a project in the portal."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import make_project
from tests.support.browsing import SIGN_IN
from tests.support.world import World


def project_of(world: World, name: str) -> dict[str, Any]:
    return world.admin.get(f"/projects/{name}").json()


def place_of(world: World, name: str) -> str:
    return f"/harbor/projects/{project_of(world, name)['project_id']}/configs"


@pytest.mark.parametrize("identity", ["maintainer", "project_admin"])
def test_members_see_it_and_the_project_admin_changes_it(world: World, browse: Browse, identity: str) -> None:
    path, writes = place_of(world, world.private), identity == "project_admin"
    page = browse(identity).open(path)
    assert page.status == 200
    links = {f"{path}/{name}" for name in ("access", "security", "allowlist")}
    assert (links <= page.links()) == writes
    assert (path.replace("configs", "delete") in page.links()) == writes
    assert "/harbor/quotas" not in " ".join(page.links())
    for link in links:
        assert browse(identity).open(link).status == (200 if writes else 403)
        if not writes:
            assert browse(identity).post(link, public="on", source="own", severity="low").status == 403


def test_others_do_not_see_it(world: World, browse: Browse) -> None:
    path = place_of(world, world.private)
    for identity in ("outsider", "limited_guest", "guest", "developer"):
        assert browse(identity).open(path).status == 403
        assert path not in browse(identity).open(path.replace("configs", "summary")).links()
    assert browse("anonymous").open(place_of(world, world.private)).path.startswith(SIGN_IN)


def test_the_switches(world: World, browse: Browse) -> None:
    name = make_project(world.admin)
    path, browser = place_of(world, name), browse("sysadmin")
    assert "Only members may look at this project" in browser.open(path).text
    assert "Anybody may look at this project" in browser.submit(f"{path}/access", public=True).text
    assert project_of(world, name)["metadata"]["public"] == "true"
    browser.submit(f"{path}/access", public=None)
    assert project_of(world, name)["metadata"]["public"] == "false"

    page = browser.submit(f"{path}/security", prevent_vul=True, severity="high", auto_scan=True)
    assert "The configuration is changed." in page.text
    assert "High" in page.text
    found = project_of(world, name)["metadata"]
    assert (found["prevent_vul"], found["severity"], found["auto_scan"]) == ("true", "high", "true")
    assert found["enable_content_trust"] == "false"
    browser.submit(f"{path}/security", prevent_vul=None)
    found = project_of(world, name)["metadata"]
    assert (found["prevent_vul"], found["severity"], found["auto_scan"]) == ("false", "high", "true")
    assert browser.submit(f"{path}/security", severity="odd").status == 422


def test_the_allowlist(world: World, browse: Browse) -> None:
    name = make_project(world.admin)
    path, browser = place_of(world, name), browse("sysadmin")
    page = browser.submit(
        f"{path}/allowlist", source="own", items="CVE-2024-1\nCVE-2024-2\n", expires="2030-05-31"
    )
    assert "CVE-2024-2" in page.text
    assert "list of its own" in page.text
    project = project_of(world, name)
    assert project["metadata"]["reuse_sys_cve_allowlist"] == "false"
    assert [one["cve_id"] for one in project["cve_allowlist"]["items"]] == ["CVE-2024-1", "CVE-2024-2"]
    assert project["cve_allowlist"]["expires_at"] == datetime(2030, 6, 1, tzinfo=UTC).timestamp()

    # What the API has set to the second, and far beyond every calendar, stays as long as nobody changes the day.
    for end in (1_900_000_000, 1 << 40):
        changed = {"cve_allowlist": {"items": [{"cve_id": "CVE-2024-3"}], "expires_at": end}}
        assert world.admin.put(f"/projects/{name}", json=changed).status_code == 200
        assert browser.open(path).status == 200
        assert browser.submit(f"{path}/allowlist", items="CVE-2024-4").status == 200
        assert project_of(world, name)["cve_allowlist"]["expires_at"] == end
    assert browser.submit(f"{path}/allowlist", expires="9999-12-31").status == 200

    page = browser.submit(f"{path}/allowlist", items="CVE-1\nCVE-1")
    assert page.status == 400
    assert "more than once" in page.text
    page = browser.submit(f"{path}/allowlist", source="system", expires="")
    assert "goes by the installation" in page.text
    assert "CVE-2024-4" not in page.text
    project = project_of(world, name)
    assert project["metadata"]["reuse_sys_cve_allowlist"] == "true"
    assert [one["cve_id"] for one in project["cve_allowlist"]["items"]] == ["CVE-2024-4"]
    assert "expires_at" not in project["cve_allowlist"]


def test_the_storage_of_a_project(world: World, browse: Browse) -> None:
    page = browse("sysadmin").open(place_of(world, world.private))
    assert "in use, without a limit" in page.text
    assert f"/harbor/quotas?search={world.private}" in page.links()
