"""Temporary tags: when they end, and the end itself, in the trash."""

import logging
import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from apps.accounts.security import SecurityContext
from apps.artifacts.errors import TagUnknownError
from apps.artifacts.models import Repository, Tag, TrashEntry
from apps.artifacts.selectors import artifact_row, repository_require
from apps.artifacts.services.tags import tags_hold, tags_remove
from apps.common.database import again_after_deadlock, write_atomic
from apps.common.errors import BadRequestError, DomainError
from apps.common.stamps import repository_key, touch
from apps.events.bus import publish
from apps.events.catalogue import TagExpiryChanged

logger = logging.getLogger(__name__)

EXPIRY_LABEL = "quay.expires-after"
"""The label of an image's config that makes the tags of its push temporary."""

_SPAN = re.compile(r"([0-9]{1,10})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LONGEST = timedelta(days=36500)
_BATCH = 200


def expiry_read(*, expires_at: str, expires_after: str) -> datetime | None:
    """When a tag ends: at a time (RFC 3339), or after a while such as ``2w``, ``3d``, ``12h``, ``30m`` from now.

    None if both are empty. Raises :class:`BadRequestError` for what is neither, lies in the past or beyond a
    century, and when both are given.
    """
    if expires_at and expires_after:
        raise BadRequestError("expires_at and expires_after exclude each other")
    if expires_after:
        span = span_read(expires_after)
        if span is None:
            raise BadRequestError(
                f"invalid expires_after: {expires_after[:64]}; want a number and one of w, d, h, m, s"
            )
        return timezone.now() + span
    if not expires_at:
        return None
    moment = moment_read(expires_at, name="expires_at")
    if not timezone.now() < moment <= timezone.now() + _LONGEST:
        raise BadRequestError(f"invalid expires_at: {expires_at[:64]} is not in the future")
    return moment


def moment_read(text: str, *, name: str) -> datetime:
    """A time with its zone (RFC 3339), in UTC; raises :class:`BadRequestError` that calls it ``name``."""
    try:
        moment = datetime.fromisoformat(text)
        # Without a zone nobody can tell when it is.
        in_utc = None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        in_utc = None
    if in_utc is None:
        raise BadRequestError(f"invalid {name}: {text[:64]}; want a time such as 2026-01-31T12:00:00Z")
    return in_utc


def span_read(text: str) -> timedelta | None:
    """``2w``, ``3d``, ``12h``, ``30m`` or ``90s``; None for anything else, for nothing, and for over a century."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        return None
    seconds = int(found[1]) * _SECONDS[found[2]]
    return timedelta(seconds=seconds) if 0 < seconds <= _LONGEST.total_seconds() else None


def expiry_of_image(extra_attrs: Mapping[str, Any], *, now: datetime) -> datetime | None:
    """When tags of an image with these attributes end, by its label; None without one that can be read."""
    config = extra_attrs.get("config")
    labels = config.get("Labels") if isinstance(config, Mapping) else None
    text = labels.get(EXPIRY_LABEL) if isinstance(labels, Mapping) else None
    span = span_read(text) if isinstance(text, str) else None
    return None if span is None else now + span


@again_after_deadlock
def tag_expiry_set(
    *, actor: SecurityContext, repository_name: str, reference: str, tag: str, expires_at: datetime | None
) -> None:
    """Let a tag of an artifact end at a time, or never; needs the right to delete tags."""
    repository = repository_require(actor=actor, name=repository_name, resource="tag", action="delete")
    artifact = artifact_row(repository, reference)
    with write_atomic():
        rows = Tag.objects.filter(repository=repository, name=tag, artifact=artifact)
        if not rows.update(expires_at=expires_at):
            raise TagUnknownError(f"tag {tag} not found in {repository_name}", detail={"tag": tag})
        touch(repository_key(repository_name))
        publish(
            TagExpiryChanged(
                operator=actor.name,
                project_id=repository.project_id,
                repository_name=repository_name,
                tag=tag,
                digest=artifact.digest,
                expires_at=expires_at.isoformat() if expires_at else "",
            )
        )


def tags_expire(*, actor: SecurityContext) -> int:
    """Move every tag whose time has come into the trash; returns how many went.

    Each repository's share of a batch is a transaction of its own. What a gate refuses, such as an immutable tag,
    stays, and is tried again at the next run.
    """
    now = timezone.now()
    last: tuple[datetime, int] | None = None
    gone = 0
    while due := _due(now, last):
        last = due[-1][:2]
        by_repository: dict[int, list[int]] = defaultdict(list)
        for _, tag_id, repository_id in due:
            by_repository[repository_id].append(tag_id)
        for repository_id, tag_ids in by_repository.items():
            gone += _expire(actor.name, repository_id, tag_ids, now)
    return gone


def _due(now: datetime, last: tuple[datetime, int] | None) -> list[tuple[datetime, int, int]]:
    rows = Tag.objects.filter(expires_at__lte=now)
    if last is not None:
        rows = rows.filter(Q(expires_at=last[0], pk__gt=last[1]) | Q(expires_at__gt=last[0]))
    found = rows.order_by("expires_at", "pk").values_list("expires_at", "pk", "repository_id")[:_BATCH]
    return [(at, pk, repository_id) for at, pk, repository_id in found if at is not None]


def _expire(operator: str, repository_id: int, tag_ids: list[int], now: datetime) -> int:
    """All at once; one by one when a gate refuses some."""
    try:
        return _expire_together(operator, repository_id, tag_ids, now)
    except DomainError as error:
        if len(tag_ids) == 1:
            logger.warning("an expired tag stays: %s", error.message)
            return 0
    return sum(_expire(operator, repository_id, [tag_id], now) for tag_id in tag_ids)


@again_after_deadlock
def _expire_together(operator: str, repository_id: int, tag_ids: list[int], now: datetime) -> int:
    with write_atomic():
        repository = Repository.objects.filter(pk=repository_id).first()
        if repository is None:
            return 0
        # Looked at again under the lock: a push may have given it another time.
        tags = list(tags_hold(repository=repository).filter(pk__in=tag_ids, expires_at__lte=now))
        if tags:
            tags_remove(
                operator=operator, reason=TrashEntry.EXPIRED, repository=repository, tags=tags, at=now
            )
        return len(tags)
