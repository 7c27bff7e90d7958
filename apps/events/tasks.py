"""What the scheduler runs for events."""

from celery import shared_task

from apps.events.services import outbox_deliver
from apps.events.spool import spool_drain


@shared_task(name="events.outbox_deliver", ignore_result=True)
def outbox_deliver_task() -> None:
    """Deliver what is due in the outbox."""
    outbox_deliver()


@shared_task(name="events.spool_drain", ignore_result=True)
def spool_drain_task() -> None:
    """Count the pulls that the spool holds."""
    spool_drain()
