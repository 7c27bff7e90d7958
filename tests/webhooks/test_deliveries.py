"""From an event to what a receiver gets."""

import json
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cloudevents.v1.http import from_http
from django.db import transaction
from django.utils import timezone

from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.repositories import repository_delete
from apps.common.database import write_atomic
from apps.events.bus import publish
from apps.events.catalogue import (
    ArtifactDeleted,
    ArtifactPushed,
    ArtifactsPulled,
    Pull,
    QuotaExceeded,
    QuotaWarned,
    RetentionFinished,
    Retired,
)
from apps.jobs.logs import log_text
from apps.jobs.models import Execution, Task
from apps.jobs.queueing import tasks_runnable
from apps.jobs.running import Worker
from apps.jobs.types import Status
from apps.projects.models import Project
from apps.webhooks.models import WebhookPolicy
from apps.webhooks.selectors import MOST_WAITING
from apps.webhooks.services import webhook_policy_delete, webhook_policy_test, webhook_policy_update
from tests.distribution.documents import index_of, manifest_of
from tests.distribution.inside import Place
from tests.support.people import settings_are
from tests.support.receiver import Receiver
from tests.webhooks.conftest import executions, only_task, target

pytestmark = pytest.mark.django_db(transaction=True)

DIGEST = f"sha256:{'a' * 64}"
AT = datetime(2026, 3, 6, 6, 8, 43, tzinfo=UTC)


def tell(*events) -> None:
    with write_atomic():
        for event in events:
            publish(event)


def pushed(place: Place, *tags: str, digest: str = DIGEST) -> ArtifactPushed:
    return ArtifactPushed(
        operator="alice",
        occurred_at=AT,
        project_id=place.project_id,
        repository_id=1,
        repository_name=place.repository,
        artifact_id=1,
        digest=digest,
        tags=tags or ("v1",),
    )


def deleted(place: Place, digest: str = DIGEST) -> ArtifactDeleted:
    return ArtifactDeleted(
        operator="alice",
        occurred_at=AT,
        project_id=place.project_id,
        repository_id=1,
        repository_name=place.repository,
        artifact_id=1,
        digest=digest,
        tags=("v1",),
    )


def test_a_push_in_harbors_own_format(place: Place, policy, receiver: Receiver, work) -> None:
    made = policy("PUSH_ARTIFACT", targets=[target(f"{receiver.url}/hook?x=1", auth_header="Bearer secret")])
    manifest = manifest_of()
    place.push(manifest, tag="v1")
    work()
    [request] = receiver.requests
    assert (request.method, request.path) == ("POST", "/hook?x=1")
    assert request.headers["authorization"] == "Bearer secret"
    assert request.headers["content-type"] == "application/json"
    project, _, path = place.repository.partition("/")
    at = request.json["occur_at"]
    created = request.json["event_data"]["repository"]["date_created"]
    assert abs(at - timezone.now().timestamp()) < 120
    assert abs(at - created) < 120
    assert request.json == {
        "type": "PUSH_ARTIFACT",
        "occur_at": at,
        "operator": place.actor.name,
        "event_data": {
            "resources": [
                {
                    "digest": manifest.digest,
                    "tag": "v1",
                    "resource_url": f"hub.example.com/{place.repository}:v1",
                }
            ],
            "repository": {
                "date_created": created,
                "name": path,
                "namespace": project,
                "repo_full_name": place.repository,
                "repo_type": "private",
            },
        },
    }
    [execution] = executions(made)
    assert (execution.vendor_type, execution.status, execution.trigger) == ("WEBHOOK", "Success", "EVENT")
    assert execution.extra_attrs == {"event_type": "PUSH_ARTIFACT", "payload": request.body.decode()}
    task = only_task(made)
    assert task.status == Status.SUCCESS
    log = log_text(task_ids=[task.pk])
    assert f"PUSH_ARTIFACT to {receiver.url}" in log
    assert "answered 200" in log
    assert "secret" not in log + json.dumps([task.parameters, task.extra_attrs, execution.extra_attrs])


def test_cloud_events_are_read_by_their_own_package(place: Place, policy, receiver: Receiver, work) -> None:
    made = policy("DELETE_ARTIFACT", targets=[target(receiver.url, payload_format="CloudEvents")])
    tell(deleted(place))
    work()
    [request] = receiver.requests
    assert request.headers["content-type"] == "application/cloudevents+json"
    event = from_http(request.headers, request.body)
    assert (event["type"], event["specversion"]) == ("harbor.artifact.deleted", "1.0")
    assert event["source"] == f"/projects/{place.project_id}/webhook/policies/{made.pk}"
    assert (event["operator"], event["time"]) == ("alice", "2026-03-06T06:08:43Z")
    assert event["datacontenttype"] == "application/json"
    assert event["id"] == request.headers["x-harbor-event-id"]
    assert event.data["resources"][0]["digest"] == DIGEST
    assert event.data["repository"]["repo_full_name"] == place.repository


def test_slack(place: Place, policy, receiver: Receiver, work) -> None:
    made = policy("PUSH_ARTIFACT", targets=[target(receiver.url, type="slack")])
    event = pushed(place, *[f"v{number}" for number in range(90)])
    tell(event)
    work()
    [request] = receiver.requests
    texts = [block["text"]["text"] for block in request.json["blocks"]]
    assert {block["type"] for block in request.json["blocks"]} == {"section"}
    assert texts[1] == "*event_type:* PUSH_ARTIFACT"
    assert (
        texts[2] == f"*occur_at:* <!date^{int(AT.timestamp())}^{{date}} at {{time}}|2026-03-06 06:08:43 UTC>"
    )
    assert texts[3] == "*operator:* alice"
    assert texts[5].startswith('```{\n  "resources"')
    assert len(texts[5]) <= 3000
    [execution] = executions(made)
    assert (execution.vendor_type, execution.status) == ("SLACK", "Success")


def test_names_are_no_marks_of_slack(place: Place, policy, receiver: Receiver, work) -> None:
    policy("PUSH_ARTIFACT", targets=[target(receiver.url, type="slack")])
    event = pushed(place)
    object.__setattr__(event, "operator", '<!channel> & "x"')
    tell(event)
    work()
    assert receiver.requests[0].json["blocks"][3]["text"]["text"] == '*operator:* &lt;!channel&gt; &amp; "x"'


def test_pulls_come_from_the_spool(place: Place, policy, receiver: Receiver, work) -> None:
    policy("PULL_ARTIFACT")
    pulls = tuple(
        Pull(place.project_id, 1, place.repository, 1, DIGEST, tag, "bob", AT + timedelta(seconds=number))
        for number, tag in enumerate(("v1", ""))
    )
    tell(ArtifactsPulled(operator="", pulls=pulls))
    work()
    bodies = [request.json for request in receiver.requests]
    assert [(body["type"], body["operator"]) for body in bodies] == [("PULL_ARTIFACT", "bob")] * 2
    resources = [body["event_data"]["resources"][0] for body in bodies]
    assert [one["tag"] for one in resources] == ["v1", DIGEST]
    assert resources[1]["resource_url"] == f"hub.example.com/{place.repository}@{DIGEST}"
    assert [body["occur_at"] for body in bodies] == [int(AT.timestamp()), int(AT.timestamp()) + 1]


def test_quotas(place: Place, policy, receiver: Receiver, work) -> None:
    policy("QUOTA_EXCEED", "QUOTA_WARNING")
    values = {"operator": "alice", "project_id": place.project_id, "used": 1, "hard": 2}
    tell(
        QuotaExceeded(needed=3, details="adding 3 B", repository_name=place.repository, **values),
        QuotaWarned(details="quota usage reach 85%", **values),
    )
    work()
    first, second = (request.json for request in receiver.requests)
    assert (first["type"], first["event_data"]["custom_attributes"]) == (
        "QUOTA_EXCEED",
        {"Details": "adding 3 B"},
    )
    assert first["event_data"]["repository"]["repo_full_name"] == place.repository
    assert (second["type"], second["event_data"]["custom_attributes"]) == (
        "QUOTA_WARNING",
        {"Details": "quota usage reach 85%"},
    )


def test_retention(place: Place, policy, receiver: Receiver, work) -> None:
    policy("TAG_RETENTION")
    rules = [
        {"id": 1, "template": "always", "params": {}, "tag_selectors": [{"pattern": "**"}], "action": "x"}
    ]
    project, _, path = place.repository.partition("/")
    tell(
        RetentionFinished(
            operator="alice",
            project_id=place.project_id,
            project_name=project,
            repository_id=1,
            repository_name=place.repository,
            policy_id=7,
            execution_id=8,
            task_id=9,
            rules=json.dumps(rules),
            status="Success",
            total=5,
            retained=3,
            deleted=(Retired(DIGEST, ("old",)), Retired(DIGEST, ())),
        )
    )
    work()
    assert receiver.requests[0].json["event_data"] == {
        "retention": {
            "total": 5,
            "retained": 3,
            "harbor_hostname": "hub.example.com",
            "project_name": project,
            "retention_policy_id": 7,
            "retention_rule": [{"template": "always", "tag_selectors": [{"pattern": "**"}]}],
            "result": "SUCCESS",
            "deleted_artifact": [
                {"type": "image", "status": "SUCCESS", "name_tag": f"{path}:old"},
                {"type": "image", "status": "SUCCESS", "name_tag": f"{path}@{DIGEST}"},
            ],
        }
    }


def test_a_deleted_repository_tells_of_each_artifact_that_is_no_part_of_another(
    place: Place, policy, receiver: Receiver, work
) -> None:
    child, single = manifest_of(), manifest_of(annotations={"a": "b"})
    place.push(child, tag="child")
    place.push(index_of([child]), tag="index")
    place.push(single, tag="single")
    policy("DELETE_ARTIFACT")
    repository_delete(actor=place.actor, repository_name=place.repository)
    work()
    told = {request.json["event_data"]["resources"][0]["tag"] for request in receiver.requests}
    assert told == {"index", "single"}


def test_a_deleted_artifact(place: Place, policy, receiver: Receiver, work) -> None:
    manifest = manifest_of()
    place.push(manifest, tag="v1")
    policy("DELETE_ARTIFACT", "PUSH_ARTIFACT")
    artifact_delete(actor=place.actor, repository_name=place.repository, reference="v1")
    work()
    assert [request.json["type"] for request in receiver.requests] == ["DELETE_ARTIFACT"]


def test_who_does_not_want_to_know(place: Place, project: Project, policy, receiver: Receiver, work) -> None:
    policy("PULL_ARTIFACT", "SCANNING_FAILED", "REPLICATION")
    disabled = policy("PUSH_ARTIFACT", enabled=False)
    tell(pushed(place))
    assert Execution.objects.count() == 0
    webhook_policy_update(
        actor=place.actor,
        project=project,
        policy_id=disabled.pk,
        name="p",
        targets=[target(receiver.url)],
        event_types=["PUSH_ARTIFACT"],
        enabled=True,
    )
    settings_are(notification_enable=False)
    tell(pushed(place))
    assert Execution.objects.count() == 0
    settings_are(notification_enable=True)
    tell(pushed(place))
    assert Execution.objects.count() == 1


def test_what_is_rolled_back_is_not_told(place: Place, policy) -> None:
    policy("PUSH_ARTIFACT")
    with write_atomic():
        publish(pushed(place))
        assert Execution.objects.count() == 1
        transaction.set_rollback(True)
    assert Execution.objects.count() == 0


def test_a_delivery_to_each_target_of_each_policy(place: Place, policy, receiver: Receiver, work) -> None:
    policy("PUSH_ARTIFACT", targets=[target(f"{receiver.url}/1"), target(f"{receiver.url}/2", type="slack")])
    policy("PUSH_ARTIFACT", targets=[target(f"{receiver.url}/3")])
    tell(pushed(place))
    work()
    assert sorted(request.path for request in receiver.requests) == ["/1", "/2", "/3"]
    assert {execution.status for execution in Execution.objects.all()} == {Status.SUCCESS}


def due_now() -> None:
    """As if the pauses were over."""
    Task.objects.filter(status=Status.PENDING).update(due_time=timezone.now() - timedelta(seconds=1))


def test_a_failure_is_tried_again_after_a_pause(place: Place, policy, receiver: Receiver, work) -> None:
    made = policy("PUSH_ARTIFACT")
    receiver.statuses, receiver.body = [500, 404, 301], b"no <b>\x00\xff"
    tell(pushed(place))
    pauses = []
    for _ in range(3):
        work()
        task = only_task(made)
        pauses.append((task.due_time - task.update_time).total_seconds())
        assert (task.status, executions(made)[0].status) == (Status.PENDING, Status.RUNNING)
        due_now()
    assert [round(pause) for pause in pauses] == [5, 20, 80]
    work()
    assert (only_task(made).status, executions(made)[0].status) == (Status.SUCCESS, Status.SUCCESS)
    assert len({request.headers["x-harbor-event-id"] for request in receiver.requests}) == 1
    assert len({request.body for request in receiver.requests}) == 1
    log = log_text(task_ids=[only_task(made).pk])
    assert "abnormal response code: 500" in log
    assert "its answer: 'no <b>" in log


def test_after_three_retries_it_has_failed(place: Place, policy, receiver: Receiver, work, caplog) -> None:
    made = policy("PUSH_ARTIFACT", targets=[target(f"{receiver.url}/path-with-a-token")])
    receiver.stop()
    tell(pushed(place))
    for _ in range(5):
        work()
        due_now()
    task = only_task(made)
    assert (task.status, task.attempts, executions(made)[0].status) == (Status.ERROR, 3, Status.ERROR)
    assert task.status_message == f"no connection to 127.0.0.1:{receiver.port}: Connection refused"
    # An endpoint that is down is no defect of ours: no traceback, and nothing of the path.
    assert "Traceback" not in caplog.text
    assert "path-with-a-token" not in caplog.text
    assert "path-with-a-token" not in log_text(task_ids=[task.pk])


def test_what_is_told_of_one_artifact_waits_for_what_came_before(
    place: Place, policy, receiver: Receiver, work
) -> None:
    """And for nothing else: another artifact's goes out while the first one is tried again."""
    policy("PUSH_ARTIFACT", "DELETE_ARTIFACT")
    receiver.statuses = [500]
    other = f"sha256:{'b' * 64}"
    tell(pushed(place))
    tell(deleted(place))
    tell(pushed(place))
    work()
    tell(pushed(place, digest=other))
    work()
    due_now()
    work()
    order = [
        (request.json["event_data"]["resources"][0]["digest"], request.json["type"])
        for request in receiver.requests
    ]
    assert order == [
        (DIGEST, "PUSH_ARTIFACT"),
        (other, "PUSH_ARTIFACT"),
        (DIGEST, "PUSH_ARTIFACT"),
        (DIGEST, "DELETE_ARTIFACT"),
        (DIGEST, "PUSH_ARTIFACT"),
    ]


def test_policies_take_turns(place: Place, policy) -> None:
    """One receiver is slow and has much to get: the others do not wait behind all of it."""
    slow, quick = policy("PUSH_ARTIFACT"), policy("DELETE_ARTIFACT")
    Worker(concurrency=20)._beat()
    for number in range(30):
        tell(pushed(place, digest=f"sha256:{number:064x}"))
    for number in range(3):
        tell(deleted(place, digest=f"sha256:{number:064x}"))
    chosen = [Execution.objects.get(tasks=task).vendor_id for task in tasks_runnable()]
    assert chosen == [slow.pk, quick.pk, slow.pk, quick.pk]
    # Two of the slow one's run: only the other one gets more.
    running = Task.objects.filter(execution__vendor_id=slow.pk).order_by("pk")[:2]
    Task.objects.filter(pk__in=[task.pk for task in running]).update(status=Status.RUNNING)
    chosen = [Execution.objects.get(tasks=task).vendor_id for task in tasks_runnable()]
    assert chosen == [quick.pk, quick.pk]


def test_a_receiver_that_is_gone_does_not_fill_the_database(place: Place, policy, monkeypatch) -> None:
    assert MOST_WAITING == 10_000
    monkeypatch.setattr("apps.webhooks.selectors.MOST_WAITING", 3)
    made, other = policy("PUSH_ARTIFACT"), policy("DELETE_ARTIFACT")
    for number in range(3):
        tell(pushed(place, digest=f"sha256:{number:064x}"))
    policy("PULL_ARTIFACT")  # What waits is counted anew with every change of a policy, and every minute.
    tell(pushed(place), deleted(place))
    assert (len(executions(made)), len(executions(other))) == (3, 1)
    Task.objects.all().delete()
    policy("PULL_ARTIFACT")
    tell(pushed(place))
    assert len(executions(made)) == 4


def test_a_correction_of_the_policy_helps_what_waits(
    place: Place, project: Project, policy, receiver: Receiver, work
) -> None:
    made = policy("PUSH_ARTIFACT", targets=[target("http://127.0.0.1:1/")])
    tell(pushed(place))
    work()
    webhook_policy_update(
        actor=place.actor,
        project=project,
        policy_id=made.pk,
        name="p",
        targets=[target(receiver.url, auth_header="new")],
        event_types=["PUSH_ARTIFACT"],
        enabled=True,
    )
    due_now()
    work()
    assert receiver.requests[0].headers["authorization"] == "new"


def test_a_disabled_or_deleted_policy_sends_nothing_more(
    place: Place, project: Project, policy, receiver: Receiver, work
) -> None:
    made, gone = policy("PUSH_ARTIFACT"), policy("PUSH_ARTIFACT")
    tell(pushed(place))
    WebhookPolicy.objects.filter(pk=made.pk).update(enabled=False)
    webhook_policy_delete(actor=place.actor, project=project, policy_id=gone.pk)
    assert executions(gone) == []
    work()
    assert receiver.requests == []
    assert (only_task(made).status, executions(made)[0].status) == (Status.STOPPED, Status.STOPPED)


def test_a_test_delivery(place: Place, project: Project, policy, receiver: Receiver, work) -> None:
    made = policy("TAG_RETENTION", enabled=False)
    webhook_policy_test(actor=place.actor, project=project, policy_id=made.pk)
    work()
    [request] = receiver.requests
    assert request.json["type"] == "TAG_RETENTION"
    assert request.json["event_data"]["custom_attributes"] == {"test": "true"}
    [execution] = executions(made)
    assert (execution.status, execution.trigger, execution.operator) == (
        "Success",
        "MANUAL",
        place.actor.name,
    )


def test_certificates(place: Place, policy, work) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with Receiver(tls=context) as receiver:
        checked = policy("PUSH_ARTIFACT", targets=[target(receiver.url)])
        skipped = policy("PUSH_ARTIFACT", targets=[target(receiver.url, skip_cert_verify=True)])
        tell(pushed(place))
        work()
        assert len(receiver.requests) == 1
    assert only_task(skipped).status == Status.SUCCESS
    assert "certificate of 127.0.0.1" in only_task(checked).status_message


def test_loopback_is_refused_unless_it_is_allowed(place: Place, policy, receiver, work, settings) -> None:
    made = policy("PUSH_ARTIFACT", targets=[target(f"http://localhost:{receiver.port}/")])
    settings.HARBOR = settings.HARBOR.__class__(data_dir=settings.HARBOR.data_dir)
    tell(pushed(place))
    work()
    assert receiver.requests == []
    assert "are not allowed" in only_task(made).status_message


def test_an_installation_with_another_key_says_so(place: Place, policy, receiver, work, settings) -> None:
    made = policy("PUSH_ARTIFACT", targets=[target(receiver.url, auth_header="secret")])
    settings.SECRET_KEY = "another"
    tell(pushed(place))
    work()
    assert receiver.requests == []
    assert "set it again" in only_task(made).status_message


def test_a_secret_goes_to_its_own_address_only(place: Place, policy, receiver, work) -> None:
    made = policy("PUSH_ARTIFACT", targets=[target("https://example.com/hook", auth_header="secret")])
    stored = made.targets[0] | {"address": receiver.url}
    assert "secret" not in stored["auth_header"]
    WebhookPolicy.objects.filter(pk=made.pk).update(targets=[stored])
    tell(pushed(place))
    work()
    assert receiver.requests == []
