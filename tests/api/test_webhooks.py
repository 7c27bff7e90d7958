"""Webhooks of a running server, from the policy to what the receiver gets and the log of it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cloudevents.v1.http import from_http

from tests.support.accounts import Role, api, make_member, make_project
from tests.support.http import RegistryClient
from tests.support.images import digest_of, make_image
from tests.support.receiver import Receiver
from tests.support.waiting import eventually
from tests.support.world import World

EVENTS = ["PUSH_ARTIFACT", "PULL_ARTIFACT", "DELETE_ARTIFACT", "QUOTA_EXCEED", "QUOTA_WARNING"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def policy(url: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": "chat",
        "description": "all of it",
        "targets": [
            {"type": "http", "address": url, "auth_header": "Bearer secret", "skip_cert_verify": True}
        ],
        "event_types": ["PUSH_ARTIFACT"],
        "enabled": True,
    } | changes


def make(admin: httpx.Client, project: str, body: dict[str, Any]) -> str:
    answer = admin.post(f"/projects/{project}/webhook/policies", json=body)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"].removeprefix("/api/v2.0")


def finished(client: httpx.Client, path: str, count: int = 1) -> list[dict[str, Any]]:
    """The executions of a policy, once there are so many that have ended."""

    def ended(rows: list[dict[str, Any]] | None) -> bool:
        final = {"Success", "Error", "Stopped"}
        return len([row for row in rows or () if row["status"] in final]) >= count

    return eventually(lambda: client.get(f"{path}/executions?page_size=100").json(), ended)


def test_a_policy(world: World, receiver: Receiver) -> None:
    project = make_project(world.admin)
    path = make(world.admin, project, policy(receiver.url))
    number = int(path.rpartition("/")[2])
    project_id = world.admin.get(f"/projects/{project}").json()["project_id"]
    shown = world.admin.get(path).json()
    assert shown["creation_time"] == shown["update_time"]
    times = {name: shown[name] for name in ("creation_time", "update_time")}
    target = policy(receiver.url)["targets"][0] | {"payload_format": "Default"}
    assert shown == policy(receiver.url) | times | {
        "id": number, "project_id": project_id, "creator": "admin", "targets": [target],
    }  # fmt: skip
    assert world.admin.get(f"/projects/{project}/webhook/policies").json() == [shown]
    maintainer = make_member(world.admin, project=project, role=Role.MAINTAINER)
    with api(world.server.url, maintainer) as client:
        [seen] = client.get(f"/projects/{project}/webhook/policies").json()
        assert seen == client.get(path).json()
        assert seen["targets"] == [{name: target[name] for name in target if name != "auth_header"}]
    assert (
        world.admin.post(f"/projects/{project}/webhook/policies", json=policy(receiver.url)).status_code
        == 409
    )
    for bad in ({"targets": []}, {"event_types": ["NOTHING"]}, {"targets": 7}, {"enabled": "perhaps"}):
        answer = world.admin.put(path, json=policy(receiver.url, **bad))
        assert answer.status_code == 400, answer.text
    assert world.admin.get(path).json() == shown
    # As the portal does it: everything that was read, with one key changed.
    assert world.admin.put(path, json=shown | {"enabled": False}).status_code == 200
    changed = world.admin.get(path).json()
    assert changed["update_time"] > shown["update_time"]
    assert changed == shown | {"enabled": False, "update_time": changed["update_time"]}
    assert world.admin.delete(path).status_code == 200
    for method in ("GET", "DELETE"):
        assert world.admin.request(method, path).status_code == 404
    assert world.admin.get(f"/projects/{project}/webhook/policies").json() == []


def test_what_can_be_told(world: World) -> None:
    found = world.admin.get(f"/projects/{world.private}/webhook/events").json()
    assert found == {
        "event_type": [
            *EVENTS,
            *("SCANNING_FAILED", "SCANNING_STOPPED", "SCANNING_COMPLETED", "REPLICATION", "TAG_RETENTION"),
        ],
        "notify_type": ["http", "slack"],
        "payload_formats": [{"notify_type": "http", "formats": ["Default", "CloudEvents"]}],
    }


def test_from_a_push_a_pull_and_a_deletion_to_the_log(world: World, receiver: Receiver) -> None:
    project = make_project(world.admin)
    path = make(world.admin, project, policy(f"{receiver.url}/hook", event_types=EVENTS))
    image = make_image()
    with RegistryClient(world.server.url, world.server.admin) as registry:
        registry.push(f"{project}/team/app", image, tag="v1")
        receiver.wait_for(1)
        registry.get_manifest(f"{project}/team/app", "v1")
        receiver.wait_for(2)
    assert (
        world.admin.delete(f"/projects/{project}/repositories/team%252Fapp/artifacts/v1").status_code == 200
    )
    requests = receiver.wait_for(3)
    assert [request.json["type"] for request in requests] == [
        "PUSH_ARTIFACT",
        "PULL_ARTIFACT",
        "DELETE_ARTIFACT",
    ]
    for request in requests:
        assert request.headers["authorization"] == "Bearer secret"
        assert request.json["operator"] == "admin"
        data = request.json["event_data"]
        assert (data["resources"][0]["tag"], data["resources"][0]["digest"]) == ("v1", image.digest)
        assert data["repository"]["repo_full_name"] == f"{project}/team/app"
    resource = requests[0].json["event_data"]["resources"][0]
    assert resource["resource_url"] == f"{world.server.host}/{project}/team/app:v1"

    deletion, _, push = finished(world.admin, path, 3)
    assert (push["vendor_type"], push["trigger"], push["status"]) == ("WEBHOOK", "EVENT", "Success")
    assert push["metrics"] == {"task_count": 1, "success_task_count": 1}
    assert push["extra_attrs"] == {"event_type": "PUSH_ARTIFACT", "payload": requests[0].body.decode()}
    [task] = world.admin.get(f"{path}/executions/{push['id']}/tasks").json()
    assert (task["status"], task["run_count"], task["execution_id"]) == ("Success", 1, push["id"])
    log = world.admin.get(f"{path}/executions/{push['id']}/tasks/{task['id']}/log")
    assert log.headers["content-type"] == "text/plain; charset=utf-8"
    assert f"PUSH_ARTIFACT to {receiver.url}" in log.text
    assert "answered 200" in log.text
    assert world.admin.get(f"{path}/executions/{deletion['id']}/tasks/{task['id']}/log").status_code == 404
    other = world.admin.get(f"{path}/executions?q=event_type=DELETE_ARTIFACT").json()
    assert [row["id"] for row in other] == [deletion["id"]]

    jobs = world.admin.get(f"/projects/{project}/webhook/jobs?policy_id={path.rpartition('/')[2]}").json()
    assert [job["event_type"] for job in jobs] == ["DELETE_ARTIFACT", "PULL_ARTIFACT", "PUSH_ARTIFACT"]
    assert (jobs[0]["notify_type"], jobs[0]["job_detail"]) == ("http", requests[2].body.decode())
    query = f"policy_id={path.rpartition('/')[2]}&status="
    for asked, count in (("Error,Success", 3), ("Error", 0), ("Error&status=Success", 3)):
        assert len(world.admin.get(f"/projects/{project}/webhook/jobs?{query}{asked}").json()) == count, asked
    assert world.admin.get(f"/projects/{project}/webhook/jobs").status_code == 422
    last = {
        row["event_type"]: row for row in world.admin.get(f"/projects/{project}/webhook/lasttrigger").json()
    }
    assert last["PUSH_ARTIFACT"]["last_trigger_time"] == push["start_time"]
    assert last["QUOTA_EXCEED"]["last_trigger_time"].startswith("0001-")
    assert world.admin.delete(path).status_code == 200
    assert world.admin.get(f"/jobservice/jobs/{task['id']}/log").status_code == 404


def test_a_quota_that_is_used_up(world: World, receiver: Receiver) -> None:
    project = make_project(world.admin, limit=30_000)
    target = {"type": "http", "address": receiver.url, "payload_format": "CloudEvents"}
    make(world.admin, project, policy(receiver.url, event_types=EVENTS[3:], targets=[target]))
    with RegistryClient(world.server.url, world.server.admin) as registry:
        data = bytes(100_000)
        refused = registry.put(registry.start_upload(f"{project}/app"), digest_of(data), data)
    assert refused.status_code == 403, refused.text
    [request] = receiver.wait_for(1)
    event = from_http(request.headers, request.body)
    assert (event["type"], event["operator"]) == ("harbor.quota.exceeded", "admin")
    assert event["requestid"] == refused.headers["X-Request-Id"]
    assert event.data["repository"]["repo_full_name"] == f"{project}/app"
    assert "will exceed the configured upper limit of 29.3 KiB" in event.data["custom_attributes"]["Details"]


def test_a_test_delivery(world: World, receiver: Receiver) -> None:
    project = make_project(world.admin)
    path = make(world.admin, project, policy(receiver.url, enabled=False))
    begun = world.admin.post(f"{path}/test")
    assert begun.status_code == 202, begun.text
    [request] = receiver.wait_for(1)
    assert request.json["event_data"]["custom_attributes"] == {"test": "true"}
    [execution] = finished(world.admin, path)
    assert (execution["id"], execution["trigger"]) == (begun.json()[0]["id"], "MANUAL")
    receiver.stop()
    world.admin.post(f"{path}/test")
    failing = eventually(
        lambda: world.admin.get(f"{path}/executions?sort=-id").json()[0],
        lambda row: world.admin.get(f"{path}/executions/{row['id']}/tasks").json()[0].get("status_message"),
    )
    [task] = world.admin.get(f"{path}/executions/{failing['id']}/tasks").json()
    assert task["status_message"] == f"no connection to 127.0.0.1:{receiver.port}: Connection refused"
