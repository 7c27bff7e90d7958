"""A whole collection over a bucket: objects, unfinished uploads, and parts of those and of copies."""

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from apps.artifacts.models import TrashEntry
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.trash import trash_forget
from apps.gc import strays
from apps.oci.digests import parse_digest
from apps.storage.layout import UPLOADS, blob_path
from apps.storage.selectors import get_driver
from tests.distribution.documents import EMPTY, config, layer, manifest_of
from tests.distribution.inside import Place, make_place
from tests.gc.collecting import STEPS, assert_sound, begin, files, run, run_it, run_killed
from tests.support.buckets import BUCKET, bucket_server, s3_client, s3_url_of
from tests.support.images import Content

pytestmark = pytest.mark.django_db(transaction=True)

_MIB = 1024 * 1024


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with bucket_server() as endpoint:
        yield endpoint


class Bucket:
    """What the server has below one prefix, as anybody else sees it."""

    def __init__(self, endpoint: str, url: str) -> None:
        self.client = s3_client(endpoint)
        self.prefix = f"{urlsplit(url).path.strip('/')}/"

    def objects(self) -> dict[str, int]:
        """Sizes by key."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=self.prefix)
        return {
            item["Key"].removeprefix(self.prefix): item["Size"]
            for page in pages
            for item in page.get("Contents", ())
        }

    def multiparts(self) -> list[str]:
        """Keys of what was begun in parts."""
        found = self.client.list_multipart_uploads(Bucket=BUCKET, Prefix=self.prefix)
        return sorted(item["Key"].removeprefix(self.prefix) for item in found.get("Uploads", ()))

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=f"{self.prefix}{key}", Body=data)

    def begin(self, key: str) -> None:
        """An upload in parts, with one of them, that nobody knows of but the server."""
        name = {"Bucket": BUCKET, "Key": f"{self.prefix}{key}"}
        begun = self.client.create_multipart_upload(**name)
        self.client.upload_part(**name, UploadId=begun["UploadId"], PartNumber=1, Body=os.urandom(5 * _MIB))


@pytest.fixture
def bucket(endpoint: str, settings: Any) -> Iterator[Bucket]:
    url = s3_url_of(endpoint)
    settings.HARBOR = settings.HARBOR.model_copy(update={"storage_url": url})
    get_driver.cache_clear()
    yield Bucket(endpoint, url)
    get_driver.cache_clear()


@pytest.fixture
def place(bucket: Bucket) -> Place:
    return make_place()


def _put(place: Place, blob: Content) -> None:
    answer = place.call("POST", f"blobs/uploads/?digest={blob.digest}", data=blob.data)
    assert answer.status == 201, answer.body


def _unfinished(place: Place, size: int) -> None:
    """An upload of which so many bytes have come."""
    location = place.call("POST", "blobs/uploads/").headers["Location"]
    rest = location.partition(f"/v2/{place.repository}/")[2]
    answer = place.call("PATCH", rest, data=os.urandom(size))
    assert answer.status == 202, answer.body


def _litter(place: Place, bucket: Bucket) -> tuple[int, int, int]:
    """Everything that a collection is for; blobs, manifests and bytes of what it is to free."""
    shared, own, unused, stray = layer(3000), layer(6 * _MIB), layer(400), layer(500)
    stays, goes = manifest_of(EMPTY, [shared]), manifest_of(other := config(), [shared, own])
    place.push(stays, shared, tag="stays")
    place.push(goes, other, own, tag="goes")
    _put(place, unused)
    bucket.put(blob_path(parse_digest(stray.digest)), stray.data)
    artifact_delete(actor=place.actor, repository_name=place.repository, reference=goes.digest)
    for entry in TrashEntry.objects.all():
        trash_forget(actor=place.actor, project_id=place.project_id, entry_id=entry.pk)
    for size in (0, 1000, 11 * _MIB):
        _unfinished(place, size)
    # A crash before the first object of an upload, and one in the middle of the copy of a very large blob.
    bucket.begin(f"{UPLOADS}/lost/data")
    bucket.begin(blob_path(parse_digest(layer().digest)))
    gone = (own, other, unused, stray)
    return len(gone), 1, sum(len(blob.data) for blob in (*gone, goes))


def _needed() -> dict[str, int]:
    """Objects of the blobs that the database has."""
    return {blob_path(parse_digest(digest)): size for digest, size in files().items()}


def test_everything_that_is_nobodys_goes(
    bucket: Bucket, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _litter(place, bucket)
    everything, parts = bucket.objects(), bucket.multiparts()
    assert len(parts) == 3

    estimate = run(dry_run=True, workers=3)
    assert (estimate.status, estimate.freed) == ("Success", expected)
    assert (bucket.objects(), bucket.multiparts()) == (everything, parts), "a dry run changes nothing"
    # Of what is in parts and of no upload that is known, moto says that it was begun in 2010.
    assert "2 unfinished uploads of 0 bytes could go" in estimate.log
    ended = run(workers=3)

    assert (ended.status, ended.freed) == ("Success", expected)
    assert "2 unfinished uploads of 0 bytes are gone" in ended.log
    assert_sound(collected=True)
    assert len(_needed()) == 2
    uploads = {key: size for key, size in everything.items() if key.startswith(UPLOADS)}
    assert bucket.objects() == _needed() | uploads, "what somebody may go on with stays"
    assert len(bucket.multiparts()) == 1

    monkeypatch.setattr(strays, "UPLOAD_IDLE", timedelta(0))
    told = f"3 unfinished uploads of {11 * _MIB + 1000} bytes"
    assert f"{told} could go" in run(dry_run=True).log
    assert f"{told} are gone" in run().log
    assert (bucket.objects(), bucket.multiparts()) == (_needed(), [])
    assert "0 unfinished uploads of 0 bytes are gone" in run().log


@pytest.mark.parametrize("step", STEPS)
def test_one_that_is_killed_is_gone_on_with(
    bucket: Bucket, place: Place, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(strays, "UPLOAD_IDLE", timedelta(0))
    expected = _litter(place, bucket)
    execution = begin()

    assert run_killed(step, execution)
    ended = run_it(execution)

    assert (ended.status, ended.freed) == ("Success", expected), "nothing is counted twice"
    assert_sound(collected=True)
    assert (bucket.objects(), bucket.multiparts()) == (_needed(), [])
