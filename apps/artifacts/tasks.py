"""What the scheduler runs for artifacts."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from apps.accounts.security import SystemContext
from apps.artifacts.services.expiry import tags_expire
from apps.artifacts.services.history import tag_moves_purge
from apps.artifacts.services.trash import trash_purge
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


@shared_task(name="artifacts.trash_purge", ignore_result=True)
def trash_purge_task() -> None:
    """Forget what was deleted more than ``trash_days`` ago."""
    if days := settings.HARBOR.trash_days:
        trash_purge(older_than=timedelta(days=days))


@shared_task(name="artifacts.tag_moves_purge", ignore_result=True)
def tag_moves_purge_task() -> None:
    """Forget moves of tags from more than ``tag_history_days`` ago."""
    if days := settings.HARBOR.tag_history_days:
        tag_moves_purge(older_than=timedelta(days=days))
