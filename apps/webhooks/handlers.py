"""From events to deliveries, in the transaction of the event: what has happened is told, whatever dies meanwhile.

A project without policies costs its events a look into memory.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from apps.accounts.leaving import name_replacement
from apps.artifacts.models import Repository, TrashedArtifact, TrashEntry
from apps.config.selectors import system_settings
from apps.events.bus import subscribe
from apps.events.catalogue import (
    ArtifactDeleted,
    ArtifactPushed,
    ArtifactsPulled,
    ProjectDeleted,
    Pull,
    QuotaExceeded,
    QuotaWarned,
    RepositoryDeleted,
    RetentionFinished,
    UserChanged,
)
from apps.events.event import Event
from apps.projects.models import Project
from apps.webhooks.deliveries import deliveries_begin
from apps.webhooks.formats import Notice
from apps.webhooks.models import WebhookPolicy
from apps.webhooks.payloads import artifact_data, quota_data, retention_data
from apps.webhooks.selectors import MOST_WAITING, ActivePolicy, policies_active
from apps.webhooks.services import deliveries_forget
from apps.webhooks.types import EventType


def on_pushed(event: ArtifactPushed) -> None:
    """An artifact or a tag came."""
    _artifact(EventType.PUSH_ARTIFACT, event)


def on_deleted(event: ArtifactDeleted) -> None:
    """An artifact went."""
    _artifact(EventType.DELETE_ARTIFACT, event)


def on_repository_deleted(event: RepositoryDeleted) -> None:
    """Each artifact went that is no part of another one; they are in the trash by now."""
    policies = _wanting(EventType.DELETE_ARTIFACT, event.project_id, event.repository_name)
    if policies and (project := _project(event.project_id)) is not None:
        deliveries_begin(notices=_deleted_with(event, project), policies=policies)


def on_pulled(event: ArtifactsPulled) -> None:
    """Pulls in bulk."""
    by_project: dict[int, list[Pull]] = defaultdict(list)
    for pull in event.pulls:
        by_project[pull.project_id].append(pull)
    for project_id, pulls in by_project.items():
        policies = _wanting(EventType.PULL_ARTIFACT, project_id, pulls[0].repository_name)
        if policies and (project := _project(project_id)) is not None:
            deliveries_begin(notices=_pulled(pulls, project), policies=policies)


def on_quota_exceeded(event: QuotaExceeded) -> None:
    """A push was refused."""
    _quota(EventType.QUOTA_EXCEED, event)


def on_quota_warned(event: QuotaWarned) -> None:
    """There is not much room left."""
    _quota(EventType.QUOTA_WARNING, event)


def on_retention_finished(event: RetentionFinished) -> None:
    """A policy has deleted artifacts of a repository."""
    policies = _wanting(EventType.TAG_RETENTION, event.project_id, event.repository_name)
    if policies:
        notice = _notice(
            EventType.TAG_RETENTION, event, event.project_id, event.repository_name, retention_data(event)
        )
        deliveries_begin(notices=[notice], policies=policies)


def on_project_deleted(event: ProjectDeleted) -> None:
    """Policies go with their project; their deliveries, which know them by number only, do so here."""
    for policy_id in WebhookPolicy.objects.filter(project_id=event.project_id).values_list("pk", flat=True):
        deliveries_forget(policy_id=policy_id)


def on_user_changed(event: UserChanged) -> None:
    """Who made a policy is shown by name: not that of a deleted person, where that is asked for."""
    if event.operation == "delete" and settings.HARBOR.gdpr_audit_logs:
        replacement = name_replacement(event.username, event.user_id)
        WebhookPolicy.objects.filter(creator=event.username).update(creator=replacement)


def register() -> None:
    """Subscribe to the bus."""
    subscribe(UserChanged, on_user_changed)
    subscribe(ArtifactPushed, on_pushed)
    subscribe(ArtifactDeleted, on_deleted)
    subscribe(RepositoryDeleted, on_repository_deleted)
    subscribe(ArtifactsPulled, on_pulled)
    subscribe(QuotaExceeded, on_quota_exceeded)
    subscribe(QuotaWarned, on_quota_warned)
    subscribe(RetentionFinished, on_retention_finished)
    subscribe(ProjectDeleted, on_project_deleted)


def _wanting(event_type: EventType, project_id: int, name: str) -> list[ActivePolicy]:
    """The policies that want an event; ``name`` is that of the project or of a repository of it."""
    if not system_settings().notification_enable:
        return []
    active = policies_active(project_id=project_id, project_name=name.partition("/")[0])
    return [policy for policy in active if event_type in policy.event_types]


def _project(project_id: int) -> Project | None:
    """None if it went while the pulls waited to be counted."""
    return Project.objects.filter(pk=project_id).only("name", "public").first()


def _notice(
    event_type: EventType, event: Event, project_id: int, subject: str, data: dict[str, object]
) -> Notice:
    return Notice(
        event_type=event_type,
        project_id=project_id,
        subject=subject,
        operator=event.operator,
        occurred_at=event.occurred_at,
        data=data,
    )


def _artifact(event_type: EventType, event: ArtifactPushed | ArtifactDeleted) -> None:
    policies = _wanting(event_type, event.project_id, event.repository_name)
    if not policies or (project := _project(event.project_id)) is None:
        return
    data = artifact_data(
        name=event.repository_name,
        digest=event.digest,
        tags=event.tags,
        project=project,
        created=_created([event.repository_id]).get(event.repository_id),
    )
    subject = _subject(event.repository_name, event.digest)
    deliveries_begin(notices=[_notice(event_type, event, event.project_id, subject, data)], policies=policies)


def _subject(repository_name: str, digest: str) -> str:
    return f"{repository_name}@{digest}"


def _created(repository_ids: list[int]) -> dict[int, datetime]:
    rows = Repository.objects.filter(pk__in=repository_ids)
    return dict(rows.values_list("pk", "creation_time"))


def _deleted_with(event: RepositoryDeleted, project: Project) -> Iterator[Notice]:
    entry = (
        TrashEntry.objects.filter(
            project=project, repository_name=event.repository_name, kind=TrashEntry.REPOSITORY
        )
        .order_by("-deleted_at", "-id")
        .first()
    )
    if entry is None:
        return
    rows = TrashedArtifact.objects.filter(entry=entry, subject_digest="").only("digest").order_by("id")
    children = set(entry.artifacts.values_list("references__child_digest", flat=True))
    for artifact in rows.prefetch_related("tags")[:MOST_WAITING]:
        if artifact.digest in children:
            continue
        data = artifact_data(
            name=event.repository_name,
            digest=artifact.digest,
            tags=sorted(tag.name for tag in artifact.tags.all()),
            project=project,
            created=None,
        )
        subject = _subject(event.repository_name, artifact.digest)
        yield _notice(EventType.DELETE_ARTIFACT, event, project.pk, subject, data)


def _pulled(pulls: list[Pull], project: Project) -> Iterator[Notice]:
    created = _created(list({pull.repository_id for pull in pulls}))
    for pull in pulls:
        yield Notice(
            event_type=EventType.PULL_ARTIFACT,
            project_id=project.pk,
            subject=_subject(pull.repository_name, pull.digest),
            operator=pull.operator,
            occurred_at=pull.occurred_at,
            data=artifact_data(
                name=pull.repository_name,
                digest=pull.digest,
                tags=(pull.tag,) if pull.tag else (),
                project=project,
                created=created.get(pull.repository_id),
            ),
        )


def _quota(event_type: EventType, event: QuotaExceeded | QuotaWarned) -> None:
    project = _project(event.project_id)
    if project is None:
        return
    if policies := _wanting(event_type, event.project_id, project.name):
        data = quota_data(repository_name=event.repository_name, project=project, details=event.details)
        deliveries_begin(notices=[_notice(event_type, event, project.pk, "quota", data)], policies=policies)
