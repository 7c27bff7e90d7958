"""The purge of the audit log over HTTP."""

import json

import httpx

from tests.support.accounts import unique
from tests.support.waiting import eventually
from tests.support.world import World

_SCHEDULE = "/system/purgeaudit/schedule"
_PARAMETERS = {"audit_retention_hour": 1, "include_event_types": "pull_artifact,other", "dry_run": True}


def _ask(admin: httpx.Client, kind: str, cron: str = "", **parameters: object) -> httpx.Response:
    return admin.post(
        _SCHEDULE,
        json={"schedule": {"type": kind, "cron": cron}, "parameters": _PARAMETERS | parameters},
    )


def _purge(world: World, **parameters: object) -> dict[str, object]:
    """Run one to its end."""
    answer = _ask(world.admin, "Manual", **parameters)
    assert answer.status_code == 201, answer.text
    url = f"{world.server.url}{answer.headers['Location']}"
    return eventually(
        lambda: world.admin.get(url).json(), lambda found: found["job_status"] not in {"Running", "Pending"}
    )


def test_a_manual_purge(world: World) -> None:
    found = _purge(world)

    assert (found["job_name"], found["job_kind"], found["job_status"]) == (
        "PURGE_AUDIT_LOG",
        "MANUAL",
        "Success",
    )
    assert found["schedule"]["type"] == "Manual"
    assert json.loads(found["job_parameters"]) == _PARAMETERS
    assert found in world.admin.get("/system/purgeaudit?page_size=100").json()
    log = world.admin.get(f"/system/purgeaudit/{found['id']}/log")
    assert log.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Purge audit job start\n" in log.text
    assert "[DRYRUN]Purged 0 rows of audit logs\n" in log.text
    assert world.admin.put(f"/system/purgeaudit/{found['id']}").status_code == 200


def test_the_history_is_a_list(world: World) -> None:
    for _ in range(2):
        _purge(world)
    answer = world.admin.get("/system/purgeaudit?page_size=1&sort=-id&q=status=Success,trigger=MANUAL")
    assert int(answer.headers["X-Total-Count"]) >= 2
    (newest,) = answer.json()
    (oldest,) = world.admin.get("/system/purgeaudit?page_size=1&sort=id").json()
    assert newest["id"] > oldest["id"]


def test_a_schedule_comes_and_goes(world: World) -> None:
    admin = world.admin
    answer = _ask(admin, "Custom", "0 30 3 * * *")
    assert answer.headers["Location"].endswith(_SCHEDULE)
    found = admin.get(_SCHEDULE).json()
    assert (found["schedule"]["type"], found["schedule"]["cron"]) == ("Custom", "0 30 3 * * *")
    assert found["schedule"]["next_scheduled_time"].endswith("T03:30:00.000Z")
    assert json.loads(found["job_parameters"]) == _PARAMETERS
    assert "PURGE_AUDIT_LOG" in [row["vendor_type"] for row in admin.get("/schedules?page_size=100").json()]

    changed = admin.put(_SCHEDULE, json={"schedule": {"type": "Daily"}, "parameters": _PARAMETERS})
    assert changed.status_code == 200
    assert admin.get(_SCHEDULE).json()["schedule"]["cron"] == "0 0 0 * * *"

    assert admin.put(_SCHEDULE, json={"schedule": {"type": "None"}}).status_code == 200
    assert admin.get(_SCHEDULE).json() == {}
    assert _ask(admin, "None").status_code == 201


def test_what_cannot_be_asked(world: World) -> None:
    before = world.admin.get("/system/purgeaudit").headers["X-Total-Count"]
    for kind, cron, parameters in (
        ("Often", "", {}),
        ("Custom", "* * * * * *", {}),
        ("Custom", "1 0 0 * * *", {}),
        ("Custom", "0 0 * * *", {}),
        ("Manual", "", {"audit_retention_hour": 240_001}),
        ("Manual", "", {"audit_retention_hour": None}),
        ("Daily", "", {"include_event_types": 5}),
    ):
        answer = _ask(world.admin, kind, cron, **parameters)
        assert answer.status_code == 400, (kind, cron, parameters)
        assert answer.json()["errors"][0]["code"] == "BAD_REQUEST"
    assert world.admin.post(_SCHEDULE).status_code == 422
    assert world.admin.post(_SCHEDULE, json={"schedule": "daily"}).status_code == 400
    assert world.admin.get("/system/purgeaudit").headers["X-Total-Count"] == before
    assert world.admin.get(_SCHEDULE).json() == {}


def test_a_system_robot_purges(world: World) -> None:
    permissions = [
        {
            "kind": "system",
            "namespace": "/",
            "access": [{"resource": "purge-audit", "action": action} for action in ("create", "list")],
        }
    ]
    robot = world.admin.post(
        "/robots",
        json={"name": unique("purger"), "level": "system", "duration": 1, "permissions": permissions},
    ).json()
    with httpx.Client(
        base_url=f"{world.server.url}/api/v2.0", auth=(robot["name"], robot["secret"])
    ) as client:
        assert _ask(client, "Manual").status_code == 201
        assert client.get("/system/purgeaudit").status_code == 200
        assert client.get(_SCHEDULE).status_code == 403
    told = world.admin.get(f"/auditlog-exts?q=resource_type=purge_audit,username={robot['name']}").json()
    assert [row["operation"] for row in told] == ["create"]
