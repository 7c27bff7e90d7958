"""Pushes and collections of the same blob, each stopped at each of its steps while the other goes as far as it can.

Whoever is told that a push succeeded can pull it whole. Whoever is told that it did not is told why, and can push
again.
"""

from collections.abc import Callable

import pytest
from django.db.models import Sum

from apps.artifacts.models import Artifact, TrashEntry
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.trash import trash_forget
from apps.gc.models import Collection
from tests.artifacts.reading import restore
from tests.distribution.documents import EMPTY, layer, manifest_of
from tests.distribution.inside import Answer, Place
from tests.gc.collecting import STEPS, assert_sound, begin, interleaved, run, run_killed, run_unclaimed

pytestmark = pytest.mark.django_db(transaction=True)

COLLECTION = [step for step in STEPS if step != "strays: marked"]
COMMIT = ("commit: bytes in place", "commit: row locked", "commit: linked", "commit: committed")
MOUNT = ("mount: blob found", "mount: row locked")
MANIFEST = ("manifest: blobs held", "manifest: stored")
PUSHES = ("commit", "mount", "manifest")


class Stage:
    """A blob that an image in the repository ``there`` needed, which is gone, and three ways to want it again."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.blob = layer(1000)
        self.image = manifest_of(EMPTY, [self.blob])
        self.here = place.repository
        place.push(self.image, self.blob)
        artifact_delete(actor=place.actor, repository_name=self.here, reference=self.image.digest)
        for entry in TrashEntry.objects.all():
            trash_forget(actor=place.actor, project_id=place.project_id, entry_id=entry.pk)

    def commit(self) -> Answer:
        return self.place.call("POST", f"blobs/uploads/?digest={self.blob.digest}", data=self.blob.data)

    def mount(self) -> Answer:
        """From the repository to itself: the same protocol as from another one."""
        query = f"mount={self.blob.digest}&from={self.here}"
        return self.place.call("POST", f"blobs/uploads/?{query}")

    def manifest(self) -> Answer:
        return self.place.call(
            "PUT", "manifests/v1", data=self.image.data, CONTENT_TYPE=self.image.media_type
        )

    def assert_right(self, name: str, answer: Answer) -> None:
        """The answer is one that a client understands, and it is true."""
        allowed = {"commit": {201}, "mount": {201, 202}, "manifest": {201, 404}}
        assert answer.status in allowed[name], answer.body
        if answer.status == 404:
            assert answer.codes == ["MANIFEST_BLOB_UNKNOWN"]
        if name == "manifest":
            assert Artifact.objects.exists() == (answer.status == 201)
            if answer.status == 201:
                self.assert_whole()

    def assert_whole(self) -> None:
        assert self.place.call("GET", f"blobs/{self.blob.digest}").body == self.blob.data
        assert self.place.call("GET", "manifests/v1").body == self.image.data

    def assert_can_be_pushed(self) -> None:
        self.place.push(self.image, self.blob)
        self.assert_whole()


@pytest.fixture
def stage(place: Place) -> Stage:
    return Stage(place)


def check(stage: Stage, name: str, answer: Answer) -> None:
    """What holds now, after a push that follows, and after the next collection."""
    assert isinstance(answer, Answer), answer
    assert_sound()
    stage.assert_right(name, answer)
    run()
    assert_sound(collected=True)
    stage.assert_can_be_pushed()
    run()
    stage.assert_whole()
    assert_sound(collected=True)


each_step_of_a_push = pytest.mark.parametrize(
    ("name", "at"),
    [
        *(("commit", at) for at in COMMIT),
        *(("mount", at) for at in MOUNT),
        *(("manifest", at) for at in MANIFEST),
    ],
)


@each_step_of_a_push
def test_a_collection_in_the_middle_of_a_push(stage: Stage, name: str, at: str) -> None:
    push: Callable[[], Answer] = getattr(stage, name)

    answer, ended = interleaved(push, at, run)

    assert (ended.status, "[ERROR]" in ended.log) == ("Success", False), ended
    check(stage, name, answer)


@each_step_of_a_push
@pytest.mark.parametrize("killed_at", ["mark: committed", "sweep: bytes deleted", "sweep: rows deleted"])
def test_a_collection_that_dies_in_the_middle_of_a_push(
    stage: Stage, name: str, at: str, killed_at: str
) -> None:
    """Its row may say "deleting" then, with the bytes or without."""
    push: Callable[[], Answer] = getattr(stage, name)
    execution = begin()

    answer, killed = interleaved(push, at, lambda: run_killed(killed_at, execution))

    assert killed in (True, False)
    check(stage, name, answer)


@pytest.mark.parametrize("name", PUSHES)
@pytest.mark.parametrize("at", COLLECTION)
def test_a_push_in_the_middle_of_a_collection(stage: Stage, name: str, at: str) -> None:
    push: Callable[[], Answer] = getattr(stage, name)

    ended, answer = interleaved(run, at, push)

    assert (ended.status, "[ERROR]" in ended.log) == ("Success", False), ended
    check(stage, name, answer)


@pytest.mark.parametrize("at", COLLECTION)
def test_a_whole_push_in_the_middle_of_a_collection(stage: Stage, at: str) -> None:
    """Blob and manifest, by one client: it may be told to send the blob again, as only the first was in time."""

    def push() -> Answer:
        assert stage.commit().status == 201
        return stage.manifest()

    ended, answer = interleaved(run, at, push)

    assert (ended.status, "[ERROR]" in ended.log) == ("Success", False), ended
    check(stage, "manifest", answer)


@pytest.mark.parametrize("at", COLLECTION)
def test_a_restore_in_the_middle_of_a_collection(place: Place, at: str) -> None:
    """The trash keeps what it needs: a restore needs no luck."""
    blob = layer(1000)
    image, other = manifest_of(EMPTY, [blob]), manifest_of(EMPTY, [garbage := layer(10)])
    place.push(image, blob, tag="v1")
    place.push(other, garbage, tag="other")
    for manifest in (other, image):
        artifact_delete(actor=place.actor, repository_name=place.repository, reference=manifest.digest)
    entries = {entry.digest: entry for entry in TrashEntry.objects.all()}
    trash_forget(actor=place.actor, project_id=place.project_id, entry_id=entries[other.digest].pk)

    ended, restored = interleaved(run, at, lambda: restore(place, entries[image.digest]))

    assert (ended.status, "[ERROR]" in ended.log) == ("Success", False), ended
    assert restored.artifacts == (image.digest,)
    assert place.call("GET", f"blobs/{blob.digest}").body == blob.data
    run()
    assert_sound(collected=True)


@pytest.mark.parametrize("at", COLLECTION)
def test_a_deletion_in_the_middle_of_a_collection(place: Place, at: str) -> None:
    """Both give the same quota back, once."""
    image = manifest_of(EMPTY, [blob := layer(1000)])
    place.push(image, blob, layer(20))

    def delete() -> None:
        artifact_delete(actor=place.actor, repository_name=place.repository, reference=image.digest)

    ended, deleted = interleaved(run, at, delete)

    assert (ended.status, "[ERROR]" in ended.log, deleted) == ("Success", False, None)
    assert_sound()
    trash_forget(actor=place.actor, project_id=place.project_id, entry_id=TrashEntry.objects.get().pk)
    run()
    assert_sound(collected=True)


@pytest.mark.parametrize("at", ["mark: rows marked", "sweep: bytes deleted"])
def test_two_collections_at_once(place: Place, at: str) -> None:
    """The queue lets only one run; a worker that was taken for dead may still do its last steps beside the next one."""
    blobs = [layer(100 + number) for number in range(5)]
    place.push(manifest_of(), *blobs)
    executions = begin(), begin()

    assert interleaved(lambda: run_unclaimed(executions[0]), at, lambda: run_unclaimed(executions[1])) == (
        None,
        None,
    )

    run()
    counted = Collection.objects.aggregate(blobs=Sum("purged_blobs"), size=Sum("freed_space"))
    assert counted == {"blobs": 5, "size": sum(len(blob.data) for blob in blobs)}
    assert_sound(collected=True)
