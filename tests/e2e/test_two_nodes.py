"""Two nodes over one PostgreSQL, one Redis and one bucket: what one has answered, the other knows."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from tests.e2e.clients import Skopeo, expect
from tests.support.accounts import api, make_project
from tests.support.http import RegistryClient
from tests.support.images import digest_of, make_image
from tests.support.server import HarborServer
from tests.support.services import PostgreSQL, Redis

_KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing-secret"}
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Cluster:
    """``first`` and ``second`` share everything but their port; ``project`` is a private one."""

    first: HarborServer
    second: HarborServer
    bucket: str
    endpoint: str
    project: str


@pytest.fixture(scope="module")
def cluster(postgresql: PostgreSQL, redis_server: Redis) -> Iterator[Cluster]:
    bucket_server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    bucket_server.start()
    host, port = bucket_server.get_host_and_port()
    endpoint, bucket = f"http://{host}:{port}", f"blobs-{uuid.uuid4().hex[:8]}"
    with _s3(endpoint) as client:
        client.create_bucket(Bucket=bucket)
    settings = {
        "HARBOR_DATABASE_URL": postgresql.create_database(),
        "HARBOR_REDIS_URL": redis_server.fresh_database(),
        "HARBOR_STORAGE_URL": f"s3://{bucket}/registry?endpoint={endpoint}&region=us-east-1",
        "HARBOR_WORKERS": "1",
        **_KEYS,
    }
    first = HarborServer(settings)
    try:
        first.start()
        keys = first.data_dir / "secrets"
        second = HarborServer(
            {
                **settings,
                "HARBOR_SECRET_KEY_FILE": str(keys / "secret-key"),
                "HARBOR_TOKEN_KEY_FILE": str(keys / "token-key.pem"),
            }
        )
        try:
            second.start()
            with api(first.url, first.admin) as client:
                project = make_project(client)
            yield Cluster(first, second, bucket, endpoint, project)
        finally:
            second.stop()
    finally:
        first.stop()
        bucket_server.stop()


@contextmanager
def _s3(endpoint: str) -> Iterator[Any]:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=_KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=_KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def here(cluster: Cluster) -> Iterator[RegistryClient]:
    """The administrator at the first node."""
    with RegistryClient(cluster.first.url, cluster.first.admin) as client:
        yield client


@pytest.fixture
def there(cluster: Cluster) -> Iterator[RegistryClient]:
    """The administrator at the second node."""
    with RegistryClient(cluster.second.url, cluster.first.admin) as client:
        yield client


def test_an_image_pushed_at_one_node_is_pulled_from_the_other(cluster: Cluster, tmp_path) -> None:
    image = make_image()
    skopeo = Skopeo(tmp_path)
    for node in (cluster.first, cluster.second):
        expect(skopeo.login(node.host, cluster.first.admin))
    expect(skopeo.push(image, f"{cluster.first.host}/{cluster.project}/app:1"))
    expect(skopeo.pull(f"{cluster.second.host}/{cluster.project}/app:1"))


def test_a_moved_tag_is_seen_at_once_by_the_other_node(
    cluster: Cluster, here: RegistryClient, there: RegistryClient
) -> None:
    repository = f"{cluster.project}/moving"
    for _ in range(10):
        digest = here.push(repository, make_image(), tag="latest")
        answer = there.get_manifest(repository, "latest")
        assert answer.headers["Docker-Content-Digest"] == digest


def test_an_upload_goes_on_at_the_other_node(
    cluster: Cluster, here: RegistryClient, there: RegistryClient
) -> None:
    repository = f"{cluster.project}/resumed"
    data = os.urandom(13 * _MIB + 7)
    location = here.start_upload(repository)
    answer = here.patch(location, data[: 6 * _MIB], start=0)
    assert answer.status_code == 202, answer.text
    status = there.request("GET", answer.headers["Location"])
    assert (status.status_code, status.headers["Range"]) == (204, f"0-{6 * _MIB - 1}")
    answer = there.patch(status.headers["Location"], data[6 * _MIB :], start=6 * _MIB)
    assert answer.status_code == 202, answer.text
    answer = here.put(answer.headers["Location"], digest_of(data))
    assert answer.status_code == 201, answer.text
    assert there.pull_blob(repository, digest_of(data)) == data


def test_a_blob_is_fetched_from_the_bucket_by_a_signed_url(cluster: Cluster, here: RegistryClient) -> None:
    repository = f"{cluster.project}/redirected"
    data = os.urandom(_MIB)
    digest = here.push_blob(repository, data)
    answer = here.request("GET", f"/v2/{repository}/blobs/{digest}")
    assert answer.status_code == 307
    assert answer.headers["Location"].startswith(cluster.endpoint)
    part = httpx.get(answer.headers["Location"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])


def test_uploads_leave_nothing_but_blobs_in_the_bucket(cluster: Cluster, here: RegistryClient) -> None:
    repository = f"{cluster.project}/clean"
    digest = here.push_blob(repository, os.urandom(6 * _MIB))
    with _s3(cluster.endpoint) as client:
        listed = client.list_objects_v2(Bucket=cluster.bucket, Prefix="registry/")
        unfinished = client.list_multipart_uploads(Bucket=cluster.bucket).get("Uploads")
    keys = [entry["Key"] for entry in listed["Contents"]]
    assert any(digest.partition(":")[2] in key for key in keys)
    assert not [key for key in keys if "/_uploads/" in key]
    assert not unfinished


def test_a_robot_that_is_deleted_at_one_node_is_refused_at_the_other_at_once(
    cluster: Cluster, here: RegistryClient, there: RegistryClient
) -> None:
    repository = f"{cluster.project}/closed"
    here.push(repository, make_image(), tag="1")
    with api(cluster.first.url, cluster.first.admin) as client:
        robot = client.post(
            "/robots",
            json={
                "name": f"r{uuid.uuid4().hex[:8]}",
                "level": "project",
                "duration": -1,
                "permissions": [
                    {
                        "kind": "project",
                        "namespace": cluster.project,
                        "access": [{"resource": "repository", "action": "pull"}],
                    }
                ],
            },
        ).json()
        scope = f"repository:{repository}:pull"
        token = httpx.get(
            f"{cluster.second.url}/service/token",
            params={"service": "harbor-registry", "scope": scope},
            auth=(robot["name"], robot["secret"]),
        ).json()["token"]
        url = f"{cluster.second.url}/v2/{repository}/manifests/1"
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(url, headers=headers).status_code == 200
        assert client.delete(f"/robots/{robot['id']}").status_code == 200
        assert httpx.get(url, headers=headers).status_code == 401
    assert there.get_manifest(repository, "1").status_code == 200
