"""Unfinished uploads on S3, whose whole state is in the bucket, so that any node can go on with one.

::

    <upload path>/
        tail-<start>       the bytes from offset <start> on that are too few for a part
        multipart          the id of the multipart upload that makes `data`; not there while the tail is all
        data               the whole upload, once it is sealed: parts cannot be read before that

Bytes first, then what is outdated goes: after a crash a tail that does not begin where the parts end is no longer
valid and is passed over. S3 has no locks; two nodes that append to one upload are found out when a writer closes
and sees parts that are not its own.
"""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from apps.storage.driver import FileInfo
from apps.storage.drivers.s3_client import Bucket, s3_errors
from apps.storage.drivers.s3_parts import MAX_PARTS, MIN_PART, PartBuffer, part_size
from apps.storage.errors import FileMissingError, StorageFullError
from apps.storage.layout import BLOBS, UPLOADS

if TYPE_CHECKING:  # Stubs only: the package is not there in production.
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, ObjectTypeDef


_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart upload; ``size`` in bytes. ``modified`` is known of those that S3 was asked for."""

    number: int
    etag: str
    size: int
    modified: datetime = field(default=_NEVER, compare=False)


@dataclass(frozen=True, slots=True)
class Source:
    """An object that holds a whole upload; ``size`` in bytes."""

    key: str
    size: int


@dataclass(slots=True)
class UploadState:
    """What the bucket knows of one upload. ``keys`` are all its objects, outdated ones included.

    ``modified`` is when the last of them, or of the parts, came.
    """

    keys: list[str] = field(default_factory=list)
    modified: datetime = _NEVER
    sealed: Source | None = None
    multipart_id: str | None = None
    parts: list[Part] = field(default_factory=list)
    tail: Source | None = None

    @property
    def size(self) -> int:
        """Bytes that the upload holds."""
        return self.sealed.size if self.sealed else self.parts_size + (self.tail.size if self.tail else 0)

    @property
    def parts_size(self) -> int:
        """Bytes that are in parts."""
        return sum(part.size for part in self.parts)


class S3Uploads:
    """Reads and changes the objects of uploads. Safe for threads; raises :class:`StorageError`."""

    def __init__(self, bucket: Bucket, *, first_part: int) -> None:
        self._bucket = bucket
        self._first_part = first_part

    def load(self, path: str) -> UploadState:
        """The state of the upload ``path``; without keys if there is none."""
        with s3_errors(path):
            state = self._load(path)
            if state.multipart_id and not state.parts and not self._has_multipart(path, state.multipart_id):
                # Completed since we looked, or aborted by a discard that did not end or by a rule of the bucket.
                state = self._load(path)
                if not state.sealed:
                    state.multipart_id = None
        return state

    def tail_key(self, path: str, start: int) -> str:
        """The object key of the tail that begins at ``start`` bytes."""
        return self._bucket.key(f"{path}/tail-{start:020d}")

    def target(self, number: int) -> int:
        """Bytes that part ``number`` is to have."""
        return part_size(number, self._first_part)

    def enough(self, number: int) -> int:
        """Bytes that are enough for part ``number`` when a writer closes; fewer become the tail.

        Half the target, so that many short requests do not use the ten thousand parts up.
        """
        return max(MIN_PART, self.target(number) // 2)

    def fill(self, path: str, state: UploadState, buffer: PartBuffer) -> None:
        """Load the tail into ``buffer``."""
        if state.tail and state.tail.size:
            with s3_errors(path):
                body = self._bucket.client.get_object(Bucket=self._bucket.name, Key=state.tail.key)["Body"]
                for piece in body.iter_chunks(1024 * 1024):
                    buffer.append(piece)

    def add_part(self, path: str, state: UploadState, buffer: PartBuffer) -> None:
        """Send ``buffer`` as the next part and empty it; the first one starts the multipart upload."""
        number = len(state.parts) + 1
        if number > MAX_PARTS:
            raise StorageFullError(f"{path}: S3 takes no more than {MAX_PARTS} parts")
        client, name, key = self._bucket.client, self._bucket.name, self._bucket.key(f"{path}/data")
        with s3_errors(path):
            if state.multipart_id is None:
                multipart_id = client.create_multipart_upload(Bucket=name, Key=key)["UploadId"]
                client.put_object(
                    Bucket=name, Key=self._bucket.key(f"{path}/multipart"), Body=multipart_id.encode()
                )
                state.multipart_id = multipart_id
            etag = client.upload_part(
                Bucket=name, Key=key, UploadId=state.multipart_id, PartNumber=number, Body=buffer.body()
            )["ETag"]
        state.parts.append(Part(number, etag, len(buffer)))
        buffer.clear()

    def put_tail(self, path: str, state: UploadState, buffer: PartBuffer) -> None:
        """Keep ``buffer`` as the tail behind the parts."""
        key = self.tail_key(path, state.parts_size)
        with s3_errors(path):
            self._bucket.client.put_object(Bucket=self._bucket.name, Key=key, Body=buffer.body())
        state.tail = Source(key, len(buffer))

    def drop(self, path: str, key: str) -> None:
        """Delete one object of the upload ``path``."""
        with s3_errors(path):
            self._bucket.client.delete_object(Bucket=self._bucket.name, Key=key)

    def stored_parts(self, path: str, multipart_id: str) -> list[Part]:
        """The parts that S3 has, by number; raises :class:`FileMissingError` when the multipart upload is gone."""
        with s3_errors(path):
            return self._parts(path, multipart_id)

    def seal(self, path: str) -> Source:
        """Make one object of the upload and tell which; repeatable. Raises :class:`FileMissingError`."""
        state = self.load(path)
        if state.sealed:
            return state.sealed
        if not state.keys:
            raise FileMissingError(path)
        if not state.parts:
            if state.tail is None:
                self.put_tail(path, state, PartBuffer(0))
            return state.tail or Source(self.tail_key(path, 0), 0)
        with suppress(FileMissingError):  # Another one that seals was faster: then the object is there.
            self._complete(path, state)
        sealed = self.load(path).sealed
        if sealed is None:
            raise FileMissingError(path)
        return sealed

    def discard(self, path: str) -> None:
        """Remove all objects of the upload and its multipart uploads, those that a crash left included.

        Of a blob, which :meth:`walk` names too, it is the copy in parts that did not end; the blob stays.
        """
        client, name = self._bucket.client, self._bucket.name
        if path.startswith(f"{BLOBS}/"):
            self._abort(path, path)
            return
        marker = self._bucket.key(f"{path}/multipart")
        with s3_errors(path):
            keys = [item["Key"] for item in self._objects(f"{path}/")]
            if marker in keys or not keys:
                self._abort(path, f"{path}/data")
            # The marker last: a crash on the way leaves the upload one that can be found and discarded again.
            for key in sorted(keys, key=marker.__eq__):
                client.delete_object(Bucket=name, Key=key)

    def walk(self) -> Iterator[FileInfo]:
        """Every unfinished upload, and multipart uploads whose objects a crash never wrote (size 0).

        Those of blobs are copies that did not end.
        """
        seen = set()
        with s3_errors(UPLOADS):
            for path, _ in itertools.groupby(self._objects(f"{UPLOADS}/"), self._upload_of):
                seen.add(path)
                state = self.load(path)
                if state.keys:
                    yield FileInfo(path, state.size, state.modified)
            for key, _, started in self._multiparts(f"{UPLOADS}/"):
                path = self._bucket.path(key).removesuffix("/data")
                if path not in seen:
                    seen.add(path)
                    yield FileInfo(path, 0, started)
            for key, _, started in self._multiparts(f"{BLOBS}/"):
                yield FileInfo(self._bucket.path(key), 0, started)

    def _abort(self, path: str, prefix: str) -> None:
        client, name = self._bucket.client, self._bucket.name
        with s3_errors(path):
            for key, multipart_id, _ in self._multiparts(prefix):
                with suppress(FileMissingError), s3_errors(path):
                    client.abort_multipart_upload(Bucket=name, Key=key, UploadId=multipart_id)

    def _upload_of(self, item: "ObjectTypeDef") -> str:
        return self._bucket.path(item["Key"]).rpartition("/")[0]

    def _load(self, path: str) -> UploadState:
        client, name = self._bucket.client, self._bucket.name
        state = UploadState()
        sizes: dict[str, int] = {}
        for item in self._objects(f"{path}/"):
            state.keys.append(item["Key"])
            state.modified = max(state.modified, item["LastModified"])
            sizes[item["Key"]] = item["Size"]
        data, marker = self._bucket.key(f"{path}/data"), self._bucket.key(f"{path}/multipart")
        if data in sizes:
            state.sealed = Source(data, sizes[data])
            return state
        if marker in sizes:
            body = client.get_object(Bucket=name, Key=marker)["Body"]
            state.multipart_id = body.read().decode()
            with suppress(FileMissingError):
                state.parts = self.stored_parts(path, state.multipart_id)
            state.modified = max([state.modified, *(part.modified for part in state.parts)])
        if state.parts:
            # A seal that did not end has made a part of the tail, too short to stay one: it is the tail again.
            last = state.parts[-1]
            if sizes.get(self.tail_key(path, state.parts_size - last.size)) == last.size:
                state.parts.pop()
        key = self.tail_key(path, state.parts_size)
        if key in sizes:
            state.tail = Source(key, sizes[key])
        return state

    def _complete(self, path: str, state: UploadState) -> None:
        client, name, key = self._bucket.client, self._bucket.name, self._bucket.key(f"{path}/data")
        multipart_id = state.multipart_id or ""
        with s3_errors(path):
            completed: list[CompletedPartTypeDef] = [
                {"PartNumber": part.number, "ETag": part.etag} for part in state.parts
            ]
            if state.tail and state.tail.size:
                number = len(state.parts) + 1
                result = client.upload_part_copy(
                    Bucket=name,
                    Key=key,
                    UploadId=multipart_id,
                    PartNumber=number,
                    CopySource={"Bucket": name, "Key": state.tail.key},
                )
                completed.append({"PartNumber": number, "ETag": result["CopyPartResult"]["ETag"]})
            client.complete_multipart_upload(
                Bucket=name, Key=key, UploadId=multipart_id, MultipartUpload={"Parts": completed}
            )

    def _has_multipart(self, path: str, multipart_id: str) -> bool:
        try:
            self.stored_parts(path, multipart_id)
        except FileMissingError:
            return False
        return True

    def _parts(self, path: str, multipart_id: str) -> list[Part]:
        pages = self._bucket.client.get_paginator("list_parts").paginate(
            Bucket=self._bucket.name, Key=self._bucket.key(f"{path}/data"), UploadId=multipart_id
        )
        found = [
            Part(part["PartNumber"], part["ETag"], part["Size"], part["LastModified"])
            for page in pages
            for part in page.get("Parts", [])
        ]
        return sorted(found, key=lambda part: part.number)

    def _objects(self, prefix: str) -> Iterator["ObjectTypeDef"]:
        pages = self._bucket.client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket.name, Prefix=self._bucket.key(prefix)
        )
        for page in pages:
            yield from page.get("Contents", [])

    def _multiparts(self, prefix: str) -> Iterator[tuple[str, str, datetime]]:
        """Key, id and start of every multipart upload whose key begins with ``prefix``."""
        pages = self._bucket.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self._bucket.name, Prefix=self._bucket.key(prefix)
        )
        for page in pages:
            for upload in page.get("Uploads", []):
                yield upload["Key"], upload["UploadId"], upload["Initiated"]
