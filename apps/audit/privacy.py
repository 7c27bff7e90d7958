"""Names of deleted people in the history, where ``gdpr_audit_logs`` asks to have them replaced: the audit log, the trash,
the history of tags, jobs and their schedules.
"""

import re
from datetime import timedelta

from django.conf import settings
from django.db.models import Max, Min, Model
from django.utils import timezone

from apps.accounts.leaving import name_replacement
from apps.artifacts.models import TagMove, TrashEntry
from apps.audit.models import AuditForget, AuditLog
from apps.common.database import write_atomic
from apps.events.catalogue import UserChanged
from apps.jobs.models import Execution, Schedule

_BATCH = 1000
_WINDOW = 10_000
"""Ids that are looked at in one transaction where no index knows the name."""

_OPERATORS: tuple[type[Model], ...] = (TagMove, TrashEntry, Execution, Schedule)
# Rows of other things whose words may name a person.
_TYPES_WITH_NAMES = ("access-token", "usergroup", "member", "session")
# The spools may hold rows with the name for some seconds, and longer when no worker ran.
_REST = timedelta(minutes=10)


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
        changed += _forget_in_words(job)
        changed += sum(_forget_operator(model, job) for model in _OPERATORS)
        with write_atomic():
            job.delete()
    return changed


def _forget_batch(job: AuditForget) -> int:
    with write_atomic():
        acted = list(AuditLog.objects.filter(username=job.username).values_list("id", flat=True)[:_BATCH])
        if acted:
            AuditLog.objects.filter(id__in=acted).update(username=job.replacement)
            return len(acted)
        about = AuditLog.objects.filter(
            resource=job.username, resource_type__in=("user", "member", "session")
        )
        ids = list(about.values_list("id", flat=True)[:_BATCH])
        AuditLog.objects.filter(id__in=ids).update(
            resource=job.replacement, operation_description="the name was removed"
        )
        return len(ids)


def _forget_in_words(job: AuditForget) -> int:
    """The name in descriptions of what it was added to, or had."""
    name = re.compile(rf"(?<![\w.@-]){re.escape(job.username)}(?![\w.@-])")
    rows = AuditLog.objects.filter(
        resource_type__in=_TYPES_WITH_NAMES, operation_description__contains=job.username
    )
    changed, last = 0, 0
    while found := list(rows.filter(pk__gt=last).order_by("pk").only("pk", "operation_description")[:_BATCH]):
        last = found[-1].pk
        named = [row for row in found if name.search(row.operation_description)]
        for row in named:
            row.operation_description = name.sub(lambda _: job.replacement, row.operation_description)[:1024]
        with write_atomic():
            AuditLog.objects.bulk_update(named, ["operation_description"])
        changed += len(named)
    return changed


def _forget_operator(model: type[Model], job: AuditForget) -> int:
    """Who did it, in a table without an index of that: once through, a piece a transaction."""
    rows = model._default_manager.all()  # noqa: SLF001 (the public name is that of no common base)
    ends = rows.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return 0
    changed = 0
    for start in range(ends["first"], ends["last"] + 1, _WINDOW):
        piece = rows.filter(pk__gte=start, pk__lt=start + _WINDOW, operator=job.username)
        with write_atomic():
            changed += piece.update(operator=job.replacement)
    return changed
