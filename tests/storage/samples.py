"""What the tests of storage share: small ways to fill a driver."""

import hashlib
import uuid

from apps.storage.driver import StorageDriver
from apps.storage.layout import BLOBS, upload_path


def new_upload(repository: str = "library/alpine") -> str:
    return upload_path(repository, str(uuid.uuid4()))


def path_of(data: bytes) -> str:
    """The path of the blob that has these bytes."""
    digest = hashlib.sha256(data).hexdigest()
    return f"{BLOBS}/sha256/{digest[:2]}/{digest}/data"


def upload(driver: StorageDriver, data: bytes, path: str | None = None) -> str:
    """Write a whole upload and close it; its path."""
    path = path or new_upload()
    with driver.open_writer(path, offset=0) as writer:
        writer.write(data)
    return path


def publish(driver: StorageDriver, data: bytes) -> str:
    """Store a blob and discard its upload; its path."""
    source, target = upload(driver, data), path_of(data)
    driver.publish(source, target)
    driver.discard_upload(source)
    return target
