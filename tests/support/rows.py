"""Rows of every kind, made in the test's own database, few or many of them: for tests that count statements."""

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.access_tokens.models import AccessToken
from apps.accounts.models import User, UserGroup, UserGroupMember, UserSession
from apps.artifacts.icons import icon_digest
from apps.artifacts.models import Artifact, ArtifactLabel, Repository, TrashedArtifact, TrashEntry
from apps.immutability.models import ImmutableRule
from apps.jobs.models import Execution, Task, TaskLog, WorkerPool
from apps.jobs.schedules import plan_read, schedule_set
from apps.jobs.services import NewExecution, NewTask, execution_start, executions_start, task_move
from apps.jobs.types import Status, Trigger, VendorType
from apps.projects.models import CVEAllowlist, Label, Member, Project
from apps.quotas.models import Quota
from apps.retention.models import RetentionPolicy
from apps.robots.models import Robot, RobotTrust
from apps.webhooks.models import WebhookPolicy
from apps.webhooks.types import Target
from harbor_py.seeding.filling import rows_make
from harbor_py.seeding.sizes import Size

_SELECTOR = {"kind": "doublestar", "decoration": "matches", "pattern": "**"}
_PURGE = {"audit_retention_hour": 24, "include_event_types": "pull_artifact", "dry_run": True}
# So few that every list is one page, so that a statement for each row shows.
FEW = Size(
    users=5, groups=2, projects=2, repositories=2, most_repositories=3, artifacts=24, most_artifacts=10,
    most_tags=3, audit_rows=20,
)  # fmt: skip
MANY = Size(
    users=30, groups=12, projects=8, repositories=3, most_repositories=30, artifacts=150, most_artifacts=40,
    most_tags=25, audit_rows=60,
)  # fmt: skip


def _session(user: User, number: int) -> None:
    """One that lives, as long as nobody asks what is in it."""
    key = f"{user.pk}-{number}"
    Session.objects.create(session_key=key, expire_date=timezone.now() + timedelta(hours=1))
    UserSession.objects.create(user=user, key_hash=key, version=user.version, source=user.source)


def seed(size: Size) -> dict[str, object]:
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
        _session(people[0], number)
        AccessToken.objects.create(user=people[0], label=f"more-{number}", secret_hash=f"{number:064x}")
        ImmutableRule.objects.create(
            project=project,
            priority=number,
            scope_selectors={"repository": [_SELECTOR | {"decoration": "repoMatches"}]},
            tag_selectors=[_SELECTOR],
        )
    for one in Project.objects.filter(id__gte=first):
        CVEAllowlist.objects.create(project=one, items=["CVE-2024-1"])
    entry = _trash(project, repository, size.groups)
    webhook, delivery = _webhooks(project, size.groups)
    run = _retention(project, size.groups)
    robot = Robot.objects.filter(project=project)[0]
    return {
        "project": project.name,
        "project_id": project.pk,
        "large_project": Project.objects.order_by("-id")[0].name,
        "repository": repository.name.partition("/")[2].replace("/", "%252F"),
        "digest": tagged.digest,
        "label": label.pk,
        "quota": Quota.objects.get(project=project).pk,
        "robot": robot.pk,
        "trust": _trusts(robot, size.groups).pk,
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


def _trusts(robot: Robot, count: int) -> RobotTrust:
    """Issuers whose tokens a robot account takes."""
    for number in range(count):
        trust = RobotTrust.objects.create(
            robot=robot, issuer="https://ci.example.com", audience="registry", subject=f"job:{number}"
        )
    return trust


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
            vendor_type=VendorType.PURGE_AUDIT_LOG,
            trigger=Trigger.MANUAL,
            tasks=[NewTask()],
            extra_attrs=_PURGE,
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
            parameters=_PURGE,
        )
    return {"purge": execution.pk, "job": task.pk}


def _trash(project: Project, repository: Repository, count: int) -> TrashEntry:
    """Deleted tags, and a repository that had as many artifacts."""
    for number in range(count):
        TrashEntry.objects.create(
            project=project, kind=TrashEntry.TAG, repository_name=repository.name, tag=f"t{number}"
        )
    entry = TrashEntry.objects.create(
        project=project, kind=TrashEntry.REPOSITORY, repository_name=f"{project.name}/gone"
    )
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
