"""A private S3 server for the tests, and URLs of storage in its bucket."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "blobs"
# Not AWS_…: the suite goes the way of the options access_key_env and secret_key_env.
_KEYS = {"HARBOR_TEST_S3_KEY": "testing", "HARBOR_TEST_S3_SECRET": "testing-secret"}


@contextmanager
def bucket_server() -> Iterator[str]:
    """The endpoint of a server with the bucket; its keys are in the environment meanwhile."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in _KEYS.items():
                patch.setenv(name, value)
            s3_client(endpoint).create_bucket(Bucket=BUCKET)
            yield endpoint
    finally:
        server.stop()


def s3_client(endpoint: str) -> Any:
    """A client of its own."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=os.environ["HARBOR_TEST_S3_KEY"],
        aws_secret_access_key=os.environ["HARBOR_TEST_S3_SECRET"],
    )


def s3_url_of(endpoint: str) -> str:
    """A storage URL with a prefix of its own."""
    return (
        f"s3://{BUCKET}/{uuid.uuid4()}?endpoint={quote(endpoint, safe='')}&region=us-east-1"
        "&access_key_env=HARBOR_TEST_S3_KEY&secret_key_env=HARBOR_TEST_S3_SECRET"
    )
