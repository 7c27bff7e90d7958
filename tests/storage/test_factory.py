"""URLs, the layout, and that a process without S3 does not pay for it."""

import hashlib
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from apps.oci.digests import Digest, digest_of
from apps.storage.drivers.filesystem import FilesystemDriver
from apps.storage.drivers.memory import MemoryDriver
from apps.storage.errors import FileMissingError, StorageError, StorageUrlError, UploadIdInvalidError
from apps.storage.factory import make_driver
from apps.storage.layout import blob_path, temporary_path, upload_path, uploads_prefix


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "unknown storage scheme ''"),
        ("/var/lib/harbor", "unknown storage scheme ''"),
        ("gcs://bucket", "unknown storage scheme 'gcs'"),
        ("file://", "file:///absolute/folder"),
        ("file:///", "file:///absolute/folder"),
        ("file://relative/folder", "file:///absolute/folder"),
        ("file:///folder?sync=no", "unknown option 'sync'"),
        ("file:///folder#1", "%23"),
        ("memory://", "memory://name"),
        ("memory://name/path", "memory://name"),
        ("memory://name?size=1", "unknown option 'size'"),
        ("s3://", "s3://bucket/prefix"),
        ("s3:///prefix", "s3://bucket/prefix"),
        ("s3://bucket?region=a&region=b", "twice"),
        ("s3://bucket?region", "not a URL"),
        ("s3://[bucket", "not a URL"),
    ],
)
def test_urls_that_cannot_be_used(url, message):
    with pytest.raises(StorageUrlError, match=message.replace("?", r"\?")) as caught:
        make_driver(url)
    assert isinstance(caught.value, StorageError)


@pytest.mark.parametrize(
    "url",
    ["s3://AKIAKEY:hunter2@bucket", "s3://bucket?hunter2=hunter3&region=x", "s3://bucket?redirect=hunter3"],
)
def test_errors_show_no_value(url):
    with pytest.raises(StorageUrlError) as caught:
        make_driver(url)
    assert "hunter3" not in str(caught.value)
    assert "AKIAKEY" not in str(caught.value)


def test_a_folder_with_odd_characters(tmp_path: Path):
    driver = make_driver(f"file://{tmp_path}/a%20folder%23%3F")
    assert isinstance(driver, FilesystemDriver)
    driver.put("note", b"x")
    assert (tmp_path / "a folder#?" / "note").read_bytes() == b"x"


def test_memory_is_shared_by_name():
    name = uuid.uuid4()
    driver = make_driver(f"memory://{name}")
    assert isinstance(driver, MemoryDriver)
    driver.put("note", b"x")
    assert make_driver(f"memory://{name}").get("note") == b"x"
    with pytest.raises(FileMissingError):
        make_driver(f"memory://{uuid.uuid4()}").get("note")


def test_boto3_is_not_loaded_for_a_folder(tmp_path: Path):
    program = (
        "import sys; from apps.storage.factory import make_driver; make_driver(sys.argv[1]).check();"
        "print(sorted(name for name in sys.modules if name.startswith(('boto', 'moto'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, f"file://{tmp_path}"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_the_driver_of_the_process_comes_from_the_settings():
    program = (
        "from types import SimpleNamespace; from django.conf import settings;"
        "settings.configure(HARBOR=SimpleNamespace(blobs_url='memory://from-the-settings'));"
        "from apps.storage.factory import make_driver; from apps.storage.selectors import get_driver;"
        "get_driver().put('note', b'x');"
        "assert make_driver('memory://from-the-settings').get('note') == b'x';"
        "assert get_driver() is get_driver()"
    )
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True)


def test_blob_path():
    digest = digest_of(b"abc")
    assert blob_path(digest) == (
        "docker/registry/v2/blobs/sha256/ba/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad/data"
    )
    assert blob_path(Digest("sha512", "f" * 128)) == f"docker/registry/v2/blobs/sha512/ff/{'f' * 128}/data"


def test_upload_path():
    upload_id = str(uuid.uuid4())
    key = hashlib.sha256(b"library/alpine").hexdigest()[:32]
    assert upload_path("library/alpine", upload_id) == f"docker/registry/v2/_uploads/{key}/{upload_id}"
    assert upload_path("library/alpine", upload_id).startswith(f"{uploads_prefix('library/alpine')}/")
    assert upload_path("library/alpine2", upload_id) != upload_path("library/alpine", upload_id)


@pytest.mark.parametrize(
    "upload_id",
    [
        "",
        "../../blobs",
        "ABCDEF00-0000-4000-8000-000000000000",
        str(uuid.uuid4()) + "\n",
        str(uuid.uuid4()) + "/data",
        uuid.uuid4().hex,
        str(uuid.uuid1()),
        "00000000-0000-4000-c000-000000000000",
        "00000000-0000-0000-0000-000000000000",
        "\u06600000000-0000-4000-8000-000000000000",
    ],
)
def test_upload_ids_that_are_none(upload_id):
    with pytest.raises(UploadIdInvalidError) as caught:
        upload_path("library/alpine", upload_id)
    assert isinstance(caught.value, FileMissingError)


def test_temporary_paths_are_new():
    assert len({temporary_path() for _ in range(100)}) == 100
