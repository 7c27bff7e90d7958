"""What the scheduler runs for artifacts."""

from datetime import timedelta

from celery import shared_task

from apps.accounts.security import SystemContext
from apps.artifacts.services.expiry import tags_expire
from apps.artifacts.services.uploads import uploads_purge

ABANDONED_AFTER = timedelta(days=7)


@shared_task(name="artifacts.uploads_purge", ignore_result=True)
def uploads_purge_task() -> None:
    """Throw away uploads that nobody went on with for a week."""
    uploads_purge(older_than=ABANDONED_AFTER)


@shared_task(name="artifacts.tags_expire", ignore_result=True)
def tags_expire_task() -> None:
    """Move the tags whose time has come into the trash."""
    tags_expire(actor=SystemContext("expiry"))
