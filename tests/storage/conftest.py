"""The media that the conformance suite runs over. A new driver adds a function here and its name to MEDIA."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest

from apps.storage.driver import StorageDriver
from apps.storage.drivers.s3 import S3Driver
from apps.storage.drivers.s3_client import Bucket, bucket_from_url
from apps.storage.factory import make_driver
from apps.storage.storage_url import parse_storage_url
from tests.support.buckets import bucket_server, s3_url_of


@dataclass(frozen=True)
class Medium:
    """``open`` makes another driver over the same files, as another node would."""

    name: str
    open: Callable[[], StorageDriver]
    locks_across_nodes: bool
    redirects: bool
    local: bool


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    with bucket_server() as endpoint:
        yield endpoint


@pytest.fixture
def s3_url(s3_endpoint: str) -> str:
    return s3_url_of(s3_endpoint)


@pytest.fixture(scope="session")
def s3_session_bucket(s3_endpoint: str) -> Bucket:
    return bucket_from_url(parse_storage_url(s3_url_of(s3_endpoint)))


@pytest.fixture
def bucket(s3_session_bucket: Bucket) -> Bucket:
    """A prefix of its own; the client is shared, because making one takes longer than most tests."""
    return replace(s3_session_bucket, prefix=f"{uuid.uuid4()}/")


def filesystem_medium(request: pytest.FixtureRequest) -> Medium:
    folder: Path = request.getfixturevalue("tmp_path") / "a folder" / "storage"
    return Medium("filesystem", lambda: make_driver(f"file://{quote(str(folder))}"), True, False, True)


def memory_medium(request: pytest.FixtureRequest) -> Medium:
    name = str(uuid.uuid4())
    return Medium("memory", lambda: make_driver(f"memory://{name}"), True, False, False)


def s3_medium(request: pytest.FixtureRequest) -> Medium:
    bucket = request.getfixturevalue("bucket")
    return Medium("s3", lambda: S3Driver(bucket), False, True, False)


MEDIA = {"filesystem": filesystem_medium, "memory": memory_medium, "s3": s3_medium}


@pytest.fixture(params=list(MEDIA))
def medium(request: pytest.FixtureRequest) -> Medium:
    return MEDIA[request.param](request)


@pytest.fixture
def driver(medium: Medium) -> StorageDriver:
    return medium.open()
