"""From events to rows of the audit log, in the transaction of the change: no change without its row.

Operations, resource types and resources are written as Harbor writes them, so that its filters find them.
"""

from datetime import datetime
from typing import Any

from django.db import connection

from apps.audit.models import AuditLog
from apps.events.bus import subscribe
from apps.events.catalogue import (
    ArtifactDeleted,
    ArtifactPushed,
    ArtifactsPulled,
    Event,
    MemberChanged,
    ProjectCreated,
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
from apps.projects.models import Project
from apps.projects.types import Role

_ANONYMOUS = "anonymous"


def _entry(
    *,
    at: datetime,
    operator: str,
    operation: str,
    resource_type: str,
    resource: str,
    project_id: int | None = None,
    description: str = "",
    succeeded: bool = True,
) -> AuditLog:
    """A row that fits its columns whatever a client sent: names at a login are what somebody typed."""
    return AuditLog(
        op_time=at,
        operation=operation,
        operation_description=_clip(description or f"{operation} {resource_type}: {resource}", 1024),
        operation_result=succeeded,
        resource=_clip(resource, 1024),
        resource_type=resource_type,
        username=_clip(operator or _ANONYMOUS, 511),
        project_id=project_id,
    )


def _clip(text: str, length: int) -> str:
    return text.replace("\x00", "\ufffd")[:length]


def _write(
    event: Event,
    *,
    operation: str,
    resource_type: str,
    resource: str,
    project_id: int | None = None,
    description: str = "",
    succeeded: bool = True,
) -> None:
    _entry(
        at=event.occurred_at,
        operator=event.operator,
        operation=operation,
        resource_type=resource_type,
        resource=resource,
        project_id=project_id,
        description=description,
        succeeded=succeeded,
    ).save(force_insert=True)


def _artifact(repository_name: str, digest: str, tag: str) -> str:
    return f"{repository_name}:{tag}" if tag else f"{repository_name}@{digest}"


def on_project_created(event: ProjectCreated) -> None:
    """``create project``."""
    _write(
        event,
        operation="create",
        resource_type="project",
        resource=event.project_name,
        project_id=event.project_id,
    )


def on_project_updated(event: ProjectUpdated) -> None:
    """``update project``."""
    _write(
        event,
        operation="update",
        resource_type="project",
        resource=event.project_name,
        project_id=event.project_id,
    )


def on_project_deleted(event: ProjectDeleted) -> None:
    """``delete project``."""
    _write(
        event,
        operation="delete",
        resource_type="project",
        resource=event.project_name,
        project_id=event.project_id,
    )


def on_member_changed(event: MemberChanged) -> None:
    """``create``, ``update`` or ``delete member``."""
    role = Role(event.role).name.lower().replace("_", " ")
    _write(
        event,
        operation=event.operation,
        resource_type="member",
        resource=event.member_name,
        project_id=event.project_id,
        description=f"{event.operation} member of project {event.project_name}: {event.member_name}, {role}",
    )


def on_user_changed(event: UserChanged) -> None:
    """``create``, ``update`` or ``delete user``."""
    _write(
        event,
        operation=event.operation,
        resource_type="user",
        resource=event.username,
        description=event.description,
    )


def on_user_logged_in(event: UserLoggedIn) -> None:
    """``login user``, with a false result for a wrong password; the name is the one that was given."""
    _entry(
        at=event.occurred_at,
        operator=event.username,
        operation="login",
        resource_type="user",
        resource=event.username,
        description=f"login user: {event.username} from {event.address}",
        succeeded=event.succeeded,
    ).save(force_insert=True)


def on_robot_changed(event: RobotChanged) -> None:
    """``create``, ``update`` or ``delete robot``."""
    _write(
        event,
        operation=event.operation,
        resource_type="robot",
        resource=event.robot_name,
        project_id=event.project_id,
    )


def on_repository_updated(event: RepositoryUpdated) -> None:
    """``update repository``; Harbor writes none."""
    _write(
        event,
        operation="update",
        resource_type="repository",
        resource=event.repository_name,
        project_id=event.project_id,
    )


def on_repository_deleted(event: RepositoryDeleted) -> None:
    """``delete repository``."""
    _write(
        event,
        operation="delete",
        resource_type="repository",
        resource=event.repository_name,
        project_id=event.project_id,
    )


def on_artifact_pushed(event: ArtifactPushed) -> None:
    """``create artifact``, by its first tag or else by its digest; the description has the digest always."""
    _write_artifact(event, "create", "push")


def on_artifact_deleted(event: ArtifactDeleted) -> None:
    """``delete artifact``."""
    _write_artifact(event, "delete", "delete")


def _write_artifact(event: ArtifactPushed | ArtifactDeleted, operation: str, verb: str) -> None:
    tags = f" with {', '.join(event.tags)}" if event.tags else ""
    _write(
        event,
        operation=operation,
        resource_type="artifact",
        resource=_artifact(event.repository_name, event.digest, event.tags[0] if event.tags else ""),
        project_id=event.project_id,
        description=f"{verb} artifact: {event.repository_name}@{event.digest}{tags}",
    )


def on_tag_created(event: TagCreated) -> None:
    """``create tag``, also for one that moved: then the description says from where."""
    moved = f", before at {event.previous_digest}" if event.previous_digest else ""
    _write(
        event,
        operation="create",
        resource_type="tag",
        resource=f"{event.repository_name}:{event.tag}",
        project_id=event.project_id,
        description=f"create tag: {event.repository_name}:{event.tag} at {event.digest}{moved}",
    )


def on_tag_deleted(event: TagDeleted) -> None:
    """``delete tag``."""
    _write(
        event,
        operation="delete",
        resource_type="tag",
        resource=f"{event.repository_name}:{event.tag}",
        project_id=event.project_id,
        description=f"delete tag: {event.repository_name}:{event.tag} at {event.digest}",
    )


def on_quota_updated(event: QuotaUpdated) -> None:
    """``update quota``; Harbor writes none."""
    limit = "none" if event.hard == -1 else f"{event.hard} bytes"
    _write(
        event,
        operation="update",
        resource_type="quota",
        resource=event.project_name,
        project_id=event.project_id,
        description=f"update quota: {event.project_name}, limit {limit}",
    )


def on_quota_exceeded(event: QuotaExceeded) -> None:
    """A push that the quota refused: a ``create artifact`` that did not succeed; the resource is the project."""
    name = Project.objects.filter(pk=event.project_id).values_list("name", flat=True).first()
    _write(
        event,
        operation="create",
        resource_type="artifact",
        resource=name or "",
        project_id=event.project_id,
        description=f"push refused by the quota: {event.needed} bytes more, {event.used} of {event.hard} bytes used",
        succeeded=False,
    )


def on_artifacts_pulled(event: ArtifactsPulled) -> None:
    """A ``pull artifact`` each. Not by the ORM: a busy registry has ten thousand a second of them."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO audit_log_ext (op_time, operation, operation_description, operation_result, resource,"
            " resource_type, username, project_id) VALUES (%s, 'pull', %s, %s, %s, 'artifact', %s, %s)",
            [_pull_row(pull) for pull in event.pulls],
        )


def _pull_row(pull: Pull) -> tuple[Any, ...]:
    return (
        pull.occurred_at,
        f"pull artifact: {pull.repository_name}@{pull.digest}",
        True,
        _artifact(pull.repository_name, pull.digest, pull.tag),
        pull.operator or _ANONYMOUS,
        pull.project_id,
    )


def register() -> None:
    """Subscribe to every event that leaves a row."""
    subscribe(ProjectCreated, on_project_created)
    subscribe(ProjectUpdated, on_project_updated)
    subscribe(ProjectDeleted, on_project_deleted)
    subscribe(MemberChanged, on_member_changed)
    subscribe(UserChanged, on_user_changed)
    subscribe(UserLoggedIn, on_user_logged_in)
    subscribe(RobotChanged, on_robot_changed)
    subscribe(RepositoryUpdated, on_repository_updated)
    subscribe(RepositoryDeleted, on_repository_deleted)
    subscribe(ArtifactPushed, on_artifact_pushed)
    subscribe(ArtifactDeleted, on_artifact_deleted)
    subscribe(TagCreated, on_tag_created)
    subscribe(TagDeleted, on_tag_deleted)
    subscribe(QuotaUpdated, on_quota_updated)
    subscribe(QuotaExceeded, on_quota_exceeded)
    subscribe(ArtifactsPulled, on_artifacts_pulled)
