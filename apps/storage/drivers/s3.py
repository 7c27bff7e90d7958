"""Objects in a bucket of S3 or of a server that speaks its protocol.

A crash in the copy of a very large blob leaves a multipart upload, which collection aborts. Servers that want all
parts of one size (Cloudflare R2) are not supported.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from apps.storage.driver import ByteStream, Capacity, FileInfo, StorageDriver, Writer
from apps.storage.drivers.s3_client import Bucket, RangeOutsideError, bucket_from_url, s3_errors
from apps.storage.drivers.s3_parts import MIB
from apps.storage.drivers.s3_uploads import S3Uploads, Source
from apps.storage.drivers.s3_writer import S3Writer
from apps.storage.errors import (
    FileMissingError,
    OffsetMismatchError,
    StorageError,
    UploadBusyError,
    UploadSealedError,
)
from apps.storage.storage_url import StorageUrl

if TYPE_CHECKING:  # Stubs only: the package is not there in production.
    from botocore.response import StreamingBody
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PIECE = 256 * 1024
_COPIES_AT_ONCE = 4


def s3_from_url(url: StorageUrl) -> StorageDriver:
    """The driver of ``s3://bucket/prefix?options``; opens no connection. Raises :class:`StorageUrlError`."""
    return S3Driver(bucket_from_url(url), redirect=url.flag("redirect", default=True))


class S3Reader:
    """See :class:`apps.storage.driver.ByteStream`. Without a body it is empty."""

    def __init__(self, path: str, body: "StreamingBody | None") -> None:
        self._path = path
        self._body = body

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._body is None:
            raise StopIteration
        try:
            with s3_errors(self._path):
                piece = self._body.read(PIECE)
        except StorageError:
            self.close()
            raise
        if not piece:
            self.close()
            raise StopIteration
        return piece

    def close(self) -> None:
        if self._body is not None:
            body, self._body = self._body, None
            body.close()


class S3Driver:
    """See :class:`apps.storage.driver.StorageDriver`. Safe for threads."""

    def __init__(
        self,
        bucket: Bucket,
        *,
        redirect: bool = True,
        first_part: int = 8 * MIB,
        memory: int = 16 * MIB,
        copy_part: int = 1024 * MIB,
    ) -> None:
        """Sizes are in bytes: of the first parts, of a writer's memory, of what one copy request moves.

        A copy request may move 5 GiB, but takes so long then that its connection is given up.
        """
        self._bucket = bucket
        self._redirect = redirect
        self._memory = memory
        self._copy_part = copy_part
        self._uploads = S3Uploads(bucket, first_part=first_part)
        self._writing: set[str] = set()
        self._lock = Lock()

    def open_writer(self, path: str, *, offset: int) -> Writer:
        with self._lock:
            if path in self._writing:
                raise UploadBusyError(path)
            self._writing.add(path)
        try:
            return self._open_writer(path, offset)
        except BaseException:
            self._release(path)
            raise

    def upload_size(self, path: str) -> int:
        state = self._uploads.load(path)
        if not state.keys:
            raise FileMissingError(path)
        return state.size

    def read_upload(self, path: str) -> ByteStream:
        return self._read_object(path, self._seal(path).key)

    def publish(self, upload_path: str, path: str) -> None:
        source = self._seal(upload_path)
        try:
            if self.stat(path).size == source.size:
                return
        except FileMissingError:
            pass
        if source.size <= self._copy_part:
            with s3_errors(path):
                self._bucket.client.copy_object(
                    Bucket=self._bucket.name,
                    Key=self._bucket.key(path),
                    CopySource={"Bucket": self._bucket.name, "Key": source.key},
                )
        else:
            self._copy_in_parts(source, path)

    def discard_upload(self, path: str) -> None:
        self._uploads.discard(path)

    def walk_uploads(self) -> Iterator[FileInfo]:
        return self._uploads.walk()

    def put(self, path: str, data: bytes) -> None:
        with s3_errors(path):
            self._bucket.client.put_object(Bucket=self._bucket.name, Key=self._bucket.key(path), Body=data)

    def get(self, path: str) -> bytes:
        return b"".join(self.read(path))

    def read(self, path: str, *, start: int = 0, end: int | None = None) -> ByteStream:
        if end is not None and end <= start:
            self.stat(path)
            return S3Reader(path, None)
        span = f"bytes={start}-{'' if end is None else end - 1}" if start or end is not None else None
        try:
            return self._read_object(path, self._bucket.key(path), span)
        except RangeOutsideError:
            return S3Reader(path, None)

    def stat(self, path: str) -> FileInfo:
        with s3_errors(path):
            found = self._bucket.client.head_object(Bucket=self._bucket.name, Key=self._bucket.key(path))
        return FileInfo(path, found["ContentLength"], found["LastModified"])

    def delete(self, path: str) -> None:
        with s3_errors(path):
            self._bucket.client.delete_object(Bucket=self._bucket.name, Key=self._bucket.key(path))

    def walk(self, prefix: str) -> Iterator[FileInfo]:
        with s3_errors(prefix):
            pages = self._bucket.client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket.name, Prefix=self._bucket.key(f"{prefix}/")
            )
            for page in pages:
                for item in page.get("Contents", []):
                    yield FileInfo(self._bucket.path(item["Key"]), item["Size"], item["LastModified"])

    def redirect_url(self, path: str, *, filename: str, expires_in: int) -> str | None:
        if not self._redirect:
            return None
        with s3_errors(path):
            return self._bucket.client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket.name,
                    "Key": self._bucket.key(path),
                    "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(filename, safe='')}",
                    "ResponseContentType": "application/octet-stream",
                },
                ExpiresIn=expires_in,
            )

    def local_path(self, path: str) -> str | None:  # noqa: ARG002 - the Protocol's
        return None

    def capacity(self) -> Capacity | None:
        """A bucket has no bounds."""
        return None

    def check(self) -> None:
        try:
            with s3_errors(f"bucket {self._bucket.name}"):
                self._bucket.client.head_bucket(Bucket=self._bucket.name)
        except FileMissingError as error:
            raise StorageError(f"there is no bucket {self._bucket.name}") from error

    def _open_writer(self, path: str, offset: int) -> S3Writer:
        state = self._uploads.load(path)
        if state.sealed:
            raise UploadSealedError(path)
        if state.size != offset:
            raise OffsetMismatchError(size=state.size)
        return S3Writer(self._uploads, path, state, memory=self._memory, released=lambda: self._release(path))

    def _release(self, path: str) -> None:
        with self._lock:
            self._writing.discard(path)

    def _seal(self, path: str) -> Source:
        with self._lock:
            if path in self._writing:
                raise UploadBusyError(path)
        return self._uploads.seal(path)

    def _read_object(self, path: str, key: str, span: str | None = None) -> S3Reader:
        with s3_errors(path):
            if span is None:
                found = self._bucket.client.get_object(Bucket=self._bucket.name, Key=key)
            else:
                found = self._bucket.client.get_object(Bucket=self._bucket.name, Key=key, Range=span)
        return S3Reader(path, found["Body"])

    def _copy_in_parts(self, source: Source, path: str) -> None:
        client, name, key = self._bucket.client, self._bucket.name, self._bucket.key(path)
        with s3_errors(path):
            multipart_id = client.create_multipart_upload(Bucket=name, Key=key)["UploadId"]

        def copy(start: int) -> "CompletedPartTypeDef":
            number = start // self._copy_part + 1
            result = client.upload_part_copy(
                Bucket=name,
                Key=key,
                UploadId=multipart_id,
                PartNumber=number,
                CopySource={"Bucket": name, "Key": source.key},
                CopySourceRange=f"bytes={start}-{min(start + self._copy_part, source.size) - 1}",
            )
            return {"PartNumber": number, "ETag": result["CopyPartResult"]["ETag"]}

        try:
            with s3_errors(path):
                with ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:
                    parts = list(pool.map(copy, range(0, source.size, self._copy_part)))
                client.complete_multipart_upload(
                    Bucket=name, Key=key, UploadId=multipart_id, MultipartUpload={"Parts": parts}
                )
        except BaseException:
            with s3_errors(path):
                client.abort_multipart_upload(Bucket=name, Key=key, UploadId=multipart_id)
            raise
