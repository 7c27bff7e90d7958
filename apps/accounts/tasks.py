"""What the scheduler runs for accounts."""

from celery import shared_task

from apps.accounts.sessions import sessions_clear
from apps.accounts.throttle import sign_in_records_clear


@shared_task(name="accounts.sessions_clear", ignore_result=True)
def sessions_clear_task() -> None:
    """Delete the rows of sessions that are over."""
    sessions_clear()


@shared_task(name="accounts.sign_in_records_clear", ignore_result=True)
def sign_in_records_clear_task() -> None:
    """Delete what is known of logins and of no use any more."""
    sign_in_records_clear()
