"""The system settings in pages."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from apps.config.types import SystemSettings
from apps.portal.banner import Banner, banner_read, banner_write
from apps.portal.settings_table import LABELS, SECTIONS, UNSHOWN
from tests.portal.conftest import Browse
from tests.support.browsing import SIGN_IN, Browser
from tests.support.server import HarborServer
from tests.support.world import World

SETTINGS = "/harbor/system-settings"


@pytest.fixture
def configurations(world: World):
    """What the API says; and everything as it was afterwards."""

    def now() -> dict:
        return {
            name: item["value"]
            for name, item in world.admin.get("/configurations").json().items()
            if "value" in item
        }

    before = now()
    yield now
    changed = {name: value for name, value in before.items() if now()[name] != value}
    if changed:
        assert world.admin.put("/configurations", json=changed).status_code == 200


def test_every_setting_has_its_place_and_its_label() -> None:
    shown = [name for section in SECTIONS for name in section.names]
    assert sorted([*shown, *UNSHOWN]) == sorted(SystemSettings.model_fields)
    assert set(shown) == LABELS.keys()


@pytest.mark.parametrize("section", [section.key for section in SECTIONS])
def test_each_section_can_be_saved_as_it_is(
    world: World, browse: Browse, configurations, section: str
) -> None:
    before = configurations()
    page = browse("sysadmin").submit(f"{SETTINGS}/{section}")
    assert "The settings are saved." in page.text
    assert configurations() == before


def test_settings_are_changed(browse: Browse, configurations) -> None:
    browser = browse("sysadmin")
    browser.submit(
        f"{SETTINGS}/accounts", token_expiration=45, self_registration=True, robot_token_duration=9
    )
    browser.submit(
        f"{SETTINGS}/projects", project_creation_restriction="adminonly", storage_per_project_number=3
    )
    browser.submit(f"{SETTINGS}/audit", disabled_audit_log_event_types=["pull_artifact", "login_user"])
    now = configurations()
    assert (now["token_expiration"], now["self_registration"], now["robot_token_duration"]) == (45, True, 9)
    assert (now["project_creation_restriction"], now["storage_per_project"]) == ("adminonly", 3 * 1024**3)
    assert now["disabled_audit_log_event_types"] == "pull_artifact,login_user"
    form = browser.open(f"{SETTINGS}/audit").form()
    assert len(form.select("[name=disabled_audit_log_event_types][checked]")) == 2


def test_what_cannot_be_is_told_and_changes_nothing(browse: Browse, configurations) -> None:
    browser, before = browse("sysadmin"), configurations()
    page = browser.submit(f"{SETTINGS}/accounts", token_expiration=0, session_timeout=30)
    assert page.status == 422
    assert page.has(".invalid-feedback")
    page = browser.submit(f"{SETTINGS}/accounts", robot_name_prefix="no blanks")
    assert page.status == 400
    assert "robot_name_prefix" in page.text
    page = browser.submit(f"{SETTINGS}/audit", skip_audit_log_database=True)
    assert page.status == 400
    assert "needs an audit_log_forward_endpoint" in page.text
    assert browser.submit(f"{SETTINGS}/oidc", oidc_extra_redirect_parms="{").status == 400
    assert browser.open(f"{SETTINGS}/nonsense").status == 404
    assert configurations() == before


def test_a_secret_is_written_and_never_shown(world: World, browse: Browse, configurations) -> None:
    browser = browse("sysadmin")
    page = browser.submit(f"{SETTINGS}/oidc", oidc_client_secret="hidden-for-ever", oidc_name="Example")
    assert "The settings are saved." in page.text
    assert configurations()["oidc_name"] == "Example"
    assert "hidden-for-ever" not in page.answer.text
    assert "hidden-for-ever" not in browser.open(f"{SETTINGS}/oidc").answer.text


def test_the_read_only_mode_can_be_ended(browse: Browse, configurations) -> None:
    browser = browse("sysadmin")
    page = browser.submit(f"{SETTINGS}/operation", read_only=True)
    try:
        assert "read-only mode" in browser.open("/harbor/projects").answer.text
        assert browser.submit("/harbor/projects/new", name="never").status == 403
    finally:
        page = browser.submit(f"{SETTINGS}/operation", read_only=None)
    assert "The settings are saved." in page.text
    assert configurations()["read_only"] is False


def test_the_banner(browse: Browse, configurations) -> None:
    browser = browse("sysadmin")
    today = datetime.now(UTC).date()
    tomorrow = today + timedelta(days=1)
    values = {"message": "We move <tonight>", "type": "warning", "closable": True}
    browser.submit(f"{SETTINGS}/banner", **values, from_date=today, to_date=tomorrow)
    kept = json.loads(configurations()["banner_message"])
    assert (kept["message"], kept["type"], kept["closable"]) == ("We move <tonight>", "warning", True)
    for path in ("/harbor/projects", SIGN_IN):
        page = browse("anonymous").open(path)
        assert page.document.select_one(".alert-warning.banner").get_text(strip=True) == "We move <tonight>"
    with Browser(browser.url) as visitor:
        close = "form[action='/account/banner']"
        page = visitor.open("/harbor/projects?visibility=public")
        mark = str(page.document.select_one(f"{close} button[name=banner]")["value"])
        page = visitor.send(page, close, button=mark)
        assert page.path == "/harbor/projects?visibility=public"
        assert not page.has(".banner")
        assert not visitor.open(SIGN_IN).has(".banner"), "closed is closed"
        browser.submit(f"{SETTINGS}/banner", message="We move tomorrow")
        page = visitor.open(SIGN_IN)
        assert page.has(".alert-warning.banner"), "until it says something else"
        mark = str(page.document.select_one(f"{close} button[name=banner]")["value"])
        assert visitor.post("/account/banner", banner="x").status == 400
        part = visitor.client.post(
            "/account/banner",
            data={"banner": mark, "csrfmiddlewaretoken": visitor.client.cookies["_harbor_csrf"]},
            headers={"HX-Request": "true"},
        )
        assert (part.status_code, part.text, part.history) == (200, "", [])
        assert not visitor.open(SIGN_IN).has(".banner")
        browser.submit(f"{SETTINGS}/banner", closable=None)
        page = visitor.open(SIGN_IN)
        assert page.has(".banner"), "one that cannot be closed is shown to those who have closed it before"
        assert not page.has(close)
    browser.submit(f"{SETTINGS}/banner", from_date=tomorrow)
    assert not browse("anonymous").open(SIGN_IN).has(".alert-warning.banner")
    page = browser.submit(f"{SETTINGS}/banner", to_date=today)
    assert page.status == 422
    assert "The last day is before the first." in page.text
    browser.submit(f"{SETTINGS}/banner", message="")
    assert configurations()["banner_message"] == ""


def test_banners_are_read_as_harbor_writes_them() -> None:
    text = '{"message":"Hello","type":"danger","closable":true,"fromDate":"2026-01-02T00:00:00.000Z","toDate":"2026-01-04T23:59:59.999Z"}'
    banner = banner_read(text)
    day = datetime(2026, 1, 2, tzinfo=UTC).date()
    assert json.loads(banner_write(banner)) == json.loads(text)
    shown = [banner.is_shown(day + timedelta(days=days)) for days in (-1, 0, 2, 3)]
    assert shown == [False, True, True, False]
    assert banner_read("plain words") == Banner("plain words")
    assert banner_read("[1]") == Banner("[1]")
    assert not banner_read("").is_shown(day)
    assert banner_read('{"message":"x","type":"nonsense","fromDate":"soon"}') == Banner("x")


def test_who_may_see_and_who_may_change(world: World, browse: Browse, configurations) -> None:
    page = browse("auditor").open(f"{SETTINGS}/accounts")
    assert page.status == 200
    assert f"{SETTINGS}/accounts" not in page.forms()
    assert all(field.has_attr("disabled") for field in page.document.select("main input"))
    before = configurations()
    assert browse("auditor").post(f"{SETTINGS}/accounts", token_expiration="99").status == 403
    for identity in ("project_admin", "outsider"):
        assert browse(identity).open(SETTINGS).status == 403
        assert browse(identity).post(f"{SETTINGS}/accounts", token_expiration="99").status == 403
    assert browse("anonymous").open(SETTINGS).path.startswith(SIGN_IN)
    assert configurations() == before


@pytest.mark.slow
def test_what_the_environment_fixes_is_told() -> None:
    server = HarborServer()
    server.env["CONFIG_OVERWRITE_JSON"] = '{"token_expiration": 9, "oidc_client_secret": "geheim"}'
    with server, Browser(server.url, server.admin) as browser:
        page = browser.open(f"{SETTINGS}/accounts")
        assert "CONFIG_OVERWRITE_JSON" in page.text
        assert page.document.select_one("[name=token_expiration]")["value"] == "9"
        assert all(field.has_attr("disabled") for field in page.document.select("main input"))
        assert f"{SETTINGS}/accounts" not in page.forms()
        assert browser.post(f"{SETTINGS}/accounts", token_expiration="10").status == 403
        assert "geheim" not in browser.open(f"{SETTINGS}/oidc").answer.text
        assert "/harbor/quotas/default" not in browser.open("/harbor/quotas").links()
