"""Names of deleted people in the audit log, where ``gdpr_audit_logs`` asks to have them replaced."""

import hashlib
import hmac
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from apps.audit.models import AuditForget, AuditLog
from apps.common.database import write_atomic
from apps.events.catalogue import UserChanged

_BATCH = 1000
# The spools may hold rows with the name for some seconds, and longer when no worker ran.
_REST = timedelta(minutes=10)


def name_replacement(username: str, user_id: int) -> str:
    """What stands for a name: the same for the same person, and by nobody who lacks our key found by guessing."""
    key = settings.SECRET_KEY.encode()
    digest = hmac.digest(key, f"audit:{user_id}:{username}".encode(), hashlib.sha256)
    return f"{digest.hex()[:32]}#{user_id}"


def on_user_deleted(event: UserChanged) -> None:
    """Note, in the transaction that deletes a person, that the log has to forget the name."""
    if event.operation == "delete" and settings.HARBOR.gdpr_audit_logs:
        AuditForget.objects.create(
            username=event.username,
            replacement=name_replacement(event.username, event.user_id),
            due_time=event.occurred_at + _REST,
        )


def names_forget() -> int:
    """Replace the names that are due, ten minutes after the deletion, a thousand rows a transaction; returns the number of rows that changed.

    ``username`` is replaced where the person acted, and the whole resource and its description where they are what the
    row is about.
    """
    changed = 0
    for job in AuditForget.objects.filter(due_time__lte=timezone.now()).order_by("id"):
        while count := _forget_batch(job):
            changed += count
        with write_atomic():
            job.delete()
    return changed


def _forget_batch(job: AuditForget) -> int:
    with write_atomic():
        acted = list(AuditLog.objects.filter(username=job.username).values_list("id", flat=True)[:_BATCH])
        if acted:
            AuditLog.objects.filter(id__in=acted).update(username=job.replacement)
            return len(acted)
        about = AuditLog.objects.filter(resource=job.username, resource_type__in=("user", "member"))
        ids = list(about.values_list("id", flat=True)[:_BATCH])
        AuditLog.objects.filter(id__in=ids).update(
            resource=job.replacement, operation_description="the name was removed"
        )
        return len(ids)
