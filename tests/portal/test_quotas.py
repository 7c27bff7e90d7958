"""What projects hold and may hold, in pages; and how that went over time."""

from tests.portal.conftest import Browse
from tests.support.accounts import make_project, unique
from tests.support.browsing import SIGN_IN
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.world import World

QUOTAS = "/harbor/quotas"
MIB = 1024**2


def quota_of(world: World, name: str) -> dict:
    project = world.admin.get(f"/projects/{name}").json()["project_id"]
    return world.admin.get("/quotas", params={"reference": "project", "reference_id": str(project)}).json()[0]


def test_limits_are_shown_and_set(world: World, browse: Browse) -> None:
    name = unique("limited")
    make_project(world.admin, name=name)
    quota = quota_of(world, name)
    path = f"{QUOTAS}/{quota['id']}/edit"
    browser = browse("sysadmin")
    page = browser.open(f"{QUOTAS}?search={name}")
    assert path in page.links()
    assert "unlimited" in page.text

    page = browser.submit(path, hard_number=5, hard_unit=MIB)
    assert f"The limit of {name} is changed." in page.text
    assert quota_of(world, name)["hard"]["storage"] == 5 * MIB
    assert "5 MiB" in browser.open(f"{QUOTAS}?search={name}").text
    form = browser.open(path).form()
    assert form.select_one("[name=hard_number]")["value"] == "5"
    assert form.select_one("option[selected]")["value"] == str(MIB)

    assert browser.submit(path, hard_number=0).status == 422
    page = browser.submit(path, hard_number=2**52, hard_unit=MIB)
    assert page.status == 400
    assert quota_of(world, name)["hard"]["storage"] == 5 * MIB
    browser.submit(path, hard_number="")
    assert quota_of(world, name)["hard"]["storage"] == -1


def test_those_who_hold_most_come_first(world: World, browse: Browse) -> None:
    stem = unique("held")
    for name in ("full", "empty"):
        make_project(world.admin, name=f"{stem}-{name}")
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{stem}-full/app", make_image(), tag="v1")

    def names(query: str) -> list[str]:
        page = browse("sysadmin").open(f"{QUOTAS}?search={stem}&{query}")
        return [
            row.td.get_text(strip=True).removeprefix(f"{stem}-") for row in page.document.select("tbody tr")
        ]

    assert names("") == names("sort=-used") == ["full", "empty"]
    assert names("sort=used") == ["empty", "full"]


def test_the_limit_of_new_projects(world: World, browse: Browse) -> None:
    browser = browse("sysadmin")
    page = browser.submit(f"{QUOTAS}/default", hard_number=7, hard_unit=1024**3)
    try:
        assert "The limit of new projects is changed." in page.text
        assert "7 GiB" in page.text
        assert world.admin.get("/configurations").json()["storage_per_project"]["value"] == 7 * 1024**3
    finally:
        browser.submit(f"{QUOTAS}/default", hard_number="")
    assert world.admin.get("/configurations").json()["storage_per_project"]["value"] == -1


def test_who_may_see_and_who_may_change(world: World, browse: Browse) -> None:
    path = f"{QUOTAS}/{quota_of(world, world.private)['id']}/edit"
    page = browse("auditor").open(f"{QUOTAS}?search={world.private}")
    assert world.private in page.text
    assert not {path, f"{QUOTAS}/default"} & page.links()
    for identity in ("auditor", "project_admin"):
        for address in (path, f"{QUOTAS}/default"):
            assert browse(identity).open(address).status == 403
            assert browse(identity).post(address, hard_number="1", hard_unit="1").status == 403
    assert browse("project_admin").open(QUOTAS).status == 403
    assert browse("anonymous").open(QUOTAS).path.startswith(SIGN_IN)
    assert quota_of(world, world.private)["hard"]["storage"] == -1


def test_statistics(world: World, browse: Browse) -> None:
    for identity in ("sysadmin", "auditor"):
        page = browse(identity).open("/harbor/statistics?days=90")
        assert page.status == 200
        assert page.has("[data-chart=largest-projects]")
        assert page.has("[data-chart=quota-use]")
        # The numbers are there for who sees no charts.
        assert page.document.select("[data-chart=largest-projects] table tbody tr")
        assert page.document.select_one("#usage [aria-current=true]").get_text() == "90 days"
    for identity in ("project_admin", "outsider"):
        assert browse(identity).open("/harbor/statistics").status == 403
        assert "/harbor/statistics" not in browse(identity).open("/harbor/projects").links()
    assert browse("anonymous").open("/harbor/statistics").path.startswith(SIGN_IN)


def test_the_summary_of_a_project_shows_its_usage(world: World, browse: Browse) -> None:
    for name, identity, sees in (
        (world.private, "guest", True),
        (world.private, "sysadmin", True),
        (world.public, "outsider", False),
        (world.public, "anonymous", False),
    ):
        project = world.admin.get(f"/projects/{name}").json()["project_id"]
        page = browse(identity).open(f"/harbor/projects/{project}/summary?days=365")
        assert page.status == 200
        assert page.has("#usage") == sees
