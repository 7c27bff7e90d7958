"""After-commit handlers by names that two processes know; what they take goes into the project's metadata table."""

import os
import signal
from uuid import UUID

from django.utils import timezone

from apps.events.catalogue import ProjectUpdated
from apps.events.models import SpoolFile

DIE = "die"


def remember(event: ProjectUpdated, event_id: UUID) -> None:
    """Leave a row that says who came, or die in the middle."""
    SpoolFile.objects.create(name=f"{event.project_name}-{event_id}", drained_time=timezone.now())
    if os.environ.get("EVENTS_TEST_HANDLER") == DIE:
        os.kill(os.getpid(), signal.SIGKILL)


def remembered() -> list[str]:
    """The project names that :func:`remember` has taken."""
    return [name.partition("-")[0] for name in SpoolFile.objects.values_list("name", flat=True)]
