"""Garbage collection over HTTP, run by the server's own worker."""

import json

import httpx
import pytest

from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.waiting import eventually
from tests.support.world import World

_SCHEDULE = "/system/gc/schedule"


def _ask(admin: httpx.Client, kind: str, cron: str = "", **parameters: object) -> httpx.Response:
    return admin.post(_SCHEDULE, json={"schedule": {"type": kind, "cron": cron}, "parameters": parameters})


def _collect(world: World, **parameters: object) -> dict[str, object]:
    """Run one to its end."""
    answer = _ask(world.admin, "Manual", **parameters)
    assert answer.status_code == 201, answer.text
    path = answer.headers["Location"].removeprefix("/api/v2.0")
    return eventually(
        lambda: world.admin.get(path).json(), lambda found: found["job_status"] not in {"Running", "Pending"}
    )


def test_a_manual_collection(world: World) -> None:
    found = _collect(world, dry_run=True, delete_untagged=True, workers=2)

    assert (found["job_name"], found["job_kind"], found["job_status"]) == (
        "GARBAGE_COLLECTION",
        "MANUAL",
        "Success",
    )
    assert found["schedule"]["type"] == "Manual"
    results = json.loads(found["job_parameters"])
    assert results.pop("purged_blobs") >= 0
    assert results.pop("purged_manifests") >= 0
    assert results.pop("freed_space") >= 0
    assert results == {"delete_untagged": True, "delete_tag": False, "dry_run": True, "workers": 2}
    assert found in world.admin.get("/system/gc?page_size=100").json()
    log = world.admin.get(f"/system/gc/{found['id']}/log")
    assert log.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "eligible for deletion" in log.text
    assert world.admin.put(f"/system/gc/{found['id']}").status_code == 200


def test_it_leaves_what_is_new(world: World) -> None:
    image = make_image()
    name = f"{world.private}/collected"
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(name, image, tag="v1")
        assert client.delete_manifest(name, image.digest).status_code == 202

        assert _collect(world)["job_status"] == "Success"

        for blob in image.blobs:
            assert client.get_blob(name, blob.digest).content == blob.data


def test_a_schedule_comes_and_goes(world: World) -> None:
    assert world.admin.get(_SCHEDULE).json() == {}
    answer = _ask(world.admin, "Custom", "0 30 3 * * 6", workers=3)
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/v2.0/system/gc/schedule")

    found = world.admin.get(_SCHEDULE).json()
    assert (found["schedule"]["type"], found["schedule"]["cron"]) == ("Custom", "0 30 3 * * 6")
    assert json.loads(found["job_parameters"])["workers"] == 3
    change = {"schedule": {"type": "Daily", "cron": "0 0 0 * * *"}, "parameters": {"delete_untagged": True}}
    assert world.admin.put(_SCHEDULE, json=change).status_code == 200
    found = world.admin.get(_SCHEDULE).json()
    assert found["schedule"]["type"] == "Daily"
    assert json.loads(found["job_parameters"])["delete_untagged"] is True

    assert _ask(world.admin, "None").status_code == 201
    assert world.admin.get(_SCHEDULE).json() == {}


@pytest.mark.parametrize(
    ("schedule", "parameters"),
    [
        ({"type": "Manual"}, {"workers": 0}),
        ({"type": "Manual"}, {"workers": 11}),
        ({"type": "Manual"}, {"workers": "many"}),
        ({"type": "Manual"}, {"dry_run": "yes"}),
        ({"type": "Custom", "cron": "* * * * * *"}, {}),
        ({"type": "Custom", "cron": "0 0 0 * *"}, {}),
        ({"type": "Sometimes"}, {}),
    ],
)
def test_what_cannot_be_is_refused(world: World, schedule: object, parameters: object) -> None:
    before = world.admin.get("/system/gc").headers["X-Total-Count"]

    answer = world.admin.post(_SCHEDULE, json={"schedule": schedule, "parameters": parameters})

    assert answer.status_code == 400
    assert world.admin.get("/system/gc").headers["X-Total-Count"] == before
    assert world.admin.get(_SCHEDULE).json() == {}


def test_the_right_body_is_needed(world: World) -> None:
    assert world.admin.post(_SCHEDULE).status_code == 422
    assert world.admin.post(_SCHEDULE, json={"parameters": {"dry_run": 1}}).status_code == 400
