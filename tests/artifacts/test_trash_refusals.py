"""What a deletion and a restore are refused, and that nothing is changed then."""

from collections.abc import Callable

import pytest
from django.db.models import ProtectedError

from apps.accounts.security import SystemContext
from apps.artifacts.gates import GateRefusedError, Push, StorageRefusedError, gates
from apps.artifacts.models import (
    Artifact,
    Blob,
    Repository,
    TrashedArtifact,
    TrashEntry,
)
from apps.artifacts.selectors import children_find, repository_find
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.repositories import repository_delete
from apps.artifacts.services.tags import tag_delete
from apps.artifacts.services.trash import trash_forget
from apps.common.errors import ForbiddenError
from apps.quotas.models import Quota
from tests.artifacts.reading import restore, rows_of
from tests.distribution.documents import config, index_of, layer, manifest_of
from tests.distribution.inside import Place
from tests.support.people import acting, person

pytestmark = pytest.mark.django_db(transaction=True)


def the_entry(kind: str = TrashEntry.ARTIFACT) -> TrashEntry:
    return TrashEntry.objects.get(kind=kind)


def delete(place: Place, reference: str, **options: str) -> None:
    artifact_delete(actor=place.actor, repository_name=place.repository, reference=reference, **options)


def test_collection_leaves_the_blobs_of_the_trash(place: Place) -> None:
    image = manifest_of(own := config(), [content := layer(300)])
    place.push(image, own, content)
    repository_delete(actor=place.actor, repository_name=place.repository)
    blob = Blob.objects.get(digest=content.digest)
    with pytest.raises(ProtectedError):
        blob.delete()

    trash_forget(actor=place.actor, project_id=place.project_id, entry_id=the_entry(TrashEntry.REPOSITORY).pk)

    blob.delete()


def test_a_blob_that_a_collector_has_marked_is_live_again(place: Place) -> None:
    image = manifest_of(own := config(), [content := layer(300)])
    place.push(image, own, content)
    delete(place, "v1")
    Blob.objects.update(state=Blob.DELETING)

    restore(place, the_entry())

    assert {blob.digest for blob in Blob.objects.filter(state=Blob.LIVE)} >= {
        image.digest,
        own.digest,
        content.digest,
    }


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
    assert repository_find(place.repository) is None
    assert not Repository.objects.exists()

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
