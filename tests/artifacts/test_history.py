"""The history of tags, and a repository as it was."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.security import SystemContext
from apps.artifacts.errors import RepositoryUnknownError
from apps.artifacts.gates import GateRefusedError, gates
from apps.artifacts.models import Artifact, Repository, Tag, TagMove, TrashedArtifact, TrashEntry
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.copies import artifact_copy
from apps.artifacts.services.expiry import tags_expire
from apps.artifacts.services.repositories import repository_delete
from apps.artifacts.services.rewinds import repository_rewind
from apps.artifacts.services.tags import tag_create, tag_delete
from apps.artifacts.types import TagThen
from apps.common.errors import BadRequestError, ForbiddenError, PreconditionError
from tests.artifacts.reading import paid, project_of, restore, rows_of, tags_of
from tests.distribution.documents import config, index_of, layer, manifest_of
from tests.distribution.inside import Place
from tests.support.people import acting, person

pytestmark = pytest.mark.django_db(transaction=True)


def moves(repository: str) -> list[tuple[str, str, str]]:
    rows = TagMove.objects.filter(repository_name=repository).order_by("id")
    return list(rows.values_list("tag", "previous_digest", "digest"))


def rewind(place: Place, time: datetime, *, dry_run: bool = False, actor: Any = None) -> list[TagThen]:
    return repository_rewind(
        actor=actor or place.actor,
        project=project_of(place),
        repository_name=place.repository,
        time=time,
        dry_run=dry_run,
    )


def actions(plan: list[TagThen]) -> dict[str, str]:
    return {then.tag: then.action for then in plan}


def test_every_way_that_a_tag_moves(place: Place) -> None:
    first, second = manifest_of(), manifest_of()
    place.push(first, tag="v1")
    place.push(first, tag="v1")
    place.push(second, tag="v1")
    tag_create(actor=place.actor, repository_name=place.repository, reference="v1", tag="v2")
    tag_delete(actor=place.actor, repository_name=place.repository, tag="v2")
    artifact_delete(actor=place.actor, repository_name=place.repository, reference="v1")
    restore(place, TrashEntry.objects.get(kind="artifact"))
    Tag.objects.update(expires_at=timezone.now())
    tags_expire(actor=SystemContext("expiry"))
    tag_create(actor=place.actor, repository_name=place.repository, reference=second.digest, tag="v3")
    repository_delete(actor=place.actor, repository_name=place.repository)

    assert moves(place.repository) == [
        ("v1", "", first.digest),
        ("v1", first.digest, second.digest),
        ("v2", "", second.digest),
        ("v2", second.digest, ""),
        ("v1", second.digest, ""),
        ("v1", "", second.digest),
        ("v1", second.digest, ""),
        ("v3", "", second.digest),
        ("v3", second.digest, ""),
    ]
    pushed = TagMove.objects.order_by("id").first()
    assert pushed is not None
    assert (pushed.operator, pushed.address) == (place.actor.name, "192.0.2.1")
    assert list(TagMove.objects.filter(operator="expiry").values_list("tag", flat=True)) == ["v1"]


def test_a_copy_is_a_move_too(place: Place) -> None:
    place.push(image := manifest_of(), tag="v1")
    artifact_copy(
        actor=place.actor,
        source_repository=place.repository,
        source_reference="v1",
        project=project_of(place),
        target_repository=f"{place.repository}/copy",
    )
    assert moves(f"{place.repository}/copy") == [("v1", "", image.digest)]


class Clock:
    """Each push at a minute of its own: what is compared are the times in the history."""

    def __init__(self) -> None:
        self._minutes = itertools.count(1)
        self._done = 0

    def next(self) -> datetime:
        """Give what was recorded since the last call the next minute; returns a moment right after."""
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=next(self._minutes))
        rows = TagMove.objects.filter(pk__gt=self._done)
        rows.update(at=at)
        last = TagMove.objects.order_by("-id").first()
        self._done = last.pk if last else 0
        return at + timedelta(seconds=1)


def test_a_repository_as_it_was(place: Place) -> None:
    clock = Clock()
    old = manifest_of(own := config(), [content := layer(800)])
    place.push(old, own, content, tag="latest")
    place.push(child := manifest_of(), tag=child.digest)
    place.push(index := index_of([child]), tag="multi")
    place.push(manifest_of(), tag="stays")
    then = clock.next()
    before, tags, cost = rows_of(place.repository), tags_of(place.repository), paid(place.project_id)
    place.push(new := manifest_of(), tag="latest")
    place.push(new, tag="extra")
    artifact_delete(actor=place.actor, repository_name=place.repository, reference=old.digest)
    artifact_delete(actor=place.actor, repository_name=place.repository, reference="multi")
    now = clock.next()
    wanted = {"latest": "moved", "multi": "created", "stays": "unchanged", "extra": "deleted"}

    assert actions(rewind(place, then, dry_run=True)) == wanted
    assert tags_of(place.repository) == {
        "latest": new.digest,
        "extra": new.digest,
        "stays": tags["stays"],
    }
    plan = rewind(place, then)

    assert actions(plan) == wanted
    assert next(one for one in plan if one.tag == "latest") == TagThen(
        "latest", old.digest, new.digest, "moved"
    )
    assert tags_of(place.repository) == tags
    restored = {row["digest"]: row for row in rows_of(place.repository)}
    for row in before:
        again = restored[row["digest"]]
        assert (again["manifest"], again["blobs"], again["references"]) == (
            row["manifest"],
            row["blobs"],
            row["references"],
        )
    assert paid(place.project_id) == cost + len(new.data)
    assert place.call("GET", "manifests/multi").body == index.data
    assert TrashEntry.objects.filter(kind="tag", tag="extra").exists()
    assert set(actions(rewind(place, then)).values()) == {"unchanged"}

    clock.next()
    assert actions(rewind(place, now)) == {
        "latest": "moved",
        "multi": "deleted",
        "stays": "unchanged",
        "extra": "created",
    }
    assert tags_of(place.repository)["latest"] == new.digest


def test_a_repository_that_is_deleted(place: Place) -> None:
    clock = Clock()
    place.push(image := manifest_of(), tag="v1")
    place.push(manifest_of(subject=image.descriptor), tag="signature")
    then = clock.next()
    before = {row["digest"] for row in rows_of(place.repository)}
    repository_delete(actor=place.actor, repository_name=place.repository)

    assert set(actions(rewind(place, then, dry_run=True)).values()) == {"created"}
    assert not Repository.objects.filter(name=place.repository).exists()
    rewind(place, then)

    assert {row["digest"] for row in rows_of(place.repository)} == before
    assert set(tags_of(place.repository)) == {"v1", "signature"}


def test_before_there_was_anything(place: Place) -> None:
    place.push(manifest_of(), tag="v1")

    assert actions(rewind(place, timezone.now() - timedelta(days=1))) == {"v1": "deleted"}

    assert tags_of(place.repository) == {}
    assert Artifact.objects.count() == 1


def test_a_tag_without_history_has_not_moved(place: Place) -> None:
    place.push(manifest_of(), tag="v1")
    TagMove.objects.all().delete()

    assert actions(rewind(place, timezone.now())) == {"v1": "unchanged"}


def test_all_or_nothing(place: Place) -> None:
    clock = Clock()
    place.push(lost := manifest_of(), tag="lost")
    place.push(manifest_of(), tag="found")
    then = clock.next()
    repository_delete(actor=place.actor, repository_name=place.repository)
    TrashedArtifact.objects.filter(digest=lost.digest).delete()

    assert actions(rewind(place, then, dry_run=True)) == {"lost": "gone", "found": "created"}
    with pytest.raises(PreconditionError, match="lost"):
        rewind(place, then)

    assert not Repository.objects.filter(name=place.repository).exists()
    assert paid(place.project_id) == 0


def test_a_gate_holds(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    place.push(old := manifest_of(), tag="v1")
    then = clock.next()
    place.push(new := manifest_of(), tag="v1")

    class Immutable:
        def check_tag(self, change: Any) -> None:
            assert (change.previous_digest, change.digest) == (new.digest, old.digest)
            raise GateRefusedError("immutable")

    monkeypatch.setattr(gates, "tag", [Immutable()])
    with pytest.raises(GateRefusedError):
        rewind(place, then)

    assert tags_of(place.repository) == {"v1": new.digest}


def test_what_is_refused(place: Place) -> None:
    with pytest.raises(RepositoryUnknownError):
        rewind(place, timezone.now())
    place.push(manifest_of(), tag="v1")
    with pytest.raises(BadRequestError, match="future"):
        rewind(place, timezone.now() + timedelta(hours=1))
    with pytest.raises(ForbiddenError):
        rewind(place, timezone.now(), actor=acting(person()))
