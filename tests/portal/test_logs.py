"""The audit log in pages: who reads what, narrowed and paged."""

from apps.audit.handlers import ROWS
from apps.audit.types import OPERATIONS, RESOURCE_TYPES
from apps.portal.log_words import OPERATION_WORDS, RESOURCE_WORDS
from tests.portal.conftest import Browse
from tests.support.accounts import make_project, unique
from tests.support.browsing import SIGN_IN, Browser, Page
from tests.support.waiting import eventually
from tests.support.world import World

LOGS = "/harbor/logs"


def resources(page: Page) -> list[str]:
    return [row.select("td")[4].find(string=True).strip() for row in page.document.select("tbody tr")]


def project_logs(world: World, name: str) -> str:
    return f"/harbor/projects/{world.admin.get(f'/projects/{name}').json()['project_id']}/logs"


def test_administrators_read_everything_and_members_their_projects(world: World, browse: Browse) -> None:
    name = unique("logged")
    make_project(world.admin, name=name)
    for identity, sees in (("sysadmin", True), ("auditor", True), ("developer", False), ("outsider", False)):
        page = browse(identity).open(f"{LOGS}?search={name}")
        assert page.status == 200
        assert resources(page) == ([name] if sees else [])
    pushed = f"{world.private}/base/app:v1"
    for identity, sees in (("project_admin", True), ("developer", False), ("outsider", False)):
        page = browse(identity).open(f"{LOGS}?search={pushed}&operation=create&resource_type=artifact")
        assert resources(page) == ([pushed] if sees else [])
    assert browse("anonymous").open(LOGS).path.startswith(SIGN_IN)


def test_the_log_of_a_project(world: World, browse: Browse) -> None:
    path = project_logs(world, world.private)
    for identity in ("project_admin", "auditor"):
        page = browse(identity).open(f"{path}?search=base/app:v1&operation=create&resource_type=artifact")
        assert resources(page) == [f"{world.private}/base/app:v1"]
        assert page.has(".nav-link.active[aria-current=page]")
    for identity in ("maintainer", "guest"):
        assert browse(identity).open(path).status == 403
    assert browse("outsider").open(path).status == 403
    assert browse("anonymous").open(path).path.startswith(SIGN_IN)
    # A public project's log is for its members.
    public = project_logs(world, world.public)
    assert browse("outsider").open(public).status == 403
    assert browse("limited_guest").open(public).status == 403
    assert public not in browse("outsider").open(f"/harbor/projects?search={world.public}").links()


def test_filters(world: World, browse: Browse) -> None:
    name = unique("filtered")
    make_project(world.admin, name=name)
    browser = browse("sysadmin")

    def found(query: str) -> bool:
        return name in resources(browser.open(f"{LOGS}?search={name}&{query}"))

    assert found("operation=create&resource_type=project&result=done")
    assert found("since=2020-01-01T00:00&until=2100-01-01T00:00")
    assert found(f"username={world.server.admin.name}")
    assert not found("operation=delete")
    assert not found("resource_type=user")
    assert not found("result=refused")
    assert not found("until=2020-01-01T00:00")
    assert not found("since=2100-01-01T00:00")
    assert not found(f"username={unique('nobody')}")
    page = browser.open(f"{LOGS}?since=yesterday&operation=nonsense")
    assert page.status == 200
    assert len(page.document.select(".invalid-feedback")) == 2


def test_words_of_every_row_are_known() -> None:
    assert set(OPERATIONS) <= OPERATION_WORDS.keys()
    assert set(RESOURCE_TYPES) <= RESOURCE_WORDS.keys()
    told = {row.resource_type for row in ROWS.values()}
    assert told <= RESOURCE_WORDS.keys()
    assert {row.operation for row in ROWS.values()} <= OPERATION_WORDS.keys() | {""}


def test_rows_are_told_in_the_readers_language(world: World) -> None:
    name = unique("told")
    make_project(world.admin, name=name)
    with Browser(world.server.url, world.server.admin, language="zh-CN") as browser:
        page = browser.open(f"{LOGS}?search={name}&operation=create&resource_type=project")
    cells = [cell.get_text(strip=True) for cell in page.document.select("tbody td")]
    assert cells[2:4] == ["创建", "项目"]
    chosen = [option.get_text() for option in page.document.select("option[selected]")]
    assert chosen[:2] == ["创建", "项目"]


def test_pages(world: World, browse: Browse) -> None:
    stem = unique("paged")
    for number in range(3):
        make_project(world.admin, name=f"{stem}-{number}")
    browser = browse("sysadmin")
    page = browser.open(f"{LOGS}?search={stem}&operation=create&page_size=2")
    assert resources(page) == [f"{stem}-2", f"{stem}-1"]
    following = str(page.document.select_one("a[rel=next]")["href"])
    assert "cursor=" in following
    page = browser.open(following)
    assert resources(page) == [f"{stem}-0"]
    assert page.document.select_one("a[rel=prev]")


def test_refusals_are_in_it_and_marked(world: World, browse: Browse) -> None:
    name = world.people["developer"].name
    assert browse("developer").open("/harbor/users").status == 403

    def refused() -> bool:
        page = browse("sysadmin").open(f"{LOGS}?username={name}&result=refused")
        return any("refused or failed" in row.get_text() for row in page.document.select("tbody tr"))

    eventually(refused)
