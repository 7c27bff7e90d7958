"""The settings over HTTP: shown, changed, refused, and in force in every process at once."""

from typing import Any

import httpx
import jwt
import pytest

from apps.config.types import BEYOND_HARBOR, SystemSettings, about
from tests.support.accounts import api, make_project, unique
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.server import HarborServer
from tests.support.settings import changed_settings
from tests.support.waiting import eventually
from tests.support.world import REPOSITORY, World

_PASSWORDS = ("ldap_search_password", "oidc_client_secret", "uaa_client_secret")
_PROCESSES = 6


def test_every_setting_is_shown_with_its_value_and_no_secret_is(world: World) -> None:
    shown = world.admin.get("/configurations").json()
    ours = {name for name in SystemSettings.model_fields if about(name).group == BEYOND_HARBOR}
    harbors = set(shown) - ours
    assert ours < set(shown)
    assert len(harbors) == 61 - len(_PASSWORDS) - 1, "the old policy is shown where one is kept"
    assert not set(_PASSWORDS) & set(shown)
    assert shown["token_expiration"] == {"value": 30, "editable": True}
    assert shown["storage_per_project"] == {"value": -1, "editable": True}
    assert shown["oidc_extra_redirect_parms"] == {"value": "{}", "editable": True}
    assert shown["auth_mode"] == {"value": "db_auth", "editable": False}, "there are people"
    internal = world.admin.get("/internalconfig").json()
    assert internal == shown | {"scan_all_policy": {"value": "{}", "editable": True}}


def test_a_secret_goes_in_and_does_not_come_out(world: World) -> None:
    with changed_settings(world.admin, oidc_name="dex", oidc_client_secret="geheim-123"):
        for path in ("/configurations", "/internalconfig", "/auditlog-exts?page_size=100", "/systeminfo"):
            assert "geheim-123" not in world.admin.get(path).text
        assert "geheim-123" not in world.server.log.read_text("utf-8")


@pytest.mark.parametrize(
    "changes",
    [
        {"token_expiration": 0},
        {"token_expiration": "30"},
        {"read_only": "yes"},
        {"storage_per_project": 0},
        {"auth_mode": "ldap_auth"},
        {"auth_mode": "no_auth"},
        {"robot_name_prefix": ""},
        {"oidc_extra_redirect_parms": "{"},
        {"skip_audit_log_database": True},
        {"audit_log_forward_endpoint": "127.0.0.1:1"},
        {"disabled_audit_log_event_types": "pull_artifact,no_such"},
        [],
    ],
)
def test_bad_input_changes_nothing(world: World, changes: Any) -> None:
    before = world.admin.get("/configurations").json()
    body = {"banner_message": "x"} | changes if isinstance(changes, dict) else changes
    answer = world.admin.put("/configurations", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "BAD_REQUEST"), answer.text
    assert world.admin.get("/configurations").json() == before


def test_null_and_what_is_no_setting_are_ignored(world: World) -> None:
    before = world.admin.get("/configurations").json()
    assert world.admin.put("/configurations", json={"no_such": 1, "read_only": None}).status_code == 200
    assert world.admin.put("/configurations").status_code == 422
    assert world.admin.get("/configurations").json() == before


def test_every_process_has_a_change_at_once(world: World) -> None:
    """Each request is on a connection of its own, so that the processes take turns."""
    for text in ("one", "two", "three"):
        with changed_settings(world.admin, banner_message=text):
            for _ in range(_PROCESSES):
                with api(world.server.url) as client:
                    assert client.get("/systeminfo").json()["banner_message"] == text


def test_system_info_follows(world: World) -> None:
    changes = {
        "self_registration": True,
        "primary_auth_mode": True,
        "project_creation_restriction": "adminonly",
        "notification_enable": False,
    }
    with changed_settings(world.admin, **changes):
        info = world.clients["guest"].get("/systeminfo").json()
        assert {name: info[name] for name in changes} == changes
        public = world.clients["anonymous"].get("/systeminfo").json()
        assert (public["self_registration"], public["primary_auth_mode"]) == (True, True)
        assert "project_creation_restriction" not in public


def test_the_life_of_registry_tokens(world: World) -> None:
    def life() -> int:
        query = f"scope=repository:{world.private}/{REPOSITORY}:pull"
        url = f"{world.server.url}/service/token?service=harbor-registry&{query}"
        answer = httpx.get(url, auth=world.server.admin.basic).json()
        claims = jwt.decode(answer["token"], options={"verify_signature": False})
        assert answer["expires_in"] == claims["exp"] - claims["iat"]
        return int(answer["expires_in"])

    assert life() == 30 * 60
    with changed_settings(world.admin, token_expiration=7):
        assert life() == 7 * 60
    assert life() == 30 * 60


def _limit(client: httpx.Client, project: str) -> int:
    return int(client.get(f"/projects/{project}/summary").json()["quota"]["hard"]["storage"])


def test_the_limit_of_new_projects(world: World) -> None:
    def made(**values: Any) -> str:
        name = unique("limited")
        assert world.admin.post("/projects", json={"project_name": name, **values}).status_code == 201
        return name

    with changed_settings(world.admin, storage_per_project=12345):
        by_default, by_request = made(), made(storage_limit=77)
    assert (_limit(world.admin, by_default), _limit(world.admin, by_request)) == (12345, 77)
    assert _limit(world.admin, made()) == -1


def test_limits_are_not_enforced_while_they_are_off_but_counted(world: World) -> None:
    project = make_project(world.admin, limit=100)
    with RegistryClient(world.server.url, world.server.admin) as registry:
        with changed_settings(world.admin, quota_per_project_enable=False):
            registry.push(f"{project}/app", make_image(), tag="v1")
        used = world.admin.get(f"/projects/{project}/summary").json()["quota"]["used"]["storage"]
        assert used > 100
        blob = registry.post_upload(f"{project}/app")
        assert blob.status_code == 403, "they are enforced again, with what was pushed meanwhile"


def test_pulls_that_leave_no_trace(world: World) -> None:
    project = make_project(world.admin)
    names = {
        "counted": {},
        "uncounted": {"pull_count_update_disable": True},
        "untimed": {"pull_time_update_disable": True},
    }
    with RegistryClient(world.server.url, world.server.admin) as registry:
        for name in names:
            registry.push(f"{project}/{name}", make_image(), tag="v1")
        for name, changes in names.items():
            with changed_settings(world.admin, **changes):
                assert registry.get_manifest(f"{project}/{name}", "v1").status_code == 200
                # A pull counts when the spool is drained: the switch has to be off as long.
                eventually(lambda name=name: any(_traces(world, project, name)))
    assert _traces(world, project, "counted") == (1, True)
    assert _traces(world, project, "uncounted") == (0, True)
    assert _traces(world, project, "untimed") == (1, False)


def _traces(world: World, project: str, name: str) -> tuple[int, bool]:
    repository = world.admin.get(f"/projects/{project}/repositories/{name}").json()
    artifact = world.admin.get(f"/projects/{project}/repositories/{name}/artifacts/v1").json()
    return repository["pull_count"], not artifact["pull_time"].startswith("0001")


@pytest.mark.slow
def test_the_environment_fixes_the_settings() -> None:
    fixed = '{"token_expiration": 9, "self_registration": "true", "oidc_client_secret": "geheim"}'
    server = HarborServer()
    server.env["CONFIG_OVERWRITE_JSON"] = fixed
    with server, api(server.url, server.admin) as admin:
        shown = admin.get("/configurations").json()
        assert shown["token_expiration"] == {"value": 9, "editable": False}
        assert shown["self_registration"] == {"value": True, "editable": False}
        assert shown["auth_mode"] == {"value": "db_auth", "editable": False}
        answer = admin.put("/configurations", json={"session_timeout": 5})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "FORBIDDEN")
        assert "geheim" not in server.log.read_text("utf-8")
