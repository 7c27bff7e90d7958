"""What a collection takes and what it leaves."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone

from apps.artifacts.models import Artifact, Blob, RepositoryBlob, TrashedBlob, TrashEntry
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.trash import trash_forget
from apps.artifacts.services.uploads import upload_create
from apps.common.errors import BadRequestError
from apps.common.stamps import touch
from apps.config.models import Setting
from apps.config.selectors import SETTINGS_STAMP
from apps.gc.types import parameters_read
from apps.jobs.models import Task
from apps.jobs.services import execution_stop
from apps.oci.digests import parse_digest
from apps.quotas.models import Quota
from apps.storage.layout import blob_path, upload_path
from apps.storage.selectors import get_driver
from tests.artifacts.reading import restore
from tests.distribution.documents import EMPTY, config, index_of, layer, manifest_of
from tests.distribution.inside import Place, make_place
from tests.gc.collecting import assert_sound, begin, files, run, run_it
from tests.support.images import Content

pytestmark = pytest.mark.django_db(transaction=True)


def put(place: Place, blob: Content) -> None:
    answer = place.call("POST", f"blobs/uploads/?digest={blob.digest}", data=blob.data)
    assert answer.status == 201, answer.body


def used(place: Place) -> int:
    return Quota.objects.get(project_id=place.project_id).used


def drop(place: Place, manifest: Content) -> None:
    """Delete an image, and empty the trash."""
    artifact_delete(actor=place.actor, repository_name=place.repository, reference=manifest.digest)
    for entry in TrashEntry.objects.filter(project_id=place.project_id):
        trash_forget(actor=place.actor, project_id=place.project_id, entry_id=entry.pk)


def aged(model: type[Model], **times: Any) -> None:
    model._default_manager.update(**times)


def set_hours(settings: Any, **values: int) -> None:
    settings.HARBOR = settings.HARBOR.model_copy(update=values)


def local(digest: str) -> Path:
    path = get_driver().local_path(blob_path(parse_digest(digest)))
    assert path is not None
    return Path(path)


def test_what_a_deleted_image_alone_needed_goes(place: Place) -> None:
    shared, own = layer(3000), layer(5000)
    stays, goes = manifest_of(EMPTY, [shared]), manifest_of(other := config(), [shared, own])
    place.push(stays, shared, tag="stays")
    place.push(goes, other, own, tag="goes")
    drop(place, goes)

    expected = (2, 1, len(own.data) + len(other.data) + len(goes.data))
    estimate = run(dry_run=True, workers=3)
    assert estimate.freed == expected
    assert own.digest in files(), "a dry run changes nothing"
    ended = run(workers=3)

    assert (ended.status, ended.freed) == ("Success", expected)
    assert "2 blobs and 1 manifests eligible for deletion" in ended.log
    assert f"({expected[2]} bytes)" in ended.log
    assert files().keys() == {EMPTY.digest, shared.digest}
    assert_sound(collected=True)
    assert place.call("GET", f"blobs/{shared.digest}").body == shared.data
    assert place.call("GET", f"blobs/{own.digest}").status == 404
    assert run().freed == (0, 0, 0)


def test_the_window_keeps_what_is_new(place: Place, settings: Any) -> None:
    set_hours(settings, gc_time_window_hours=2)
    put(place, blob := layer())
    assert run().freed == (0, 0, 0)

    aged(Blob, touched_at=timezone.now() - timedelta(hours=2, minutes=1))
    assert place.call("HEAD", f"blobs/{blob.digest}").status == 200
    assert run().freed == (0, 0, 0), "somebody who can push asked for it"

    aged(Blob, touched_at=timezone.now() - timedelta(hours=2, minutes=1))
    assert run().freed == (1, 0, 100)
    assert place.call("HEAD", f"blobs/{blob.digest}").status == 404


def test_a_blob_that_no_manifest_uses_is_not_paid_for_any_more(place: Place) -> None:
    put(place, layer(700))
    assert used(place) == 700

    assert run().freed == (1, 0, 700)

    assert used(place) == 0
    assert_sound(collected=True)


def test_links_behind_which_no_artifact_stands_go(place: Place) -> None:
    """A blob that another project needs stays, but not in the repository that needs it no more."""
    other = make_place()
    image = manifest_of(EMPTY, [content := layer(900)])
    for each in (place, other):
        each.push(image, content)
    drop(place, image)
    put(other, layer(50))
    assert place.call("GET", f"blobs/{content.digest}").status == 200

    run()

    assert place.call("GET", f"blobs/{content.digest}").status == 404
    assert other.call("GET", f"blobs/{content.digest}").body == content.data
    assert used(place) == 0
    assert used(other) == len(image.data) + 900 + len(EMPTY.data)
    assert_sound(collected=True)


def test_the_trash_keeps_what_it_needs_until_it_is_old(place: Place, settings: Any) -> None:
    set_hours(settings, trash_days=7)
    image = manifest_of(own := config(), [content := layer(900)])
    place.push(image, own, content)
    run()
    artifact_delete(actor=place.actor, repository_name=place.repository, reference=image.digest)

    assert run(dry_run=True).freed == run().freed == (0, 0, 0)
    restore(place, TrashEntry.objects.get())
    assert place.call("GET", f"blobs/{content.digest}").body == content.data
    assert_sound(collected=True)

    artifact_delete(actor=place.actor, repository_name=place.repository, reference=image.digest)
    aged(TrashEntry, deleted_at=timezone.now() - timedelta(days=8))
    expected = (2, 1, 900 + len(own.data) + len(image.data))
    assert run(dry_run=True).freed == run().freed == expected
    assert not TrashedBlob.objects.exists()
    assert files() == {}


def test_untagged_artifacts_go_into_the_trash(place: Place) -> None:
    child, tagged, alone = (manifest_of() for _ in range(3))
    signature = manifest_of(subject=tagged.descriptor)
    index = index_of([child])
    place.push(tagged, tag="tagged")
    for manifest in (child, alone, signature):
        place.push(manifest, tag=manifest.digest)
    place.push(index, tag="index")
    there = set(Artifact.objects.values_list("digest", flat=True))

    run()
    assert set(Artifact.objects.values_list("digest", flat=True)) == there, "only when it is asked for"
    run(delete_untagged=True, dry_run=True)
    assert set(Artifact.objects.values_list("digest", flat=True)) == there
    ended = run(delete_untagged=True)

    assert set(Artifact.objects.values_list("digest", flat=True)) == there - {alone.digest}
    entry = TrashEntry.objects.get()
    assert (entry.digest, entry.reason, entry.operator) == (
        alone.digest,
        "collection",
        "garbage-collection",
    )
    assert f"delete the untagged artifact: {place.repository}@{alone.digest}" in ended.log
    restore(place, entry)
    assert set(Artifact.objects.values_list("digest", flat=True)) == there


def test_files_that_the_database_does_not_know_go(place: Place, settings: Any) -> None:
    place.push(manifest_of(EMPTY, [content := layer(900)]), content)
    stray, known = layer(2000), manifest_of()
    place.push(known)
    for blob in (stray, known):
        get_driver().put(blob_path(parse_digest(blob.digest)), blob.data)
    expected = (2, 0, 2000 + len(known.data))

    set_hours(settings, gc_time_window_hours=1)
    assert run(dry_run=True).freed == run().freed == (0, 0, 0)
    set_hours(settings, gc_time_window_hours=0)
    assert run(dry_run=True).freed == run().freed == expected

    assert files().keys() == {EMPTY.digest, content.digest}
    assert place.call("GET", f"manifests/{known.digest}").body == known.data
    assert_sound(collected=True)


def test_the_storage_of_another_installation_is_left_alone(place: Place) -> None:
    """Nobody has told the database of these files: too many to be what crashes have left."""
    for number in range(1001):
        blob = Content(str(number).encode(), "")
        path = local(blob.digest)
        path.parent.mkdir(parents=True)
        path.write_bytes(blob.data)

    ended = run()

    assert ended.freed == (0, 0, 0)
    assert "is this its storage?" in ended.log
    assert len(files()) == 1001


def test_uploads_that_nobody_finished_go(place: Place) -> None:
    fresh = upload_create(repository_name=place.repository)
    idle = upload_create(repository_name=place.repository)
    paths = {name: upload_path(place.repository, name) for name in (fresh, idle)}
    long_ago = (timezone.now() - timedelta(hours=1, minutes=1)).timestamp()
    os.utime(get_driver().local_path(paths[idle]) or "", (long_ago, long_ago))

    assert "1 unfinished uploads of 0 bytes could go" in run(dry_run=True).log
    assert len(list(get_driver().walk_uploads())) == 2
    assert "1 unfinished uploads of 0 bytes are gone" in run().log

    assert [info.path for info in get_driver().walk_uploads()] == [paths[fresh]]


def test_a_file_that_is_missing_is_a_line_of_the_log(place: Place) -> None:
    put(place, blob := layer())
    local(blob.digest).unlink()

    ended = run()

    assert (ended.status, ended.freed) == ("Success", (1, 0, 100))
    assert f"{blob.digest} was missing in storage already" in ended.log
    assert not Blob.objects.exists()


def test_what_storage_does_not_delete_is_left_to_the_next_run(place: Place) -> None:
    blobs = [layer(100 + number) for number in range(3)]
    for blob in blobs:
        put(place, blob)
    folder = local(blobs[1].digest).parent
    local(blobs[1].digest).unlink()
    folder.rmdir()
    folder.symlink_to(folder)  # Whoever follows it gets an error of the file system.

    ended = run()

    assert (ended.status, ended.freed) == ("Success", (2, 0, 202))
    assert f"{blobs[1].digest} could not be deleted" in ended.log
    assert Blob.objects.get().state == Blob.DELETING
    folder.unlink()
    put(place, blobs[1])
    assert Blob.objects.get().state == Blob.LIVE
    assert run().freed == (1, 0, 101)


def test_a_refused_push_leaves_nothing(settings: Any) -> None:
    place = make_place(limit=50)
    blob = layer(80)
    upload = place.call("POST", "blobs/uploads/").headers["Location"].partition("/v2/")[2]
    rest = upload.removeprefix(f"{place.repository}/")
    # Chunked: only the end of the upload tells that it does not fit.
    answer = place.call(
        "PUT",
        f"{rest}&digest={blob.digest}" if "?" in rest else f"{rest}?digest={blob.digest}",
        data=blob.data,
    )
    assert answer.status in (403, 413), answer.body

    run()

    assert files() == {}
    assert_sound(collected=True)


def test_a_push_that_counts_on_what_was_collected_is_told_so(place: Place) -> None:
    put(place, content := layer())
    put(place, EMPTY)
    run()

    image = manifest_of(EMPTY, [content])
    answer = place.call("PUT", "manifests/v1", data=image.data, CONTENT_TYPE=image.media_type)

    assert (answer.status, answer.codes) == (404, ["MANIFEST_BLOB_UNKNOWN"])
    place.push(image, content)
    assert place.call("GET", f"blobs/{content.digest}").body == content.data


def test_ten_workers_take_everything(place: Place) -> None:
    for number in range(250):
        put(place, Content(f"{number}".encode() * 10, ""))

    ended = run(workers=10)

    assert ended.freed[0] == 250
    assert files() == {}
    assert not RepositoryBlob.objects.exists()


def test_nothing_is_deleted_in_read_only_mode(place: Place) -> None:
    put(place, layer())
    Setting.objects.create(name="read_only", value="true")
    touch(SETTINGS_STAMP)

    ended = run()

    assert ended.status == "Stopped"
    assert "read only mode" in ended.log
    assert len(files()) == 1


def test_a_stopped_collection_deletes_nothing_more(place: Place) -> None:
    put(place, layer())
    execution = begin()

    execution_stop(execution_id=execution.pk)

    execution.refresh_from_db()
    assert execution.status == "Stopped"
    assert len(files()) == 1
    assert run().freed == (1, 0, 100)


def test_a_run_that_is_run_again_counts_on(place: Place) -> None:
    put(place, layer(300))
    execution = begin()
    first = run_it(execution)
    put(place, layer(200))
    Task.objects.filter(execution=execution).update(status="Pending")

    second = run_it(execution)

    assert first.freed == (1, 0, 300)
    assert second.freed == (2, 0, 500)


@pytest.mark.parametrize(
    "wrong", [{"workers": 0}, {"workers": 11}, {"workers": "3"}, {"workers": True}, {"dry_run": "yes"}]
)
def test_parameters_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        parameters_read(wrong)
