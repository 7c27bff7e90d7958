"""Each event leaves its row, as Harbor writes it, in the transaction of the change."""

import dataclasses
from datetime import UTC, datetime

import pytest
from django.db import transaction

from apps.audit.handlers import NO_ROW, ROWS, on_event
from apps.audit.models import AuditLog
from apps.common.origin import take_credential, take_request
from apps.events import bus, catalogue
from apps.events.catalogue import (
    ArtifactDeleted,
    ArtifactPushed,
    ArtifactsPulled,
    MemberChanged,
    ProjectDeleted,
    ProjectUpdated,
    Pull,
    QuotaExceeded,
    QuotaUpdated,
    RepositoryDeleted,
    RepositoryUpdated,
    RobotChanged,
    TagCreated,
    TagDeleted,
    UserChanged,
    UserLoggedIn,
)
from apps.events.event import Event
from apps.projects.services import project_create

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
DIGEST = "sha256:" + "a" * 64
WHO = {"operator": "admin", "occurred_at": AT}
PROJECT = {"project_id": 7, "project_name": "team"}
REPOSITORY = {"project_id": 7, "repository_id": 3, "repository_name": "team/app"}
ARTIFACT = {**REPOSITORY, "artifact_id": 9, "digest": DIGEST}

# event; operation, resource type, resource, project, result; a part of the description
EXPECTED = [
    (ProjectUpdated(**WHO, **PROJECT), ("update", "project", "team", 7, True), "update project: team"),
    (ProjectDeleted(**WHO, **PROJECT), ("delete", "project", "team", 7, True), "delete project: team"),
    *(
        (
            MemberChanged(**WHO, **PROJECT, operation=operation, member_name="alice", role=2),
            (operation, "member", "alice", 7, True),
            "alice, developer",
        )
        for operation in ("create", "update", "delete")
    ),
    *(
        (
            UserChanged(**WHO, operation=operation, user_id=4, username="alice", description="a reason"),
            (operation, "user", "alice", None, True),
            "a reason",
        )
        for operation in ("create", "update", "delete")
    ),
    *(
        (
            RobotChanged(
                **WHO, operation=operation, robot_id=4, robot_name="robot$team+ci", project_id=project
            ),
            (operation, "robot", "robot$team+ci", project, True),
            f"{operation} robot: robot$team+ci",
        )
        for operation, project in (("create", 7), ("update", None), ("delete", 7))
    ),
    (
        RepositoryUpdated(**WHO, project_id=7, repository_name="team/app"),
        ("update", "repository", "team/app", 7, True),
        "team/app",
    ),
    (RepositoryDeleted(**WHO, **REPOSITORY), ("delete", "repository", "team/app", 7, True), "team/app"),
    (
        ArtifactPushed(**WHO, **ARTIFACT, tags=()),
        ("create", "artifact", f"team/app@{DIGEST}", 7, True),
        DIGEST,
    ),
    (
        ArtifactPushed(**WHO, **ARTIFACT, tags=("v1", "latest")),
        ("create", "artifact", "team/app:v1", 7, True),
        f"team/app@{DIGEST} with v1, latest",
    ),
    (
        ArtifactDeleted(**WHO, **ARTIFACT, tags=()),
        ("delete", "artifact", f"team/app@{DIGEST}", 7, True),
        DIGEST,
    ),
    (
        TagCreated(**WHO, **REPOSITORY, tag="v1", digest=DIGEST, previous_digest="sha256:bb"),
        ("create", "tag", "team/app:v1", 7, True),
        "before at sha256:bb",
    ),
    (
        TagDeleted(**WHO, **REPOSITORY, tag="v1", digest=DIGEST),
        ("delete", "tag", "team/app:v1", 7, True),
        DIGEST,
    ),
    (QuotaUpdated(**WHO, **PROJECT, hard=500), ("update", "quota", "team", 7, True), "limit 500 bytes"),
    (QuotaUpdated(**WHO, **PROJECT, hard=-1), ("update", "quota", "team", 7, True), "limit none"),
]


# A value for each type of a field.
SAMPLES = {
    str: "text",
    int: 7,
    int | None: None,
    bool: True,
    tuple[str, ...]: ("one", "two"),
    datetime: AT,
}


def event_name_of(row: AuditLog) -> str:
    return f"{row.operation}_{row.resource_type}"


def publish(event: Event) -> None:
    with transaction.atomic():
        bus.publish(event)


def facts(row: AuditLog):
    return row.operation, row.resource_type, row.resource, row.project_id, row.operation_result


@pytest.mark.parametrize(("event", "expected", "words"), EXPECTED, ids=lambda value: type(value).__name__)
def test_rows(event, expected, words):
    publish(event)

    row = AuditLog.objects.get()
    assert facts(row) == expected
    assert (row.username, row.op_time) == ("admin", AT)
    assert words in row.operation_description


def test_a_project_that_is_made(admin):
    project = project_create(actor=admin, name="team")

    row = AuditLog.objects.get(resource_type="project")
    assert facts(row) == ("create", "project", "team", project.pk, True)
    assert row.username == "admin"


@pytest.mark.parametrize("succeeded", [True, False])
def test_logins(succeeded):
    publish(
        UserLoggedIn(operator="", occurred_at=AT, username="alice", succeeded=succeeded, address="192.0.2.7")
    )

    row = AuditLog.objects.get()
    assert facts(row) == ("login", "user", "alice", None, succeeded)
    assert row.username == "alice"
    assert "192.0.2.7" in row.operation_description


def test_whatever_is_typed_as_a_name_fits():
    publish(UserLoggedIn(operator="", username="x\x00" * 2000, succeeded=False, address="::1"))

    assert AuditLog.objects.get().username == ("x\ufffd" * 2000)[:511]


def test_a_push_that_the_quota_refused(admin):
    project = project_create(actor=admin, name="team")
    publish(QuotaExceeded(operator="alice", project_id=project.pk, needed=300, used=100, hard=200))

    row = AuditLog.objects.get(operation_result=False)
    assert facts(row) == ("create", "artifact", "team", project.pk, False)
    assert "300 bytes more, 100 of 200 bytes used" in row.operation_description


def a_pull(operator="alice", tag="v1"):
    return Pull(7, 3, "team/app", 9, DIGEST, tag, operator, AT, "192.0.2.1")


def test_pulls():
    publish(ArtifactsPulled(operator="", pulls=(a_pull(), a_pull(operator="", tag=""))))

    first, second = AuditLog.objects.order_by("id")
    assert facts(first) == ("pull", "artifact", "team/app:v1", 7, True)
    assert (first.username, first.op_time) == ("alice", AT)
    assert (first.address, first.method) == ("192.0.2.1", "GET")
    assert facts(second) == ("pull", "artifact", f"team/app@{DIGEST}", 7, True)
    assert second.username == "anonymous"


def test_many_pulls_are_few_statements(django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        publish(ArtifactsPulled(operator="", pulls=(a_pull(),) * 1500))

    assert AuditLog.objects.count() == 1500


def every_event():
    return {
        kind
        for kind in vars(catalogue).values()
        if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
    }


def test_every_event_leaves_a_row_or_is_known_to_leave_none():
    assert every_event() == set(ROWS) | {ArtifactsPulled} | NO_ROW
    assert not set(ROWS) & NO_ROW


def test_every_event_with_a_row_has_the_handler():
    recorded = {
        kind
        for kind, handlers in bus._in_transaction.items()
        if any(handler.__module__ == "apps.audit.handlers" for handler in handlers)
    }
    assert recorded == set(ROWS) | {ArtifactsPulled}


@pytest.mark.parametrize("kind", sorted(ROWS, key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_no_text_of_the_table_asks_for_what_the_event_has_not(kind):
    """Every event, made of values of the right types."""
    values = {field.name: SAMPLES[field.type] for field in dataclasses.fields(kind)}
    values |= {"operation": "delete"} if "operation" in values else {}
    values |= {"role": 2} if "role" in values else {}

    on_event(kind(**values))

    row = AuditLog.objects.get()
    assert row.operation
    assert "<" not in row.operation_description
    assert len(event_name_of(row)) <= 128


def test_a_row_says_where_the_change_came_from():
    environ = {"REQUEST_METHOD": "DELETE", "REMOTE_ADDR": "192.0.2.9"}
    take_request(environ)
    try:
        take_credential("robot")
        publish(ProjectDeleted(operator="admin", **PROJECT))
    finally:
        take_request(None)
    publish(ProjectUpdated(operator="system", **PROJECT))

    asked, background = AuditLog.objects.order_by("id")
    assert (asked.address, asked.method, asked.credential) == ("192.0.2.9", "DELETE", "robot")
    assert (background.address, background.method, background.credential) == ("", "", "")


@pytest.mark.django_db(transaction=True)
def test_no_row_without_its_change():
    with transaction.atomic():
        bus.publish(ProjectUpdated(**WHO, **PROJECT))
        transaction.set_rollback(True)

    assert not AuditLog.objects.exists()
