"""A repository as it was: every tag where it pointed at some time, by the history, out of the trash as needed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError
from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from apps.accounts.security import SecurityContext
from apps.artifacts.errors import RepositoryUnknownError
from apps.artifacts.models import Artifact, Repository, Tag, TagMove, TrashEntry
from apps.artifacts.selectors import require_repository, tag_move_list, trashed_find
from apps.artifacts.services.links import storage_refusal_recorded
from apps.artifacts.services.returns import (
    Return,
    TrashChangedError,
    artifacts_return,
    return_begin,
    return_end,
)
from apps.artifacts.services.tags import TagPlace, Target, tags_hold, tags_point, tags_remove
from apps.artifacts.services.trash import CHUNK
from apps.artifacts.types import TagThen, TrashedRef
from apps.common.database import again_after_deadlock, write_atomic
from apps.common.errors import BadRequestError, ConflictError, PreconditionError
from apps.events.bus import publish
from apps.events.catalogue import RepositoryRestored
from apps.projects.types import ProjectRef

CREATED = "created"
MOVED = "moved"
DELETED = "deleted"
UNCHANGED = "unchanged"
GONE = "gone"

_ATTEMPTS = 3
_NAMED = 10


def repository_rewind(
    *, actor: SecurityContext, project: ProjectRef, repository_name: str, time: datetime, dry_run: bool
) -> list[TagThen]:
    """Move every tag of a repository, which may be deleted, to where it pointed at ``time``; returns what that means.

    Tags that were not there then go into the trash; artifacts come out of it as they are needed, and their entries
    stay. With ``dry_run`` nothing is changed. A tag without history counts as unmoved. Raises
    :class:`PreconditionError` when an artifact of then is gone, and what a gate refuses; nothing is changed then.
    """
    for resource in ("artifact", "tag"):
        for action in ("create", "delete"):
            require_repository(actor, project, repository_name, resource=resource, action=action)
    if time > timezone.now():
        raise BadRequestError("the time to restore lies in the future")
    days = settings.HARBOR.tag_history_days
    if days and time < timezone.now() - timedelta(days=days):
        raise BadRequestError(f"the history of tags goes back {days} days (tag_history_days)")
    plan, _ = _plan(project.id, repository_name, time)
    if dry_run:
        return plan
    if _is_nothing_to_do(plan):
        return plan
    for _ in range(_ATTEMPTS):
        try:
            return _rewind(actor.name, project, repository_name, time)
        except (IntegrityError, TrashChangedError):
            # A push of the same manifest came first: look again at what is there.
            continue
    raise ConflictError(f"{repository_name} is being changed at this moment; restore again")


@again_after_deadlock
def _rewind(operator: str, project: ProjectRef, repository_name: str, time: datetime) -> list[TagThen]:
    with storage_refusal_recorded(project_id=project.id, operator=operator), write_atomic():
        # No push may come between the plan and what is done.
        Repository.objects.select_for_update().filter(name=repository_name).only("pk").first()
        plan, found = _plan(project.id, repository_name, time)
        if _is_nothing_to_do(plan):
            return plan
        under_way = return_begin(operator=operator, project=project, repository_name=repository_name)
        digests = {then.tag: then.digest for then in plan if then.action in {CREATED, MOVED}}
        tags: dict[str, tuple[str, ...]] = defaultdict(tuple)
        for tag, digest in digests.items():
            tags[digest] += (tag,)
        artifacts_return(under_way, _needed(tags, found), tags)
        _tags_move(under_way, digests)
        _tags_drop(under_way, [then.tag for then in plan if then.action == DELETED])
        publish(
            RepositoryRestored(
                operator=operator,
                occurred_at=under_way.at,
                project_id=project.id,
                repository_id=under_way.repository_id,
                repository_name=repository_name,
                time=time.isoformat(),
                tags=tuple(sorted(digests)),
            )
        )
        return_end(under_way)
        return plan


def _is_nothing_to_do(plan: list[TagThen]) -> bool:
    if gone := [then.tag for then in plan if then.action == GONE]:
        more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
        raise PreconditionError(f"the artifacts of these tags are gone: {', '.join(gone[:_NAMED])}{more}")
    return all(then.action == UNCHANGED for then in plan)


def _plan(
    project_id: int, repository_name: str, time: datetime
) -> tuple[list[TagThen], dict[str, TrashedRef]]:
    """What leads back to ``time``, by tag, and what the trash has of the artifacts that are not there."""
    now = dict(Tag.objects.filter(repository__name=repository_name).values_list("name", "artifact__digest"))
    then = _tags_at(tag_move_list(project_id=project_id, repository_name=repository_name), time, now)
    if not then and not Repository.objects.filter(name=repository_name).exists():
        raise RepositoryUnknownError(f"repository {repository_name} not found")
    wanted = {digest for tag, digest in then.items() if digest and now.get(tag) != digest}
    there = set(
        Artifact.objects.filter(repository__name=repository_name, digest__in=wanted).values_list(
            "digest", flat=True
        )
    )
    found = trashed_find(project_id=project_id, repository_name=repository_name, digests=wanted - there)
    gone = wanted - there - found.keys()
    plan = [
        TagThen(tag, digest, now.get(tag, ""), _action(digest, now.get(tag, ""), gone))
        for tag, digest in sorted(then.items())
        if digest or tag in now
    ]
    return plan, found


def _tags_at(moves: QuerySet[TagMove], time: datetime, now: Mapping[str, str]) -> dict[str, str]:
    """The digest of each tag at ``time``, "" where it was not there: by its last move until then, else by its next."""
    then = dict(now)
    next_ones = _first_each(moves.filter(at__gt=time), F("at").asc(), F("id").asc())
    then.update(next_ones.values_list("tag", "previous_digest"))
    last_ones = _first_each(moves.filter(at__lte=time), F("at").desc(), F("id").desc())
    then.update(last_ones.values_list("tag", "digest"))
    return then


def _first_each(moves: QuerySet[TagMove], *order: object) -> QuerySet[TagMove]:
    return moves.annotate(
        place=Window(RowNumber(), partition_by=F("tag"), order_by=order)  # type: ignore[arg-type]
    ).filter(place=1)


def _action(digest: str, now: str, gone: set[str]) -> str:
    if digest == now:
        return UNCHANGED
    if not digest:
        return DELETED
    if digest in gone:
        return GONE
    return MOVED if now else CREATED


def _needed(digests: Iterable[str], found: Mapping[str, TrashedRef]) -> set[int]:
    """The rows of the trash that bring back artifacts: their own, their children's, and the accessories' of them all."""
    needed: set[int] = set()
    ahead = list(digests)
    while ahead:
        here = found.get(ahead.pop())
        if here is not None and here.row_id not in needed:
            needed.add(here.row_id)
            ahead += (*here.children, *here.accessories)
    return needed


def _tags_move(under_way: Return, digests: Mapping[str, str]) -> None:
    """Point tags to what they pointed to: digests by tag."""
    ids = dict(under_way.artifacts)
    for some in _some(sorted(set(digests.values()) - ids.keys())):
        rows = Artifact.objects.filter(repository_id=under_way.repository_id, digest__in=some)
        ids.update(rows.values_list("digest", "pk"))
    place = TagPlace(
        operator=under_way.operator,
        project_id=under_way.project.id,
        repository_id=under_way.repository_id,
        repository_name=under_way.repository_name,
        at=under_way.at,
        reason=TagMove.REWOUND,
    )
    tags_point(place=place, targets={tag: Target(ids[digest], digest) for tag, digest in digests.items()})


def _some(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def _tags_drop(under_way: Return, names: Iterable[str]) -> None:
    repository = Repository.objects.get(pk=under_way.repository_id)
    rows = [
        tag for some in _some(sorted(names)) for tag in tags_hold(repository=repository).filter(name__in=some)
    ]
    if rows:
        tags_remove(
            operator=under_way.operator,
            reason=TrashEntry.PERSON,
            repository=repository,
            tags=rows,
            at=under_way.at,
            move_reason=TagMove.REWOUND,
        )
