"""What a deletion takes away comes back as it was, or not at all."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.artifacts.errors import ArtifactReferencedError
from apps.artifacts.models import (
    Artifact,
    ArtifactLabel,
    Repository,
    Tag,
    TrashedArtifact,
    TrashEntry,
)
from apps.artifacts.selectors import trash_missing
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.repositories import repository_delete, repository_update
from apps.artifacts.services.tags import tag_delete
from apps.artifacts.services.trash import trash_forget
from apps.common.errors import NotFoundError, PreconditionError
from apps.events import bus
from apps.events.catalogue import ArtifactDeleted, ArtifactRestored, RepositoryRestored, TagRestored
from apps.projects.models import Label
from tests.artifacts.reading import paid, restore, rows_of, tags_of
from tests.distribution.documents import config, index_of, layer, manifest_of
from tests.distribution.inside import Place
from tests.support.people import seen_events

pytestmark = pytest.mark.django_db(transaction=True)

_THEN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def the_entry(kind: str = TrashEntry.ARTIFACT) -> TrashEntry:
    return TrashEntry.objects.get(kind=kind)


def delete(place: Place, reference: str, **options: str) -> None:
    artifact_delete(actor=place.actor, repository_name=place.repository, reference=reference, **options)


def dressed(place: Place, digest: str) -> None:
    """Give an artifact something in each column that a push leaves empty."""
    artifact = Artifact.objects.get(repository__name=place.repository, digest=digest)
    Artifact.objects.filter(pk=artifact.pk).update(
        pull_time=_THEN, deactivated_at=_THEN, deactivated_by="somebody", icon=digest
    )
    Tag.objects.filter(artifact=artifact).update(
        pull_time=_THEN, push_time=_THEN, expires_at=timezone.now() + timedelta(days=1)
    )
    label = Label.objects.create(name=f"label{digest[-6:]}", scope="p", project_id=place.project_id)
    ArtifactLabel.objects.create(artifact=artifact, label=label)


def test_an_artifact_comes_back_as_it_was(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    image, settings, data = manifest_of(own := config(), [content := layer(1000)]), own, content
    place.push(image, settings, data, tag="v1")
    place.push(image, tag="v2")
    dressed(place, image.digest)
    before, cost = rows_of(place.repository), paid(place.project_id)
    events = seen_events(monkeypatch, bus)
    monkeypatch.setattr("apps.artifacts.services.restores.publish", bus.publish)

    delete(place, "v1", reason=TrashEntry.RETENTION)

    assert rows_of(place.repository) == []
    assert paid(place.project_id) < cost
    entry = the_entry()
    assert (entry.digest, entry.reason, entry.operator) == (image.digest, "retention", place.actor.name)
    restored = restore(place, entry)
    assert (restored.artifacts, restored.tags, restored.skipped) == ((image.digest,), ("v1", "v2"), ())
    assert rows_of(place.repository) == before
    assert paid(place.project_id) == cost
    assert not TrashEntry.objects.exists()
    assert not TrashedArtifact.objects.exists()
    assert [event.tags for event in events if isinstance(event, ArtifactRestored)] == [("v1", "v2")]
    with pytest.raises(NotFoundError):
        restore(place, entry)


def test_an_artifact_can_be_pulled_again(place: Place) -> None:
    image = manifest_of(own := config(), [content := layer(500)])
    place.push(image, own, content)
    assert place.call("GET", "manifests/v1").status == 200
    delete(place, "v1")
    assert place.call("GET", "manifests/v1").status == 404

    restore(place, the_entry())

    assert place.call("GET", "manifests/v1").body == image.data
    assert place.call("GET", f"blobs/{content.digest}").body == content.data


def test_what_goes_with_an_index(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Untagged children that nothing else holds, and all accessories; in one entry, and back with it."""
    shared, tagged, alone = manifest_of(), manifest_of(), manifest_of()
    inner = index_of([alone])
    for child in (shared, alone, inner):
        place.push(child, tag=child.digest)
    place.push(tagged, tag="kept")
    index, other = index_of([shared, tagged, inner]), index_of([shared])
    place.push(index, tag="multi")
    place.push(other, tag="other")
    signature = manifest_of(subject=index.descriptor)
    of_the_signature = manifest_of(subject=signature.descriptor)
    of_the_child = manifest_of(subject=alone.descriptor)
    for accessory in (signature, of_the_signature, of_the_child):
        place.push(accessory, tag=accessory.digest)
    place.push(signature, tag="signed")
    before = rows_of(place.repository)
    events = seen_events(monkeypatch, bus)
    monkeypatch.setattr("apps.artifacts.services.artifacts.publish", bus.publish)
    with pytest.raises(ArtifactReferencedError):
        delete(place, alone.digest)

    delete(place, "multi")

    left = {row["digest"] for row in rows_of(place.repository)}
    assert left == {shared.digest, tagged.digest, other.digest}
    assert [event.digest for event in events if isinstance(event, ArtifactDeleted)] == [index.digest]
    restored = restore(place, the_entry())
    assert set(restored.artifacts) == {row["digest"] for row in before} - left
    assert restored.tags == ("multi", "signed")
    assert rows_of(place.repository) == before


def test_an_accessory_with_an_index_above_it_stays(place: Place) -> None:
    subject = manifest_of()
    place.push(subject, tag="v1")
    signature = manifest_of(subject=subject.descriptor)
    place.push(signature, tag=signature.digest)
    place.push(index_of([signature]), tag="bundle")

    delete(place, "v1")

    assert signature.digest in {row["digest"] for row in rows_of(place.repository)}


def test_a_repository_comes_back_as_it_was(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    image = manifest_of(own := config(), [content := layer(700)])
    place.push(image, own, content, tag="v1")
    place.push(child := manifest_of(), tag=child.digest)
    place.push(index_of([child]), tag="multi")
    dressed(place, image.digest)
    repository_update(actor=place.actor, repository_name=place.repository, description="the app")
    before, cost = rows_of(place.repository), paid(place.project_id)
    events = seen_events(monkeypatch, bus)
    monkeypatch.setattr("apps.artifacts.services.restores.publish", bus.publish)

    repository_delete(actor=place.actor, repository_name=place.repository)

    assert paid(place.project_id) == 0
    assert not Repository.objects.filter(name=place.repository).exists()
    restored = restore(place, the_entry(TrashEntry.REPOSITORY))
    assert restored.tags == ("multi", "v1")
    assert rows_of(place.repository) == before
    assert paid(place.project_id) == cost
    row = Repository.objects.get(name=place.repository)
    assert (row.description, row.listed) == ("the app", True)
    assert place.call("GET", f"blobs/{content.digest}").body == content.data
    assert [event.tags for event in events if isinstance(event, RepositoryRestored)] == [("multi", "v1")]


def test_an_artifact_of_a_repository_that_is_gone(place: Place) -> None:
    place.push(first := manifest_of(), tag="v1")
    place.push(second := manifest_of(), tag="v2")
    delete(place, "v1")
    repository_delete(actor=place.actor, repository_name=place.repository)

    restore(place, the_entry())

    assert tags_of(place.repository) == {"v1": first.digest}
    restore(place, the_entry(TrashEntry.REPOSITORY))
    assert tags_of(place.repository) == {"v1": first.digest, "v2": second.digest}


def test_a_repository_that_was_never_listed_leaves_no_entry(place: Place) -> None:
    content = layer(10)
    assert place.call("POST", f"blobs/uploads/?digest={content.digest}", data=content.data).status == 201

    repository_delete(actor=place.actor, repository_name=place.repository)

    assert not TrashEntry.objects.exists()
    assert paid(place.project_id) == 0


def test_a_tag_comes_back_as_it_was(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.push(image := manifest_of(), tag="v1")
    place.push(image, tag="v2")
    dressed(place, image.digest)
    before = rows_of(place.repository)
    events = seen_events(monkeypatch, bus)
    monkeypatch.setattr("apps.artifacts.services.restores.publish", bus.publish)

    tag_delete(actor=place.actor, repository_name=place.repository, tag="v1")

    entry = the_entry(TrashEntry.TAG)
    assert (entry.tag, entry.digest) == ("v1", image.digest)
    restored = restore(place, entry)
    assert (restored.artifacts, restored.tags) == ((), ("v1",))
    assert rows_of(place.repository) == before
    assert [event.tag for event in events if isinstance(event, TagRestored)] == ["v1"]


def test_a_tag_whose_artifact_went_after_it(place: Place) -> None:
    """The artifact comes from its own entry, which stays for its other tags."""
    place.push(image := manifest_of(), tag="v1")
    place.push(image, tag="v2")
    tag_delete(actor=place.actor, repository_name=place.repository, tag="v1")
    delete(place, "v2")
    entry = the_entry(TrashEntry.TAG)
    assert trash_missing(entry) == []

    assert restore(place, entry).artifacts == (image.digest,)

    assert tags_of(place.repository) == {"v1": image.digest}
    again = restore(place, the_entry())
    assert (again.artifacts, again.tags) == ((), ("v2",))


def test_a_tag_whose_artifact_is_forgotten(place: Place) -> None:
    place.push(image := manifest_of(), tag="v1")
    tag_delete(actor=place.actor, repository_name=place.repository, tag="v1")
    delete(place, image.digest)
    trash_forget(actor=place.actor, project_id=place.project_id, entry_id=the_entry().pk)
    entry = the_entry(TrashEntry.TAG)

    assert trash_missing(entry) == [image.digest]
    with pytest.raises(PreconditionError, match="gone"):
        restore(place, entry)

    assert TrashEntry.objects.filter(pk=entry.pk).exists()


def test_tags_that_exist_again_stay_where_they_are(place: Place) -> None:
    place.push(old := manifest_of(), tag="v1")
    place.push(old, tag="v2")
    delete(place, old.digest)
    place.push(new := manifest_of(), tag="v1")

    restored = restore(place, the_entry())

    assert (restored.tags, restored.skipped) == (("v2",), ("v1",))
    assert tags_of(place.repository) == {"v1": new.digest, "v2": old.digest}


def test_an_artifact_that_was_pushed_again_only_gets_its_tags(place: Place) -> None:
    place.push(image := manifest_of(), tag="v1")
    delete(place, "v1")
    place.push(image, tag="v2")
    cost = paid(place.project_id)

    restored = restore(place, the_entry())

    assert (restored.artifacts, restored.tags) == ((), ("v1",))
    assert paid(place.project_id) == cost


def test_an_expiry_that_has_passed_does_not_come_back(place: Place) -> None:
    place.push(manifest_of(), tag="v1")
    Tag.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    delete(place, "v1")

    restore(place, the_entry())

    assert Tag.objects.get().expires_at is None


def test_labels_that_are_gone_stay_gone(place: Place) -> None:
    place.push(image := manifest_of(), tag="v1")
    dressed(place, image.digest)
    kept = Label.objects.create(name="kept", scope="p", project_id=place.project_id)
    ArtifactLabel.objects.create(artifact=Artifact.objects.get(), label=kept)
    delete(place, "v1")
    Label.objects.exclude(pk=kept.pk).delete()

    restore(place, the_entry())

    assert list(ArtifactLabel.objects.values_list("label_id", flat=True)) == [kept.pk]
