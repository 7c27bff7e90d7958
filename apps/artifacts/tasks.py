"""What the scheduler runs for artifacts."""

from datetime import timedelta

from celery import shared_task

from apps.artifacts.services.uploads import uploads_purge

ABANDONED_AFTER = timedelta(days=7)


@shared_task(name="artifacts.uploads_purge", ignore_result=True)
def uploads_purge_task() -> None:
    """Throw away uploads that nobody went on with for a week."""
    uploads_purge(older_than=ABANDONED_AFTER)
