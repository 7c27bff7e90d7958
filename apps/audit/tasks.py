"""What the scheduler runs for the audit log."""

from celery import shared_task

from apps.audit.forwarding import forward_run
from apps.audit.privacy import names_forget
from apps.audit.refusals import refusals_drain


@shared_task(name="audit.forward", ignore_result=True)
def forward_task() -> None:
    """Send the rows that wait for syslog or the file."""
    forward_run()


@shared_task(name="audit.refusals_drain", ignore_result=True)
def refusals_drain_task() -> None:
    """Bring the refusals that the spool holds into the log."""
    refusals_drain()


@shared_task(name="audit.names_forget", ignore_result=True)
def names_forget_task() -> None:
    """Replace the names of deleted people that the log has to forget."""
    names_forget()
