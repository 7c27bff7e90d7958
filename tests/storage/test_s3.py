"""What only the S3 driver can get wrong: crashes between two requests, parts, copies, options, other nodes."""

from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

import botocore.client
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from apps.storage.drivers.s3 import S3Driver
from apps.storage.drivers.s3_client import Bucket, bucket_from_url
from apps.storage.drivers.s3_parts import MAX_PARTS, MIB, PartBuffer, part_size
from apps.storage.errors import (
    FileMissingError,
    StorageError,
    StorageFullError,
    StorageUrlError,
    UploadBusyError,
    UploadSealedError,
)
from apps.storage.factory import make_driver
from apps.storage.layout import UPLOADS
from apps.storage.storage_url import parse_storage_url
from tests.storage.samples import new_upload, upload
from tests.support.waiting import eventually

TARGET = "docker/registry/v2/blobs/sha256/ab/abcd/data"
DATA = bytes(range(256)) * (13 * MIB // 256) + b"the tail"


@pytest.fixture
def driver(bucket: Bucket) -> S3Driver:
    return S3Driver(bucket)


def objects(bucket: Bucket, path: str) -> list[str]:
    """The names of the objects of one upload."""
    found = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=bucket.key(f"{path}/"))
    return [item["Key"].rpartition("/")[2] for item in found.get("Contents", [])]


def multiparts(bucket: Bucket) -> list[str]:
    found = bucket.client.list_multipart_uploads(Bucket=bucket.name, Prefix=bucket.prefix)
    return [item["UploadId"] for item in found.get("Uploads", [])]


class Failing:
    """Stands before a client and fails calls of one operation, before or after they reach the server."""

    def __init__(self, client, operation: str, *, after: bool) -> None:
        self._client, self._operation, self._after = client, operation, after

    def __getattr__(self, name):
        method = getattr(self._client, name)
        if name != self._operation:
            return method

        def fail(**arguments):
            if self._after:
                method(**arguments)
            raise ReadTimeoutError(endpoint_url="http://s3.test")

        return fail


def failing(bucket: Bucket, operation: str, *, after: bool = False) -> S3Driver:
    return S3Driver(replace(bucket, client=Failing(bucket.client, operation, after=after)))


def goes_on(bucket: Bucket, path: str, data: bytes = DATA) -> None:
    """A new node finishes the upload from whatever is there, and nothing is left of it."""
    driver = S3Driver(bucket)
    state_size = driver._uploads.load(path).size
    with driver.open_writer(path, offset=state_size) as writer:
        writer.write(data[state_size:])
    driver.publish(path, TARGET)
    assert driver.get(TARGET) == data
    driver.discard_upload(path)
    assert objects(bucket, path) == []
    assert multiparts(bucket) == []


# -- crashes between two requests ---------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("operation", ["create_multipart_upload", "upload_part", "put_object", "list_parts"])
@pytest.mark.parametrize("before", [0, 3 * MIB, 9 * MIB])
def test_an_upload_goes_on_after_a_failed_append(bucket, operation, after, before):
    path = new_upload()
    with S3Driver(bucket).open_writer(path, offset=0) as writer:
        writer.write(DATA[:before])
    failed = failing(bucket, operation, after=after)
    try:
        with failed.open_writer(path, offset=before) as writer:
            writer.write(DATA[before:])
    except StorageError:
        assert S3Driver(bucket)._uploads.load(path).size >= before
    goes_on(bucket, path)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "operation",
    ["upload_part_copy", "complete_multipart_upload", "copy_object", "head_object", "list_objects_v2"],
)
def test_a_failed_publish_is_repeated(bucket, operation, after):
    driver = S3Driver(bucket)
    path = upload(driver, DATA)
    try:
        failing(bucket, operation, after=after).publish(path, TARGET)
    except StorageError:
        assert driver.upload_size(path) == len(DATA)
    driver.publish(path, TARGET)
    assert driver.get(TARGET) == DATA
    driver.discard_upload(path)
    assert objects(bucket, path) == multiparts(bucket) == []


def test_a_seal_that_failed_half_way_leaves_an_upload_that_grows(bucket):
    path = upload(S3Driver(bucket), DATA[: 9 * MIB])
    with pytest.raises(StorageError):
        failing(bucket, "complete_multipart_upload").publish(path, TARGET)
    assert S3Driver(bucket).upload_size(path) == 9 * MIB
    goes_on(bucket, path)


@pytest.mark.parametrize("size", [3, 9 * MIB, len(DATA)])
@pytest.mark.parametrize("operation", ["abort_multipart_upload", "delete_object"])
@pytest.mark.parametrize("after", [False, True])
def test_a_failed_discard_is_repeated(bucket, size, operation, after):
    path = upload(S3Driver(bucket), DATA[:size])
    try:
        failing(bucket, operation, after=after).discard_upload(path)
    except StorageError:
        assert [info.path for info in S3Driver(bucket).walk_uploads()] in ([path], [])
    S3Driver(bucket).discard_upload(path)
    assert objects(bucket, path) == multiparts(bucket) == []
    assert list(S3Driver(bucket).walk_uploads()) == []


def test_a_multipart_upload_without_objects_is_walked_and_discarded(bucket, driver):
    path = new_upload()
    bucket.client.create_multipart_upload(Bucket=bucket.name, Key=bucket.key(f"{path}/data"))
    (info,) = driver.walk_uploads()
    assert (info.path, info.size) == (path, 0)
    driver.discard_upload(path)
    assert multiparts(bucket) == []
    assert list(driver.walk_uploads()) == []


def test_a_copy_in_parts_that_a_crash_cut_off_is_walked_and_discarded(bucket, driver):
    """It is at the key of the blob, which may be there by now: that stays."""
    driver.put(TARGET, b"the blob")
    bucket.client.create_multipart_upload(Bucket=bucket.name, Key=bucket.key(TARGET))
    (found,) = driver.walk_uploads()
    assert (found.path, found.size) == (TARGET, 0)
    driver.discard_upload(found.path)
    assert multiparts(bucket) == []
    assert driver.get(TARGET) == b"the blob"
    assert list(driver.walk_uploads()) == []


def test_an_upload_is_as_new_as_its_last_part(bucket, driver):
    """One request may send parts for hours, and writes no other object in that time."""
    path = upload(driver, DATA[: 8 * MIB])
    key, (multipart_id,) = bucket.key(f"{path}/data"), multiparts(bucket)
    marker = bucket.client.head_object(Bucket=bucket.name, Key=bucket.key(f"{path}/multipart"))

    def send() -> datetime:
        where = {"Bucket": bucket.name, "Key": key, "UploadId": multipart_id}
        bucket.client.upload_part(**where, PartNumber=2, Body=DATA[: 5 * MIB])
        return bucket.client.list_parts(**where)["Parts"][-1]["LastModified"]

    # Its clock shows whole seconds.
    sent = eventually(send, lambda at: at > marker["LastModified"])

    (found,) = driver.walk_uploads()
    assert found.modified == sent


def test_parts_that_a_rule_of_the_bucket_took_away_are_sent_again(bucket, driver):
    path = upload(driver, DATA[: 8 * MIB])
    (multipart_id,) = multiparts(bucket)
    bucket.client.abort_multipart_upload(
        Bucket=bucket.name, Key=bucket.key(f"{path}/data"), UploadId=multipart_id
    )
    assert driver.upload_size(path) == 0
    goes_on(bucket, path)


def test_no_memory_and_no_lock_stays_after_a_failed_close(bucket):
    driver, path = failing(bucket, "put_object"), new_upload()
    writer = driver.open_writer(path, offset=0)
    writer.write(b"abc")
    with pytest.raises(StorageError):
        writer.close()
    driver.open_writer(path, offset=0)


# -- the tail and the parts ---------------------------------------------------------------------------------


def test_a_small_upload_is_one_object(bucket, driver):
    path = upload(driver, b"small")
    assert objects(bucket, path) == ["tail-00000000000000000000"]
    with driver.open_writer(path, offset=5):
        pass
    assert objects(bucket, path) == ["tail-00000000000000000000"]


def test_outdated_tails_go(bucket, driver):
    path = upload(driver, DATA[: 8 * MIB + 10])
    with driver.open_writer(path, offset=8 * MIB + 10) as writer:
        writer.write(DATA[8 * MIB + 10 : 16 * MIB])
    assert objects(bucket, path) == ["multipart"]


def test_a_tail_that_a_crash_left_behind_its_part_is_passed_over(bucket, driver):
    path = upload(driver, DATA[: 3 * MIB])
    with (
        pytest.raises(StorageError),
        failing(bucket, "delete_object").open_writer(path, offset=3 * MIB) as writer,
    ):
        writer.write(DATA[3 * MIB : 12 * MIB])
    assert objects(bucket, path) == ["multipart", "tail-00000000000000000000", f"tail-{8 * MIB:020d}"]
    assert driver.upload_size(path) == 12 * MIB
    goes_on(bucket, path)


def test_a_sealed_upload_takes_no_bytes(driver):
    path = upload(driver, DATA)
    assert b"".join(driver.read_upload(path)) == DATA
    with pytest.raises(UploadSealedError):
        driver.open_writer(path, offset=len(DATA))


def test_two_nodes_that_append_at_the_same_time_are_found_out(bucket):
    path = new_upload()
    first = S3Driver(bucket).open_writer(path, offset=0)
    first.write(DATA[: 9 * MIB])
    second = S3Driver(bucket).open_writer(path, offset=8 * MIB)
    second.write(b"y" * 9 * MIB)
    first.write(DATA[:MIB] * 8)
    with pytest.raises(UploadBusyError):
        second.close()
    first.close()


def test_all_parts_together_hold_the_largest_object():
    sizes = [part_size(number, 8 * MIB) for number in range(1, MAX_PARTS + 1)]
    assert sum(sizes) >= 5 * 1024**4
    # Closes may end a part when it is half full.
    assert sum(sizes) // 2 >= 3 * 1024**4
    assert max(sizes) <= 5 * 1024**3
    assert sizes[:1000] == [8 * MIB] * 1000
    assert sizes[1000] == 16 * MIB


def test_more_parts_than_s3_takes(driver, monkeypatch):
    monkeypatch.setattr("apps.storage.drivers.s3_uploads.MAX_PARTS", 1)
    path = new_upload()
    with (
        pytest.raises(StorageFullError, match="no more than 1 parts"),
        driver.open_writer(path, offset=0) as writer,
    ):
        writer.write(DATA + DATA)


def test_a_part_larger_than_the_memory_goes_through_a_file(bucket):
    path = new_upload()
    for size in (2 * MIB, len(DATA)):
        driver = S3Driver(bucket, memory=MIB)
        offset = driver._uploads.load(path).size
        with driver.open_writer(path, offset=offset) as writer:
            for start in range(offset, size, 300_000):
                writer.write(DATA[start : min(start + 300_000, size)])
    driver.publish(path, TARGET)
    assert driver.get(TARGET) == DATA


def test_part_buffer():
    buffer = PartBuffer(10)
    for piece in (b"01234", b"56789"):
        buffer.append(piece)
    assert buffer.body() == b"0123456789"
    buffer.append(memoryview(b"ab"))
    assert len(buffer) == 12
    assert buffer.body().read() == b"0123456789ab"
    buffer.append(b"c")
    assert buffer.body().read() == b"0123456789abc"
    buffer.clear()
    assert (len(buffer), bytes(buffer.body())) == (0, b"")


# -- copies -------------------------------------------------------------------------------------------------


def test_a_large_upload_is_copied_in_parts(bucket):
    driver = S3Driver(bucket, copy_part=5 * MIB)
    path = upload(driver, DATA)
    driver.publish(path, TARGET)
    assert driver.get(TARGET) == DATA
    head = bucket.client.head_object(Bucket=bucket.name, Key=bucket.key(TARGET))
    assert head["ETag"].strip('"').endswith("-3")


def test_a_failed_copy_in_parts_leaves_nothing(bucket):
    path = upload(S3Driver(bucket), DATA)
    S3Driver(bucket).read_upload(path).close()
    client = Failing(bucket.client, "upload_part_copy", after=True)
    with pytest.raises(StorageError):
        S3Driver(replace(bucket, client=client), copy_part=5 * MIB).publish(path, TARGET)
    assert multiparts(bucket) == []
    with pytest.raises(FileMissingError):
        S3Driver(bucket).stat(TARGET)


# -- options and errors -------------------------------------------------------------------------------------


def test_redirects_can_be_switched_off(s3_url):
    driver = make_driver(f"{s3_url}&redirect=false")
    driver.put("note", b"x")
    assert driver.redirect_url("note", filename="note", expires_in=60) is None


def test_files_are_below_the_prefix(bucket, driver):
    driver.put("note", b"x")
    assert bucket.prefix
    found = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=bucket.prefix)
    assert [item["Key"] for item in found["Contents"]] == [f"{bucket.prefix}note"]


def test_a_bucket_that_is_not_there(s3_url):
    driver = make_driver(s3_url.replace("s3://blobs/", "s3://no-such-bucket/"))
    with pytest.raises(StorageError, match="no bucket no-such-bucket") as caught:
        driver.check()
    assert not isinstance(caught.value, FileMissingError)
    with pytest.raises(StorageError, match="NoSuchBucket"):
        driver.put("note", b"x")


def test_a_server_that_is_not_there(monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    endpoint = quote("http://127.0.0.1:1", safe="")
    driver = make_driver(
        f"s3://blobs?endpoint={endpoint}&region=us-east-1"
        "&access_key_env=HARBOR_TEST_S3_KEY&secret_key_env=HARBOR_TEST_S3_SECRET"
    )
    with pytest.raises(StorageError, match="EndpointConnectionError"):
        driver.check()


@pytest.mark.parametrize(
    ("code", "kind"),
    [("QuotaExceeded", StorageFullError), ("AccessDenied", StorageError), ("NoSuchKey", FileMissingError)],
)
def test_errors_of_the_server(bucket, code, kind):
    def refuse(**_arguments):
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "PutObject")

    client = Failing(bucket.client, "nothing", after=False)
    client.put_object = refuse
    with pytest.raises(kind) as caught:
        S3Driver(replace(bucket, client=client)).put("note", b"x")
    assert type(caught.value) is kind


def test_a_connection_that_breaks_while_reading(driver):
    driver.put("note", b"x" * MIB)
    stream = driver.read("note")
    next(stream)

    class Broken:
        def read(self, _size):
            raise ReadTimeoutError(endpoint_url="http://s3.test")

        def close(self):
            pass

    stream._body.close()
    stream._body = Broken()
    with pytest.raises(StorageError, match="ReadTimeoutError"):
        next(stream)
    assert list(stream) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("colour=red", "colour"),
        ("path_style=perhaps", "path_style"),
        ("redirect=2", "redirect"),
        ("endpoint=minio:9000", "endpoint"),
        ("access_key_env=A", "go together"),
        ("access_key_env=HARBOR_TEST_UNSET&secret_key_env=HARBOR_TEST_UNSET", "access_key_env"),
        ("endpoint=http://", "cannot be used"),
    ],
)
def test_options_that_cannot_be_used(options, message):
    with pytest.raises(StorageUrlError, match=message):
        make_driver(f"s3://blobs/prefix?region=us-east-1&{options}")


@pytest.mark.parametrize(
    ("options", "style"),
    [("", "auto"), ("endpoint=http://s3.test", "path"), ("endpoint=http://s3.test&path_style=false", "auto")],
)
def test_path_style_is_the_default_of_other_servers(options, style):
    bucket = bucket_from_url(parse_storage_url(f"s3://blobs?region=us-east-1&{options}".rstrip("&")))
    assert isinstance(bucket.client, botocore.client.BaseClient)
    assert bucket.client.meta.config.s3["addressing_style"] == style
    assert bucket.prefix == ""


def test_uploads_are_where_the_layout_says(bucket, driver):
    path = upload(driver, b"x")
    assert path.startswith(f"{UPLOADS}/")
    assert bucket.path(bucket.key(path)) == path
