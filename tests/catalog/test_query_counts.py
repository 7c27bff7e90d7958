"""Every GET of the API costs the same number of statements with few rows and with many, and the recorded number.

``UPDATE_QUERY_COUNTS=1`` with pytest writes ``query_counts.json`` anew; a changed number is a change to review.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, resolve

from apps.access_tokens.models import AccessToken
from apps.accounts.models import User, UserGroup, UserGroupMember
from apps.accounts.security import USER, Principal
from apps.api.urls import urlpatterns
from apps.artifacts.icons import icon_digest
from apps.artifacts.models import Artifact, ArtifactLabel, Repository, Tag, TrashedArtifact, TrashEntry
from apps.immutability.models import ImmutableRule
from apps.jobs.models import Execution, Task, TaskLog, WorkerPool
from apps.jobs.schedules import plan_read, schedule_set
from apps.jobs.services import NewExecution, NewTask, execution_start, executions_start, task_move
from apps.jobs.types import Status, Trigger, VendorType
from apps.projects.models import CVEAllowlist, Label, Member, Project
from apps.quotas.models import Quota
from apps.retention.models import RetentionPolicy
from apps.robots.models import Robot
from apps.webhooks.models import WebhookPolicy
from apps.webhooks.types import Target
from harbor_py.seeding.filling import rows_make
from harbor_py.seeding.sizes import Size

pytestmark = pytest.mark.django_db

_RECORDED = Path(__file__).with_name("query_counts.json")
# So few that every list is one page, so that a statement for each row shows.
_FEW = Size(
    users=5, groups=2, projects=2, repositories=2, most_repositories=3, artifacts=24, most_artifacts=10,
    most_tags=3, audit_rows=20,
)  # fmt: skip
_MANY = Size(
    users=30, groups=12, projects=8, repositories=3, most_repositories=30, artifacts=150, most_artifacts=40,
    most_tags=25, audit_rows=60,
)  # fmt: skip

_REPOSITORY = "projects/{project}/repositories/{repository}"
_ARTIFACT = f"{_REPOSITORY}/artifacts/{{digest}}"
_ALL_WITH = "with_label=true&with_accessory=true&with_inherited_accessory=true&with_immutable_status=true"
# Below /api/v2.0; a list is asked for as many rows as it gives.
_CASES = (
    "ping",
    "health",
    "systeminfo",
    "systeminfo/volumes",
    "system/gc?page_size=100",
    "system/gc?page_size=100&q=trigger=MANUAL&sort=-id",
    "system/gc/schedule",
    "system/gc/{collection}",
    "system/gc/{collection}/log",
    "configurations",
    "system/CVEAllowlist",
    "internalconfig",
    "openapi.json",
    "permissions",
    "quotas?page_size=100",
    "quotas?page_size=100&sort=-used.storage",
    "quotas/{quota}",
    "auditlog-exts?page_size=100",
    "auditlog-exts?page_size=100&q=operation=pull&sort=username",
    "auditlog-exts?page_size=10&page=2",
    "auditlog-exts/events",
    "audit-logs?page_size=100",
    "retentions/metadatas",
    "retentions/{retention}",
    "retentions/{retention}/executions",
    "retentions/{retention}/executions/{retention_run}/tasks",
    "retentions/{retention}/executions/{retention_run}/tasks/{retention_task}",
    "system/purgeaudit?page_size=100",
    "system/purgeaudit/schedule",
    "system/purgeaudit/{purge}",
    "system/purgeaudit/{purge}/log",
    "jobservice/pools",
    "jobservice/pools/all/workers",
    "jobservice/jobs/{job}/log",
    "jobservice/queues",
    "schedules?page_size=100",
    "schedules/all/paused",
    "robots?page_size=100",
    "robots?page_size=100&q=Level=project,ProjectID={project_id}",
    "robots/{robot}",
    "repositories?page_size=100",
    "repositories?page_size=100&q=name=~a&sort=-pull_count",
    "labels?scope=p&project_id={project_id}&page_size=100",
    "labels?scope=g&page_size=100",
    "labels/{label}",
    "icons/{icon}",
    "search?q=-",
    "statistics",
    "users?page_size=100",
    "users/search?username=a&page_size=100",
    "users/current",
    "users/current/permissions?scope=/project/{project_id}",
    "users/{user}",
    "users/{token_user}/tokens?page_size=100",
    "users/{token_user}/tokens/{token}",
    "usergroups?page_size=100",
    "usergroups/search?groupname=team&page_size=100",
    "usergroups/{group}",
    "usergroups/{group}/members?page_size=100",
    "projects?page_size=100",
    "projects?page_size=100&q=public=false&sort=-creation_time",
    "projects/{project}",
    "projects/{project}/_deletable",
    "projects/{project}/summary",
    "projects/{project}/members?page_size=100",
    "projects/{project}/members?page_size=100&entityname=a",
    "projects/{project}/members/{member}",
    "projects/{project}/metadatas",
    "projects/{project}/metadatas/",
    "projects/{project}/metadatas/severity",
    "projects/{project}/immutabletagrules?page_size=100",
    "projects/{project}/push-rules",
    "projects/{project}/webhook/policies?page_size=100",
    "projects/{project}/webhook/policies/{webhook}",
    "projects/{project}/webhook/policies/{webhook}/executions?page_size=100",
    "projects/{project}/webhook/policies/{webhook}/executions?page_size=100&q=event_type=PUSH_ARTIFACT&sort=id",
    "projects/{project}/webhook/policies/{webhook}/executions/{delivery}/tasks?page_size=100",
    "projects/{project}/webhook/policies/{webhook}/executions/{delivery}/tasks/{delivery_task}/log",
    "projects/{project}/webhook/lasttrigger",
    "projects/{project}/webhook/events",
    "projects/{project}/webhook/jobs?policy_id={webhook}&status=Running&page_size=100",
    "projects/{project}/trash?page_size=100",
    "projects/{project}/trash/{trash}",
    "projects/{project}/artifacts?page_size=100",
    f"projects/{{project}}/artifacts?page_size=100&{_ALL_WITH}",
    "projects/{project}/scanner",
    "projects/{project}/scanner/candidates?page_size=100",
    "projects/{project}/logs?page_size=100",
    "projects/{project}/auditlog-exts?page_size=100",
    "projects/{project}/repositories?page_size=100",
    "projects/{large_project}/repositories?page_size=100&sort=name",
    f"{_ARTIFACT}/tags?page_size=100",
    f"{_ARTIFACT}/tags?page_size=100&with_immutable_status=true&sort=name",
    f"{_ARTIFACT}/accessories?page_size=100",
    f"{_ARTIFACT}/additions/build_history",
    f"{_ARTIFACT}/additions/vulnerabilities",
    f"{_ARTIFACT}?{_ALL_WITH}",
    f"{_REPOSITORY}/artifacts?page_size=100",
    f"{_REPOSITORY}/artifacts?page_size=100&{_ALL_WITH}",
    f"{_REPOSITORY}/artifacts?page_size=100&q=tags=~v&sort=-size",
    f"{_REPOSITORY}/artifacts?page_size=100&q=tags=*,base=*&sort=pull_time",
    f"{_REPOSITORY}/artifacts?page_size=100&q=labels=({{label}})",
    f"{_REPOSITORY}/artifacts?page_size=3&page=2",
    _REPOSITORY,
    f"{_REPOSITORY}/tag-history?page_size=100",
)
# Nothing to find in a seed without bytes or a certificate: routes that the table leaves out.
_LEAVES_OUT = ("/scan/<str:report_id>/log", "systeminfo/getcert", "version")


@dataclass
class Caller:
    """Asks the API as a principal that needs no password."""

    client: Client

    def statements(self, path: str) -> int:
        """Statements of one answer when everything that is remembered is."""
        self.client.get(path)
        with CaptureQueriesContext(connection) as queries:
            answer = self.client.get(path)
        assert answer.status_code in {200, 404}, (path, answer.content)
        return len(queries)


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    user = User.objects.create(username="counter", email="counter@example.com", sysadmin_flag=True)
    principal = Principal(USER, user.pk, user.username, 1, is_system_admin=True)
    monkeypatch.setattr("apps.api.authentication.authenticate", lambda *_arguments, **_named: principal)
    return Caller(Client(headers={"Authorization": "Basic YTpi"}))


def _seed(size: Size) -> dict[str, object]:
    """Make rows, and name the things of which there are the most."""
    first = 1 + (Project.objects.order_by("-id").values_list("id", flat=True).first() or 0)
    rows_make(size, seed=3, report=lambda _table, _rows: None)
    project = Project.objects.get(id=first)
    repository = Repository.objects.filter(project=project).order_by("id")[0]
    images = Artifact.objects.filter(repository=repository, type="IMAGE").exclude(extra_attrs={})
    tagged = max(images, key=lambda one: one.tags.count())
    label = Label.objects.filter(project=project)[0]
    for artifact in Artifact.objects.filter(repository=repository)[: size.most_artifacts // 2]:
        ArtifactLabel.objects.get_or_create(artifact=artifact, label=label)
    group = UserGroup.objects.order_by("-id")[0]
    people = User.objects.order_by("-id")[: size.users]
    for user in people:
        UserGroupMember.objects.get_or_create(group=group, user=user)
    for number in range(size.groups):
        AccessToken.objects.create(user=people[0], label=f"more-{number}", secret_hash=f"{number:064x}")
        ImmutableRule.objects.create(project=project, priority=number)
    for one in Project.objects.filter(id__gte=first):
        CVEAllowlist.objects.create(project=one, items=["CVE-2024-1"])
    entry = _trash(project, repository, size.groups)
    webhook, delivery = _webhooks(project, size.groups)
    run = _retention(project, size.groups)
    return {
        "project": project.name,
        "project_id": project.pk,
        "large_project": Project.objects.order_by("-id")[0].name,
        "repository": repository.name.partition("/")[2].replace("/", "%252F"),
        "digest": tagged.digest,
        "label": label.pk,
        "quota": Quota.objects.get(project=project).pk,
        "robot": Robot.objects.filter(project=project)[0].pk,
        "icon": icon_digest("IMAGE"),
        "user": people[0].pk,
        "token_user": people[0].pk,
        "token": AccessToken.objects.filter(user=people[0])[0].pk,
        "group": group.pk,
        "member": Member.objects.filter(project=project)[0].pk,
        "trash": entry.pk,
        "retention": run.vendor_id,
        "retention_run": run.pk,
        "retention_task": run.tasks.all()[0].pk,
        "webhook": webhook.pk,
        "delivery": delivery.execution_id,
        "delivery_task": delivery.pk,
        "collection": _collections(size.groups).pk,
        **_purges(size.groups),
    }


def _collections(count: int) -> Execution:
    """Garbage collections, the last of them with a log, and a schedule."""
    for _ in range(count):
        execution = execution_start(
            vendor_type=VendorType.GARBAGE_COLLECTION, trigger=Trigger.MANUAL, tasks=[NewTask()]
        )
    for number in range(count):
        TaskLog.objects.create(task=execution.tasks.get(), text=f"{number}\n")
    schedule_set(vendor_type=VendorType.GARBAGE_COLLECTION, plan=plan_read(kind="Daily", cron=""))
    return execution


def _purges(count: int) -> dict[str, object]:
    """Purges of the log, the last of them with a log of its own, their schedule, and pools that run some of them."""
    for number in range(count):
        execution = execution_start(
            vendor_type=VendorType.PURGE_AUDIT_LOG, trigger=Trigger.MANUAL, tasks=[NewTask()]
        )
        task = execution.tasks.get()
        WorkerPool.objects.update_or_create(
            id=f"pool-{number}", defaults={"host": "host", "pid": number, "concurrency": 10}
        )
        task_move(task=task, status=Status.RUNNING, worker=f"pool-{number}")
    for number in range(count):
        TaskLog.objects.create(task=task, text=f"{number}\n")
        schedule_set(
            vendor_type=VendorType.PURGE_AUDIT_LOG,
            vendor_id=number,
            plan=plan_read(kind="Daily", cron=""),
        )
    return {"purge": execution.pk, "job": task.pk}


def _trash(project: Project, repository: Repository, count: int) -> TrashEntry:
    """Deleted tags, and a repository that had as many artifacts."""
    for number in range(count):
        TrashEntry.objects.create(
            project=project, kind=TrashEntry.TAG, repository_name=repository.name, tag=f"t{number}"
        )
    entry = TrashEntry.objects.create(project=project, kind=TrashEntry.REPOSITORY, repository_name="gone")
    for number, artifact in enumerate(Artifact.objects.filter(repository=repository)[:count]):
        TrashedArtifact.objects.create(
            entry=entry, digest=artifact.digest, media_type=artifact.media_type, size=artifact.size,
            manifest=bytes(artifact.manifest),
        ).tags.create(name=f"t{number}", push_time=artifact.push_time)  # fmt: skip
    return entry


def _retention(project: Project, count: int) -> Execution:
    """A policy, and the last of its runs."""
    policy = RetentionPolicy.objects.create(project=project)
    for _ in range(count):
        run = execution_start(
            vendor_type="RETENTION", vendor_id=policy.pk, trigger=Trigger.MANUAL,
            tasks=[NewTask(extra_attrs={"repository": f"r{number}"}) for number in range(count)],
        )  # fmt: skip
    return run


def _webhooks(project: Project, count: int) -> tuple[WebhookPolicy, Task]:
    """Policies, and as many deliveries of one of them."""
    for number in range(count):
        policy = WebhookPolicy(
            project=project, name=f"p{number}", event_types=["PUSH_ARTIFACT", "REPLICATION"]
        )
        policy.targets_set([Target("http", "http://example.com", "secret", payload_format="Default")])
        policy.save()
        execution = executions_start(
            executions=[
                NewExecution(
                    vendor_type="WEBHOOK", vendor_id=policy.pk, trigger=Trigger.EVENT, task=NewTask(),
                    extra_attrs={"event_type": "PUSH_ARTIFACT", "payload": "{}"},
                )
            ]
            * count
        )[0]  # fmt: skip
    task = Task.objects.get(execution=execution)
    for number in range(count):
        TaskLog.objects.create(task=task, text=f"{number}\n")
    return policy, task


def _counts(caller: Caller, names: Mapping[str, object]) -> dict[str, int]:
    return {case: caller.statements(f"/api/v2.0/{case.format_map(names)}") for case in _CASES}


def test_every_answer_costs_what_is_recorded_whatever_the_number_of_rows(caller: Caller) -> None:
    few = _counts(caller, _seed(_FEW))
    many = _counts(caller, _seed(_MANY))
    assert Tag.objects.count() > 100
    assert {case: (few[case], many[case]) for case in _CASES if few[case] != many[case]} == {}, "(few, many)"
    if os.environ.get("UPDATE_QUERY_COUNTS"):
        _RECORDED.write_text(json.dumps(many, indent=1, sort_keys=True) + "\n", "utf-8")
    assert many == json.loads(_RECORDED.read_text("utf-8"))


def _get_routes() -> Iterator[str]:
    """Routes that answer GET, once each: names with plain slashes have a route of their own for the same view."""
    for pattern in urlpatterns:
        view = getattr(pattern.callback, "view_class", None)
        if isinstance(pattern, URLPattern) and view is not None and hasattr(view, "get"):
            yield str(pattern.pattern).replace("<path:repository_name>", "<str:repository_name>")


def test_no_route_is_missing() -> None:
    names = {name: "1" for case in _CASES for name in _names(case)}
    covered = {
        resolve(f"/api/v2.0/{case.partition('?')[0].format_map(names)}").route.removeprefix("api/")
        for case in _CASES
    }
    missing = {route for route in _get_routes() if route not in covered}
    assert {route for route in missing if not route.endswith(_LEAVES_OUT)} == set()


def _names(case: str) -> list[str]:
    return [part.partition("}")[0] for part in case.split("{")[1:]]
