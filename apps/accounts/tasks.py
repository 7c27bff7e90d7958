"""What the scheduler runs for accounts."""

from celery import shared_task

from apps.accounts.sessions import sessions_clear


@shared_task(name="accounts.sessions_clear", ignore_result=True)
def sessions_clear_task() -> None:
    """Delete the rows of sessions that are over."""
    sessions_clear()
