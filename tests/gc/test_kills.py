"""A collection that dies at any step: the next one goes on, and a push in between loses nothing."""

import pytest

from apps.artifacts.models import Blob, TrashEntry
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.trash import trash_forget
from apps.oci.digests import parse_digest
from apps.storage.layout import blob_path
from apps.storage.selectors import get_driver
from tests.distribution.documents import EMPTY, layer, manifest_of
from tests.distribution.inside import Place
from tests.gc.collecting import (
    STEPS,
    KilledError,
    assert_sound,
    begin,
    files,
    hooked,
    run,
    run_it,
    run_killed,
)
from tests.support.images import Content

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def garbage(place: Place) -> tuple[Content, Content]:
    """A blob and the manifest that needed it, both without a use; a file that nobody knows; one image that stays."""
    blob = layer(1000)
    image = manifest_of(EMPTY, [blob])
    place.push(manifest_of(EMPTY), tag="stays")
    place.push(image, blob, tag="goes")
    artifact_delete(actor=place.actor, repository_name=place.repository, reference=image.digest)
    for entry in TrashEntry.objects.all():
        trash_forget(actor=place.actor, project_id=place.project_id, entry_id=entry.pk)
    stray = layer(500)
    get_driver().put(blob_path(parse_digest(stray.digest)), stray.data)
    return blob, image


@pytest.mark.parametrize("at", STEPS)
def test_the_same_run_goes_on(garbage: tuple[Content, Content], at: str) -> None:
    """As the job is run again when its worker is gone: what it counts is exact, whatever was done before."""
    _, image = garbage
    estimate = run(dry_run=True)
    execution = begin()

    assert run_killed(at, execution)
    assert_sound()
    ended = run_it(execution)

    assert ended.freed == estimate.freed == (2, 1, 1500 + len(image.data))
    assert files().keys() == {EMPTY.digest}
    assert_sound(collected=True)


@pytest.mark.parametrize("at", STEPS)
def test_the_next_run_goes_on(garbage: tuple[Content, Content], at: str) -> None:
    killed = begin()
    assert run_killed(at, killed)
    left = run(dry_run=True).freed

    ended = run()

    assert ended.freed == left, "a dry run counts what another one has left"
    assert files().keys() == {EMPTY.digest}
    assert_sound(collected=True)


@pytest.mark.parametrize("at", STEPS)
def test_a_push_after_it_died(place: Place, garbage: tuple[Content, Content], at: str) -> None:
    blob, image = garbage
    assert run_killed(at, begin())

    answer = place.call("PUT", "manifests/v1", data=image.data, CONTENT_TYPE=image.media_type)
    if answer.status != 201:
        assert answer.codes == ["MANIFEST_BLOB_UNKNOWN"]
        place.push(image, blob)
    run()

    assert place.call("GET", f"blobs/{blob.digest}").body == blob.data
    assert place.call("GET", "manifests/v1").body == image.data
    assert_sound(collected=True)


@pytest.mark.parametrize("at", STEPS)
def test_a_mount_after_it_died(place: Place, garbage: tuple[Content, Content], at: str) -> None:
    """A row that says "deleting" may have no bytes: it is not to be mounted."""
    blob, _ = garbage
    assert run_killed(at, begin())

    answer = place.call("POST", f"blobs/uploads/?mount={blob.digest}&from={place.repository}")

    assert answer.status in (201, 202)
    if answer.status == 201:
        assert place.call("GET", f"blobs/{blob.digest}").body == blob.data
    else:
        assert place.call("GET", f"blobs/{blob.digest}").status == 404
    assert_sound()
    run()
    assert_sound(collected=True)


@pytest.mark.parametrize("at", ["commit: bytes in place", "commit: row locked", "commit: linked"])
def test_a_push_that_died_leaves_what_the_next_run_takes(place: Place, at: str) -> None:
    blob = layer(800)

    def kill(name: str) -> None:
        if name == at:
            raise KilledError

    with hooked(kill), pytest.raises(KilledError):
        place.call("POST", f"blobs/uploads/?digest={blob.digest}", data=blob.data)
    assert files() == {blob.digest: 800}
    assert not Blob.objects.exists()

    assert run().freed == (1, 0, 800)

    assert files() == {}
    assert_sound(collected=True)
