"""What retention does when events happen."""

from apps.events.bus import subscribe
from apps.events.catalogue import ProjectDeleted
from apps.retention.models import RetentionPolicy
from apps.retention.services import policy_clear


def clear_jobs(event: ProjectDeleted) -> None:
    """A policy goes with its project; its schedule and its runs, which know it by number only, do so here."""
    for policy_id in RetentionPolicy.objects.filter(project_id=event.project_id).values_list("pk", flat=True):
        policy_clear(policy_id=policy_id)


def register() -> None:
    """Subscribe to the bus."""
    subscribe(ProjectDeleted, clear_jobs)
