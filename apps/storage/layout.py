"""Where everything is, on a disk and in a bucket: no other module builds a path.

::

    docker/registry/v2/
        blobs/
            <algorithm>/
                <first two hex digits>/
                    <hex>/
                        data                       the bytes of one blob
        _uploads/
            <repository key>/
                <upload id>                        one unfinished upload (on S3 a folder, see drivers/s3_uploads.py)
            temporary/
                <uuid>                             a file that a driver has not moved into place yet

The tree below ``blobs`` is that of the CNCF distribution registry, so that its storage can be adopted in place.
The repository key is the first 32 hex digits of the SHA-256 of the repository's name: an upload id that leaked
opens nothing in another repository.
"""

import hashlib
import re
import uuid

from apps.oci.digests import Digest
from apps.storage.errors import UploadIdInvalidError

ROOT = "docker/registry/v2"
BLOBS = f"{ROOT}/blobs"
UPLOADS = f"{ROOT}/_uploads"

_BLOB_PATH = re.compile(
    rf"{re.escape(BLOBS)}/(?P<algorithm>sha256|sha512)/(?P<two>[0-9a-f]{{2}})/(?P<hex>(?P=two)[0-9a-f]+)/data"
)
_UPLOAD_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def blob_path(digest: Digest) -> str:
    """The path of the blob with this digest."""
    return f"{BLOBS}/{digest.algorithm}/{digest.hex[:2]}/{digest.hex}/data"


def blob_digest(path: str) -> str | None:
    """The digest of the blob whose bytes are at ``path``; None for a path that no blob has."""
    match = _BLOB_PATH.fullmatch(path)
    return f"{match['algorithm']}:{match['hex']}" if match else None


def uploads_prefix(repository: str) -> str:
    """The folder of the uploads into the repository of this full name."""
    return f"{UPLOADS}/{hashlib.sha256(repository.encode()).hexdigest()[:32]}"


def upload_path(repository: str, upload_id: str) -> str:
    """The path of an upload into ``repository``.

    Raises :class:`UploadIdInvalidError` unless ``upload_id`` is a version 4 UUID in lower case.
    """
    if not _UPLOAD_ID.fullmatch(upload_id):
        raise UploadIdInvalidError("the upload id is not a version 4 UUID in lower case")
    return f"{uploads_prefix(repository)}/{upload_id}"


def temporary_path() -> str:
    """A new path, used by nobody, for a file that is renamed into place when it is whole.

    It is among the uploads, so that the collector takes away what a crash leaves.
    """
    return f"{UPLOADS}/temporary/{uuid.uuid4()}"
