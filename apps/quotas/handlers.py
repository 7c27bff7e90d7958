"""What quotas do about what others tell, and what they tell the floors below at start."""

from apps.artifacts.gates import gates
from apps.events.bus import subscribe
from apps.events.catalogue import ProjectCreated
from apps.quotas.gates import QuotaStorageGate
from apps.quotas.services import quota_create


def register() -> None:
    """Have every project counted, and every push weighed."""
    subscribe(ProjectCreated, on_project_created)
    gates.storage.append(QuotaStorageGate())


def on_project_created(event: ProjectCreated) -> None:
    """A project has its quota from its first moment."""
    quota_create(project_id=event.project_id, storage_limit=event.storage_limit)
