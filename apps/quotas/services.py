"""Writes of quotas. What a push adds is the business of :mod:`apps.quotas.gates`."""

from django.db.models import Sum
from django.utils import timezone

from apps.accounts.security import SecurityContext, require_system
from apps.artifacts.models import ProjectBlob
from apps.common.database import write_atomic
from apps.common.errors import BadRequestError, NotFoundError
from apps.common.stamps import touch
from apps.config.selectors import system_settings
from apps.events.bus import publish
from apps.events.catalogue import QuotaUpdated
from apps.quotas.constants import MAX_HARD, NO_LIMIT, quota_key
from apps.quotas.models import Quota


def quota_create(*, project_id: int, storage_limit: int) -> None:
    """Make the quota of a new project, inside the transaction that makes the project.

    ``storage_limit`` in bytes, -1 for none, 0 for the installation's default (``storage_per_project``).
    """
    hard = storage_limit or system_settings().storage_per_project
    check_hard(hard)
    Quota.objects.create(project_id=project_id, hard=hard)
    touch(quota_key(project_id))


def quota_update(*, actor: SecurityContext, quota_id: int, hard: int) -> None:
    """Set a project's limit to ``hard`` bytes (-1 for none); it may be below what the project holds already.

    Raises :class:`BadRequestError`, :class:`NotFoundError`, and :class:`ForbiddenError` or
    :class:`UnauthorizedError` unless ``actor`` may update quotas.
    """
    require_system(actor, "quota", "update")
    check_hard(hard)
    with write_atomic():
        quota = Quota.objects.select_related("project").filter(pk=quota_id).first()
        if quota is None or not Quota.objects.filter(pk=quota_id).update(
            hard=hard, update_time=timezone.now()
        ):
            raise NotFoundError(f"quota {quota_id} not found")
        publish(
            QuotaUpdated(
                operator=actor.name, project_id=quota.project_id, project_name=quota.project.name, hard=hard
            )
        )
        touch(quota_key(quota.project_id))


def quota_recalculate(*, project_id: int) -> int:
    """Count anew what the project pays for and store it; returns the bytes. Ignores the limit."""
    with write_atomic():
        # The row's lock first: a push that is about to charge does so after us, on top of what we store, and
        # its links are not in the sum yet; one that has charged has committed its links by now.
        locked = list(Quota.objects.select_for_update().filter(project_id=project_id))
        if not locked:
            raise NotFoundError(f"project {project_id} has no quota")
        total = ProjectBlob.objects.filter(project_id=project_id).aggregate(total=Sum("blob__size"))["total"]
        used = int(total or 0)
        Quota.objects.filter(project_id=project_id).update(used=used, update_time=timezone.now())
        touch(quota_key(project_id))
    return used


def check_hard(hard: int) -> None:
    """Raise :class:`BadRequestError` for a limit that is neither -1 nor in 1 … 1024 TiB."""
    if isinstance(hard, bool) or not isinstance(hard, int) or not (hard == NO_LIMIT or 0 < hard <= MAX_HARD):
        raise BadRequestError(
            f"invalid hard limit: storage must be {NO_LIMIT} for no limit or from 1 to {MAX_HARD} bytes"
        )
