"""What quotas do about what others tell."""

from apps.events.catalogue import ProjectCreated
from apps.quotas.services import quota_create


def make_quota(event: ProjectCreated) -> None:
    """A project has its quota from its first moment."""
    quota_create(project_id=event.project_id, storage_limit=event.storage_limit)
