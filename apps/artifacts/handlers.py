"""What artifacts do when events happen."""

import uuid
from collections import Counter
from datetime import datetime

from django.db.models import F

from apps.artifacts.models import Artifact, Repository, RepositoryBlob, Tag, TrashEntry
from apps.artifacts.services.trash import trash_drop
from apps.artifacts.services.uploads import uploads_discard
from apps.common.database import delete_rows
from apps.config.selectors import system_settings
from apps.events.bus import subscribe, subscribe_after_commit
from apps.events.catalogue import ArtifactsPulled, ProjectDeleted, RepositoryDeleted


def count_pulls(event: ArtifactsPulled) -> None:
    """Pull counts and times of repositories, artifacts and tags, one statement each that was pulled.

    Each of the two can be switched off in the settings.
    """
    now = system_settings()
    counts = Counter(pull.repository_id for pull in event.pulls)
    artifacts: dict[int, datetime] = {}
    tags: dict[tuple[int, str], datetime] = {}
    for pull in event.pulls:
        artifacts[pull.artifact_id] = max(artifacts.get(pull.artifact_id, pull.occurred_at), pull.occurred_at)
        if pull.tag:
            key = (pull.repository_id, pull.tag)
            tags[key] = max(tags.get(key, pull.occurred_at), pull.occurred_at)
    # In order of their keys: two drains at once take their locks in the same order.
    for repository_id, count in () if now.pull_count_update_disable else sorted(counts.items()):
        Repository.objects.filter(pk=repository_id).update(pull_count=F("pull_count") + count)
    if now.pull_time_update_disable:
        return
    for artifact_id, at in sorted(artifacts.items()):
        Artifact.objects.filter(pk=artifact_id).update(pull_time=at)
    for (repository_id, name), at in sorted(tags.items()):
        Tag.objects.filter(repository_id=repository_id, name=name).update(pull_time=at)


def drop_unlisted_repositories(event: ProjectDeleted) -> None:
    """Repositories that a push was begun and given up in do not keep their project from going."""
    unlisted = Repository.objects.filter(project_id=event.project_id, listed=False)
    delete_rows(RepositoryBlob.objects.filter(repository__in=unlisted))
    delete_rows(unlisted)


def drop_trash(event: ProjectDeleted) -> None:
    """The trash goes with its project, a statement a table."""
    entries = TrashEntry.objects.filter(project_id=event.project_id)
    trash_drop(entry_ids=entries.select_for_update().order_by("pk").values_list("pk", flat=True))


def discard_uploads(event: RepositoryDeleted, event_id: uuid.UUID) -> None:  # noqa: ARG001 (nothing to tell apart)
    """Throw away what was on its way into a repository that is gone. Idempotent."""
    uploads_discard(repository_name=event.repository_name, before=event.occurred_at)


def register() -> None:
    """Subscribe to the bus."""
    subscribe(ArtifactsPulled, count_pulls)
    subscribe(ProjectDeleted, drop_unlisted_repositories)
    subscribe(ProjectDeleted, drop_trash)
    subscribe_after_commit(RepositoryDeleted, discard_uploads)
