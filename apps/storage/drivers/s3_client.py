"""How we speak with S3: the client, its limits of time, and its errors as ours."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from apps.storage.errors import FileMissingError, StorageError, StorageFullError, StorageUrlError
from apps.storage.storage_url import StorageUrl

if TYPE_CHECKING:  # Stubs only: the package is not there in production.
    from mypy_boto3_s3 import S3Client

OPTIONS = frozenset({"endpoint", "region", "path_style", "redirect", "access_key_env", "secret_key_env"})

_MISSING = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound"})
_FULL = frozenset({"EntityTooLarge", "QuotaExceeded", "XMinioStorageFull", "507"})
_RANGE = frozenset({"416", "InvalidRange"})


class RangeOutsideError(StorageError):
    """The file is there and ends before the first byte that was asked for."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A client (safe for threads) with the bucket and the prefix below which our files are."""

    client: "S3Client"
    name: str
    prefix: str

    def key(self, path: str) -> str:
        """The object key of ``path``."""
        return f"{self.prefix}{path}"

    def path(self, key: str) -> str:
        """The path of an object key that :meth:`key` made."""
        return key.removeprefix(self.prefix)


def bucket_from_url(url: StorageUrl) -> Bucket:
    """The bucket of ``s3://bucket/prefix?options``; opens no connection. Raises :class:`StorageUrlError`."""
    url.check_options(OPTIONS)
    if not url.host:
        raise StorageUrlError("an s3:// storage URL is s3://bucket/prefix")
    endpoint = url.options.get("endpoint")
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise StorageUrlError("option 'endpoint' of the storage URL must start with http:// or https://")
    # Servers other than Amazon's seldom have a name for each bucket.
    path_style = url.flag("path_style", default=endpoint is not None)
    config = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "max_attempts": 5},
        max_pool_connections=64,
        tcp_keepalive=True,
        signature_version="s3v4",
        s3={"addressing_style": "path" if path_style else "auto"},
        # Trailing checksums are refused by many servers; blobs are checked by digest anyway.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    access_key, secret_key = _credentials(url)
    try:
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint,
            # boto3 reads AWS_DEFAULT_REGION and the profile by itself; Amazon's other tools read AWS_REGION.
            region_name=url.options.get("region") or os.environ.get("AWS_REGION") or None,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=config,
        )
    except (BotoCoreError, ValueError) as error:
        raise StorageUrlError(f"the s3:// storage URL cannot be used: {type(error).__name__}") from error
    prefix = url.path.strip("/")
    return Bucket(client=client, name=url.host, prefix=f"{prefix}/" if prefix else "")


def _credentials(url: StorageUrl) -> tuple[str | None, str | None]:
    """Key and secret from the variables that the URL names; without them botocore looks in its usual places."""
    names = [url.options.get("access_key_env"), url.options.get("secret_key_env")]
    if names == [None, None]:
        return None, None
    if None in names:
        raise StorageUrlError("options 'access_key_env' and 'secret_key_env' of the storage URL go together")
    values = [os.environ.get(name or "") for name in names]
    for option, value in zip(("access_key_env", "secret_key_env"), values, strict=True):
        if not value:
            raise StorageUrlError(f"option {option!r} of the storage URL names a variable that is not set")
    return values[0], values[1]


def error_code(error: ClientError) -> str:
    """S3's name for what went wrong, or the HTTP status of an answer without a body."""
    return str(error.response.get("Error", {}).get("Code", "unknown"))


@contextmanager
def s3_errors(what: str) -> Iterator[None]:
    """Raise botocore's errors as :class:`StorageError`; ``what`` is the path or what was tried."""
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        if code in _MISSING:
            raise FileMissingError(what) from error
        if code in _FULL:
            raise StorageFullError(f"{what}: {code}") from error
        if code in _RANGE:
            raise RangeOutsideError(what) from error
        raise StorageError(f"{what}: {error.operation_name} failed with {code}") from error
    except BotoCoreError as error:
        raise StorageError(f"{what}: {type(error).__name__}") from error
