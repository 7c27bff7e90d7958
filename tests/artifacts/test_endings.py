"""What ends by age, what a rule keeps, and a restore or rewind that breaks off anywhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.accounts.security import SystemContext
from apps.artifacts.gates import GateRefusedError, StorageRefusedError
from apps.artifacts.models import (
    Artifact,
    Blob,
    Repository,
    Tag,
    TagMove,
    TrashedArtifact,
    TrashedBlob,
    TrashedTag,
    TrashEntry,
)
from apps.artifacts.selectors import repository_find
from apps.artifacts.services.activation import artifact_deactivate
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.expiry import tags_expire
from apps.artifacts.services.history import tag_moves_purge
from apps.artifacts.services.repositories import repository_delete
from apps.artifacts.services.rewinds import repository_rewind
from apps.artifacts.services.tags import tag_create, tag_delete
from apps.artifacts.services.trash import trash_purge
from apps.common.errors import BadRequestError
from apps.immutability.services import immutable_rule_create
from apps.projects.models import Project
from apps.projects.services import project_delete
from apps.push_rules.services import push_rules_set
from apps.push_rules.types import PushRulesValues
from apps.quotas.models import Quota
from tests.artifacts.reading import paid, project_of, restore, rows_of, tags_of
from tests.distribution.documents import config, layer, manifest_of
from tests.distribution.inside import Place

pytestmark = pytest.mark.django_db(transaction=True)


def rewind(place: Place, seconds: float = 0.0) -> None:
    repository_rewind(
        actor=place.actor,
        project=project_of(place),
        repository_name=place.repository,
        time=timezone.now() - timedelta(seconds=seconds),
        dry_run=False,
    )


def delete(place: Place, reference: str) -> None:
    artifact_delete(actor=place.actor, repository_name=place.repository, reference=reference)


def delete_all(place: Place) -> None:
    repository_delete(actor=place.actor, repository_name=place.repository)


def an_hour_ago(place: Place) -> None:
    """What was done so far, as the history tells it."""
    TagMove.objects.filter(repository_name=place.repository).update(at=timezone.now() - timedelta(hours=1))


def make_immutable(place: Place, tag: str) -> None:
    immutable_rule_create(
        actor=place.actor,
        project=Project.objects.get(pk=place.project_id),
        tag_selectors=[{"kind": "doublestar", "decoration": "matches", "pattern": tag}],
        scope_selectors={
            "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]
        },
    )


def require_annotation(place: Place) -> None:
    push_rules_set(
        actor=place.actor,
        project=Project.objects.get(pk=place.project_id),
        values=PushRulesValues(required_annotations=("team",)),
    )


WAYS_BACK = pytest.mark.parametrize(
    "back",
    [lambda place: restore(place, TrashEntry.objects.get()), lambda place: rewind(place, 1800)],
    ids=["restore", "rewind"],
)


def test_the_trash_ends(place: Place) -> None:
    place.push(old := manifest_of(own := config(), [content := layer(100)]), own, content, tag="v1")
    delete(place, old.digest)
    TrashEntry.objects.update(deleted_at=timezone.now() - timedelta(days=3))
    place.push(new := manifest_of(), tag="v1")
    delete(place, new.digest)

    assert trash_purge(older_than=timedelta(days=4)) == 0
    assert trash_purge(older_than=timedelta(days=2)) == 1

    assert TrashEntry.objects.get().digest == new.digest
    assert [row.digest for row in TrashedArtifact.objects.all()] == [new.digest]
    assert not TrashedBlob.objects.filter(blob__digest=content.digest).exists()
    assert TrashedTag.objects.count() == 1
    Blob.objects.get(digest=content.digest).repository_links.all().delete()
    Blob.objects.get(digest=content.digest).delete()


def test_more_entries_than_go_at_once(place: Place) -> None:
    place.push(manifest_of(), tag="v1")
    TrashEntry.objects.bulk_create(
        TrashEntry(project_id=place.project_id, kind=TrashEntry.TAG, repository_name="x", tag=f"t{number}")
        for number in range(120)
    )

    assert trash_purge(older_than=-timedelta(days=1)) == 120

    assert not TrashEntry.objects.exists()


def test_the_history_ends(place: Place) -> None:
    place.push(manifest_of(), tag="v1")
    TagMove.objects.update(at=timezone.now() - timedelta(days=3))
    place.push(new := manifest_of(), tag="v1")

    assert tag_moves_purge(older_than=timedelta(days=2)) == 1

    assert TagMove.objects.get().digest == new.digest
    with pytest.raises(BadRequestError, match="tag_history_days"):
        rewind(place, (settings.HARBOR.tag_history_days + 1) * 86400)


def test_the_trash_goes_with_its_project(place: Place) -> None:
    place.push(manifest_of(), tag="v1")
    delete_all(place)

    project_delete(actor=place.actor, project_id=place.project_id)

    assert not TrashEntry.objects.exists()
    assert not TrashedArtifact.objects.exists()
    assert not TrashedTag.objects.exists()
    assert not TrashedBlob.objects.exists()


def test_why_a_tag_moved(place: Place) -> None:
    place.push(image := manifest_of(), tag="v1")
    tag_create(actor=place.actor, repository_name=place.repository, reference="v1", tag="v2")
    tag_delete(actor=place.actor, repository_name=place.repository, tag="v2")
    restore(place, TrashEntry.objects.get())
    Tag.objects.filter(name="v2").update(expires_at=timezone.now())
    tags_expire(actor=SystemContext("expiry"))
    artifact_delete(
        actor=place.actor,
        repository_name=place.repository,
        reference=image.digest,
        reason=TrashEntry.RETENTION,
    )
    an_hour_ago(place)
    place.push(manifest_of(), tag="v3")
    rewind(place, 1800)

    assert list(TagMove.objects.order_by("id").values_list("tag", "reason")) == [
        ("v1", "pushed"),
        ("v2", "tagged"),
        ("v2", "deleted"),
        ("v2", "restored"),
        ("v2", "expired"),
        ("v1", "retention"),
        ("v3", "pushed"),
        ("v3", "rewound"),
    ]


def test_a_rewind_to_the_very_time_of_a_move(place: Place) -> None:
    """The time that the history shows of a move is one at which it has been made, however it was written."""
    place.push(manifest_of(), tag="v1")
    an_hour_ago(place)
    delete_all(place)
    gone_at = TagMove.objects.get(digest="").at

    repository_rewind(
        actor=place.actor,
        project=project_of(place),
        repository_name=place.repository,
        time=gone_at,
        dry_run=False,
    )

    assert not Repository.objects.exists()


def test_an_immutable_tag_does_not_expire(place: Place) -> None:
    place.push(manifest_of(), tag="v1")
    soon = timezone.now() + timedelta(milliseconds=1)
    for tag in ("keep", "other"):
        tag_create(
            actor=place.actor, repository_name=place.repository, reference="v1", tag=tag, expires_at=soon
        )
    make_immutable(place, "keep")

    assert tags_expire(actor=SystemContext("expiry")) == 1

    assert set(tags_of(place.repository)) == {"v1", "keep"}


def test_an_immutable_tag_is_neither_moved_nor_deleted_by_a_rewind(place: Place) -> None:
    place.push(manifest_of(), tag="v1")
    an_hour_ago(place)
    place.push(new := manifest_of(), tag="v1")
    make_immutable(place, "v1")
    with pytest.raises(GateRefusedError, match="immutable"):
        rewind(place, 1800)
    with pytest.raises(GateRefusedError, match="immutable"):
        rewind(place, 7200)

    assert tags_of(place.repository) == {"v1": new.digest}


@WAYS_BACK
def test_a_tag_that_is_immutable_by_now_comes_back(place: Place, back: Callable[[Place], Any]) -> None:
    """As it may be made once."""
    place.push(image := manifest_of(), tag="v1")
    an_hour_ago(place)
    delete(place, image.digest)
    make_immutable(place, "v1")

    back(place)

    assert tags_of(place.repository) == {"v1": image.digest}


@WAYS_BACK
@pytest.mark.parametrize("rule", ["push rule", "quota"])
def test_what_refuses_a_push_refuses_a_way_back(
    place: Place, back: Callable[[Place], Any], rule: str
) -> None:
    place.push(manifest_of(own := config(), [content := layer(3000)]), own, content, tag="v1")
    an_hour_ago(place)
    delete_all(place)
    if rule == "quota":
        Quota.objects.filter(project_id=place.project_id).update(hard=2000)
    else:
        require_annotation(place)

    with pytest.raises(StorageRefusedError if rule == "quota" else GateRefusedError):
        back(place)

    assert not Repository.objects.exists()
    assert TrashEntry.objects.exists()
    assert paid(place.project_id) == 0


@WAYS_BACK
def test_a_deactivated_artifact_comes_back_deactivated(place: Place, back: Callable[[Place], Any]) -> None:
    place.push(image := manifest_of(), tag="v1")
    artifact_deactivate(actor=place.actor, repository_name=place.repository, reference="v1")
    an_hour_ago(place)
    delete_all(place)

    back(place)

    assert Artifact.objects.get().deactivated_by == place.actor.name
    assert place.call("GET", f"manifests/{image.digest}").status == 403


def test_a_tag_of_a_deactivated_artifact_expires(place: Place) -> None:
    place.push(manifest_of(), tag="v1")
    artifact_deactivate(actor=place.actor, repository_name=place.repository, reference="v1")
    Tag.objects.update(expires_at=timezone.now())

    assert tags_expire(actor=SystemContext("expiry")) == 1


class BrokenOffError(Exception):
    """The process ends here."""


@contextmanager
def broken_at(statement: int) -> Iterator[None]:
    """The statement of this number and all after it fail."""
    done = 0

    def run(execute: Any, *arguments: Any) -> Any:
        nonlocal done
        done += 1
        if done >= statement:
            raise BrokenOffError
        return execute(*arguments)

    with connection.execute_wrapper(run):
        yield


@WAYS_BACK
def test_a_way_back_that_breaks_off_changes_nothing(place: Place, back: Callable[[Place], Any]) -> None:
    place.push(manifest_of(own := config(), [content := layer(300)]), own, content, tag="v1")
    before = rows_of(place.repository)
    an_hour_ago(place)
    delete_all(place)
    moves = TagMove.objects.count()

    for statement in range(1, 200):
        try:
            with broken_at(statement):
                back(place)
        except BrokenOffError:
            assert not Repository.objects.exists()
            assert repository_find(place.repository) is None
            assert TrashEntry.objects.count() == 1
            assert (TagMove.objects.count(), paid(place.project_id)) == (moves, 0)
            continue
        break
    else:
        pytest.fail("it never came back")

    assert [row["digest"] for row in rows_of(place.repository)] == [row["digest"] for row in before]
