"""What the scheduler runs for usage."""

from celery import shared_task

from apps.usage.services import usage_record


@shared_task(name="usage.record", ignore_result=True)
def usage_record_task() -> None:
    """Keep what every project has now as today's sample."""
    usage_record()
