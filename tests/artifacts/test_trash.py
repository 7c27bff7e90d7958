"""What a deletion takes away comes back as it was, or not at all."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.accounts.security import SystemContext
from apps.artifacts.errors import ArtifactReferencedError
from apps.artifacts.gates import GateRefusedError, Push, StorageRefusedError, gates
from apps.artifacts.models import (
    Artifact,
    ArtifactLabel,
    Blob,
    Repository,
    Tag,
    TagMove,
    TrashedArtifact,
    TrashEntry,
)
from apps.artifacts.selectors import children_find, repository_find, trash_missing_blobs
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.repositories import repository_delete, repository_update
from apps.artifacts.services.tags import tag_delete
from apps.artifacts.services.trash import trash_forget
from apps.common.errors import ForbiddenError, NotFoundError, PreconditionError
from apps.events import bus
from apps.events.catalogue import ArtifactDeleted, ArtifactRestored, RepositoryRestored, TagRestored
from apps.oci.digests import parse_digest
from apps.projects.models import Label
from apps.quotas.models import Quota
from apps.storage.layout import blob_path
from apps.storage.selectors import get_driver
from tests.artifacts.reading import paid, restore, rows_of, tags_of
from tests.distribution.documents import config, index_of, layer, manifest_of
from tests.distribution.inside import Place
from tests.support.people import acting, person, seen_events

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
    assert trash_missing_blobs(entry) == []

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

    assert trash_missing_blobs(entry) == [image.digest]
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


def test_a_blob_that_was_collected(place: Place) -> None:
    image = manifest_of(own := config(), [content := layer(300)])
    place.push(image, own, content)
    delete(place, "v1")
    entry = the_entry()
    blob = Blob.objects.get(digest=content.digest)
    blob.repository_links.all().delete()
    blob.delete()
    moves, cost = TagMove.objects.count(), paid(place.project_id)

    assert trash_missing_blobs(entry) == [content.digest]
    with pytest.raises(PreconditionError, match=content.digest):
        restore(place, entry)

    assert not Artifact.objects.exists()
    assert TrashEntry.objects.filter(pk=entry.pk).exists()
    assert (TagMove.objects.count(), paid(place.project_id)) == (moves, cost)


@pytest.mark.parametrize("file_is_there", [True, False])
def test_a_blob_that_a_collector_has_marked(place: Place, file_is_there: bool) -> None:
    image = manifest_of(own := config(), [content := layer(300)])
    place.push(image, own, content)
    delete(place, "v1")
    Blob.objects.filter(digest=content.digest).update(state=Blob.DELETING)
    if not file_is_there:
        # As a collector leaves it that dies between the file and the row.
        get_driver().delete(blob_path(parse_digest(content.digest)))
        with pytest.raises(PreconditionError, match=content.digest):
            restore(place, the_entry())
        assert Blob.objects.get(digest=content.digest).state == Blob.DELETING
        return

    restore(place, the_entry())

    assert Blob.objects.get(digest=content.digest).state == Blob.LIVE


def test_what_does_not_fit_is_refused(place: Place) -> None:
    image = manifest_of(own := config(), [content := layer(3000)])
    place.push(image, own, content)
    delete(place, "v1")
    Quota.objects.filter(project_id=place.project_id).update(hard=2000)

    with pytest.raises(StorageRefusedError):
        restore(place, the_entry())

    assert not Artifact.objects.exists()
    assert TrashEntry.objects.count() == 1
    Quota.objects.filter(project_id=place.project_id).update(hard=-1)
    assert restore(place, the_entry()).tags == ("v1",)


class _Refusing:
    """A gate that wants nothing."""

    def check_push(self, push) -> None:
        assert push.manifest.digest
        raise GateRefusedError(f"no {','.join(push.tags)}")

    def check_tag(self, change) -> None:
        raise GateRefusedError(f"no tag {change.tag} at {change.digest}")

    def check_delete(self, deletion) -> None:
        raise GateRefusedError(f"no deletion of {','.join(deletion.tags)}")


@pytest.mark.parametrize(("kind", "message"), [("push", "no v1"), ("tag", "no tag v1 at sha256")])
def test_gates_refuse_a_restore(
    place: Place, monkeypatch: pytest.MonkeyPatch, kind: str, message: str
) -> None:
    place.push(manifest_of(), tag="v1")
    delete(place, "v1")
    monkeypatch.setattr(gates, kind, [_Refusing()])

    with pytest.raises(GateRefusedError, match=message):
        restore(place, the_entry())

    assert not Artifact.objects.exists()
    assert TrashEntry.objects.count() == 1


def test_a_gate_finds_the_children_of_an_index(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in a repository that is only just there again; what a refusal takes back is not remembered."""
    children = [manifest_of() for _ in range(3)]
    for child in children:
        place.push(child, tag=child.digest)
    place.push(index_of(children), tag="multi")
    repository_delete(actor=place.actor, repository_name=place.repository)
    asked: list[int] = []

    class NoSparseIndexes:
        refusing = True

        def check_push(self, push: Push) -> None:
            repository = repository_find(push.repository_name)
            assert repository is not None
            wanted = [str(child.digest) for child in push.manifest.manifests]
            assert len(children_find(repository.id, wanted)) == len(wanted)
            asked.append(repository.id)
            if self.refusing and wanted:
                raise GateRefusedError("not now")

    gate = NoSparseIndexes()
    monkeypatch.setattr(gates, "push", [gate])
    with pytest.raises(GateRefusedError):
        restore(place, the_entry(TrashEntry.REPOSITORY))
    found = repository_find(place.repository)
    assert found is not None
    assert Repository.objects.filter(pk=found.id, listed=False).exists()

    gate.refusing = False
    restore(place, the_entry(TrashEntry.REPOSITORY))

    assert len(asked) >= 5
    assert place.call("GET", "manifests/multi").status == 200


def _delete_repository(place: Place) -> None:
    repository_delete(actor=place.actor, repository_name=place.repository)


def _delete_tag(place: Place) -> None:
    tag_delete(actor=place.actor, repository_name=place.repository, tag="v1")


@pytest.mark.parametrize(
    "deletion",
    [lambda place: delete(place, "v1"), _delete_repository, _delete_tag],
    ids=["artifact", "repository", "tag"],
)
def test_gates_refuse_a_deletion(
    place: Place, monkeypatch: pytest.MonkeyPatch, deletion: Callable[[Place], None]
) -> None:
    place.push(manifest_of(), tag="v1")
    before = rows_of(place.repository)
    monkeypatch.setattr(gates, "delete", [_Refusing()])
    monkeypatch.setattr(gates, "tag", [_Refusing()])

    with pytest.raises(GateRefusedError):
        deletion(place)

    assert rows_of(place.repository) == before
    assert not TrashEntry.objects.exists()


def test_who_may_restore_and_forget(place: Place) -> None:
    place.push(manifest_of(), tag="v1")
    delete(place, "v1")
    stranger = acting(person())
    with pytest.raises(ForbiddenError):
        restore(place, the_entry(), actor=stranger)
    with pytest.raises(ForbiddenError):
        trash_forget(actor=stranger, project_id=place.project_id, entry_id=the_entry().pk)

    trash_forget(actor=SystemContext("test"), project_id=place.project_id, entry_id=the_entry().pk)

    assert not TrashEntry.objects.exists()
    assert not TrashedArtifact.objects.exists()


def test_a_large_repository(place: Place, django_assert_max_num_queries) -> None:
    """Statements grow with the chunks, not with the rows."""
    place.push(manifest_of(), tag="v1")
    repository = Repository.objects.get(name=place.repository)
    source = Artifact.objects.get()
    blobs = [link.blob_id for link in source.blob_links.all()]

    def grow(start: int, count: int) -> None:
        made = Artifact.objects.bulk_create(
            Artifact(
                repository=repository,
                project_id=place.project_id,
                digest=f"sha256:{number:064d}",
                media_type=source.media_type,
                manifest=source.manifest,
                size=1,
            )
            for number in range(start, start + count)
        )
        through = source.blob_links.model
        through.objects.bulk_create(through(artifact=row, blob_id=blob) for row in made for blob in blobs)
        Tag.objects.bulk_create(
            Tag(repository=repository, artifact=row, name=f"t{row.digest[-6:]}") for row in made
        )

    grow(0, 1200)
    with django_assert_max_num_queries(150):
        repository_delete(actor=place.actor, repository_name=place.repository)
    assert TrashedArtifact.objects.count() == 1201
    assert TagMove.objects.filter(digest="").count() == 1201
    with django_assert_max_num_queries(250):
        restored = restore(place, the_entry(TrashEntry.REPOSITORY))
    assert len(restored.artifacts) == len(restored.tags) == 1201
    assert Artifact.objects.filter(manifest=b"").count() == 0
