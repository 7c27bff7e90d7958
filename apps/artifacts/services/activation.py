"""Artifacts that stay and cannot be pulled."""

from datetime import datetime

from django.utils import timezone

from apps.accounts.passwords import has_control
from apps.accounts.security import SecurityContext
from apps.artifacts.errors import ManifestUnknownError
from apps.artifacts.models import Artifact, Repository
from apps.artifacts.selectors import artifact_row, repository_require
from apps.common.database import again_after_deadlock, write_atomic
from apps.common.errors import BadRequestError
from apps.common.stamps import repository_key, touch
from apps.events.bus import publish
from apps.events.catalogue import ArtifactActivated, ArtifactDeactivated
from apps.events.event import Event

_NAME = 511
MAX_REASON = 255


def artifact_deactivate(
    *, actor: SecurityContext, repository_name: str, reference: str, reason: str = ""
) -> None:
    """Refuse every pull of an artifact from now on; needs the right to delete it. No change if it is so already.

    Its children, accessories and blobs can still be pulled by digest, and a push of the same manifest does not
    activate it. ``reason`` is told those who want to pull it; raises :class:`BadRequestError` if that is no line of
    text.
    """
    reason = reason.strip()
    if len(reason) > MAX_REASON or has_control(reason):
        raise BadRequestError(f"the reason must have at most {MAX_REASON} characters, no control characters")
    _set(actor, repository_name, reference, timezone.now(), reason)


def artifact_activate(*, actor: SecurityContext, repository_name: str, reference: str) -> None:
    """Let an artifact be pulled again; needs the right to delete it. No change if it is so already."""
    _set(actor, repository_name, reference, None, "")


@again_after_deadlock
def _set(
    actor: SecurityContext, repository_name: str, reference: str, at: datetime | None, reason: str
) -> None:
    repository = repository_require(actor=actor, name=repository_name, resource="artifact", action="delete")
    artifact = artifact_row(repository, reference)
    with write_atomic():
        rows = Artifact.objects.filter(pk=artifact.pk)
        by = actor.name[:_NAME] if at else ""
        if not rows.filter(deactivated_at__isnull=at is not None).update(
            deactivated_at=at, deactivated_by=by, deactivated_reason=reason
        ):
            if not rows.exists():
                raise ManifestUnknownError(f"artifact {reference} not found in {repository_name}")
            return
        touch(repository_key(repository_name))
        publish(_event(actor.name, repository, artifact.digest, reason if at else None))


def _event(operator: str, repository: Repository, digest: str, reason: str | None) -> Event:
    """``reason`` is None where it was activated."""
    name, project_id = repository.name, repository.project_id
    if reason is None:
        return ArtifactActivated(
            operator=operator, project_id=project_id, repository_name=name, digest=digest
        )
    return ArtifactDeactivated(
        operator=operator, project_id=project_id, repository_name=name, digest=digest, reason=reason
    )
