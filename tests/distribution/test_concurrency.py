"""Clients at the same time, over HTTP and several server processes, on both databases."""

import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from typing import Any

import httpx
import psycopg
import pytest

from tests.distribution.documents import EMPTY, config, layer, manifest_of, push
from tests.support.accounts import make_project, unique
from tests.support.http import RegistryClient, error_codes
from tests.support.images import Content, digest_of
from tests.support.server import HarborServer

_CLIENTS = 6


@pytest.fixture
def project(admin_api: httpx.Client) -> str:
    """One of its own, with a quota that is charged."""
    return make_project(admin_api, limit=1 << 40)


def together(server: HarborServer, work: Callable[[RegistryClient, int], Any]) -> list[Any]:
    """Run ``work(client, number)`` for several clients that start at the same time."""
    barrier = Barrier(_CLIENTS)

    def run(number: int) -> Any:
        with RegistryClient(server.url, server.admin) as client:
            client.token()
            barrier.wait(timeout=60)
            return work(client, number)

    with ThreadPoolExecutor(_CLIENTS) as pool:
        return list(pool.map(run, range(_CLIENTS)))


def select(server: HarborServer, statement: str) -> list[tuple[Any, ...]]:
    """Read the server's database."""
    if url := server.env.get("HARBOR_DATABASE_URL"):
        with psycopg.connect(url) as connection:
            return connection.execute(statement).fetchall()
    path = server.data_dir / "harbor.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(statement).fetchall()


def assert_the_sum_is_exact(server: HarborServer, project: str) -> None:
    """What the quota says is what is linked, and all that artifacts need is linked."""
    where = f"(SELECT id FROM project WHERE name = '{project}')"
    ((used,),) = select(server, f"SELECT used FROM quota WHERE project_id = {where}")
    ((linked,),) = select(
        server,
        "SELECT COALESCE(SUM(size), 0) FROM blob JOIN project_blob ON blob.id = blob_id"
        f" WHERE project_id = {where}",
    )
    unpaid = select(
        server,
        "SELECT DISTINCT artifact_blob.blob_id FROM artifact_blob JOIN artifact ON artifact.id = artifact_id"
        f" WHERE project_id = {where} AND artifact_blob.blob_id NOT IN"
        f" (SELECT blob_id FROM project_blob WHERE project_id = {where})",
    )
    assert (used, unpaid) == (linked, [])


def test_the_same_blob_from_all(server: HarborServer, registry: RegistryClient, project: str) -> None:
    repository = f"{project}/{unique('image')}"
    data = os.urandom(300_000)

    digests = together(
        server, lambda client, number: client.push_blob(repository, data, piece=50_000 + number)
    )

    assert digests == [digest_of(data)] * _CLIENTS
    assert registry.pull_blob(repository, digest_of(data)) == data
    assert_the_sum_is_exact(server, project)
    ((links,),) = select(
        server,
        f"SELECT COUNT(*) FROM project_blob JOIN project p ON p.id = project_id WHERE p.name = '{project}'",
    )
    assert links == 1


def test_the_same_image_from_all(
    server: HarborServer, registry: RegistryClient, admin_api: httpx.Client, project: str
) -> None:
    contents = [config(), layer(5000), layer(6000)]
    manifest = manifest_of(contents[0], contents[1:])
    repository = f"{project}/{unique('image')}"

    together(server, lambda client, _: push(client, repository, manifest, *contents, tag="v1"))

    assert registry.pull(repository, "v1") == manifest.digest
    assert registry.tags(repository).json()["tags"] == ["v1"]
    assert_the_sum_is_exact(server, project)


def test_one_of_many_patches_wins(server: HarborServer, registry: RegistryClient, repository: str) -> None:
    for _ in range(5):
        location = registry.start_upload(repository)
        bodies = [bytes([number]) * 200_000 for number in range(_CLIENTS)]

        answers = together(
            server,
            lambda client, number, location=location, bodies=bodies: client.patch(
                location, bodies[number], start=0
            ),
        )

        assert sorted(answer.status_code for answer in answers) == [202] + [416] * (_CLIENTS - 1)
        for answer in answers:
            if answer.status_code == 416:
                assert error_codes(answer) == ["RANGE_INVALID"]
        won = next(number for number, answer in enumerate(answers) if answer.status_code == 202)
        digest = digest_of(bodies[won])
        assert registry.put(answers[won].headers["Location"], digest).status_code == 201
        assert registry.pull_blob(repository, digest) == bodies[won]


def test_a_patch_beside_one_that_is_under_way(
    server: HarborServer, registry: RegistryClient, repository: str
) -> None:
    location = registry.start_upload(repository)
    beginning = os.urandom(256 * 1024)
    refused: list[httpx.Response] = []

    def body() -> Iterator[bytes]:
        yield beginning
        with RegistryClient(server.url, server.admin) as other:
            while other.request("GET", location).headers["Range"] == "0-0":
                pass  # The first bytes are on their way.
            refused.append(other.patch(location, b"other"))
        yield b"the end"

    answer = registry.patch(location, body())

    assert (refused[0].status_code, error_codes(refused[0])) == (416, ["RANGE_INVALID"])
    assert answer.status_code == 202
    digest = digest_of(beginning + b"the end")
    assert registry.put(answer.headers["Location"], digest).status_code == 201


def test_one_of_many_puts_wins(server: HarborServer, registry: RegistryClient, repository: str) -> None:
    data = os.urandom(100_000)
    location = registry.patch(registry.start_upload(repository), data).headers["Location"]

    answers = together(server, lambda client, _: client.put(location, digest_of(data)))

    statuses = {answer.status_code for answer in answers}
    assert 201 in statuses
    assert statuses <= {201, 404}
    assert registry.pull_blob(repository, digest_of(data)) == data


def test_a_tag_that_moves_is_seen_by_every_process(
    server: HarborServer, registry: RegistryClient, repository: str
) -> None:
    """Whoever has the answer to a push never sees the old manifest, from any process."""
    path = f"/v2/{repository}/manifests/moving"
    push(registry, repository, manifest_of(), EMPTY, tag="moving")
    headers = registry.headers("GET", path)
    # Without keep-alive: the kernel gives each connection to one process or the other.
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=server.url, headers=headers, limits=limits, timeout=60) as anybody:
        for _ in range(15):
            for _ in range(6):
                assert anybody.get(path).status_code == 200
            new = push(registry, repository, manifest_of(), tag="moving")
            for _ in range(6):
                assert anybody.head(path).headers["Docker-Content-Digest"] == new


def test_one_tag_from_all(server: HarborServer, registry: RegistryClient, repository: str) -> None:
    registry.push_blob(repository, EMPTY.data)
    manifests = [manifest_of() for _ in range(_CLIENTS)]

    def move(client: RegistryClient, number: int) -> None:
        for _ in range(10):
            push(client, repository, manifests[number], tag="contested")

    together(server, move)

    last = registry.get_manifest(repository, "contested")
    assert last.content in [manifest.data for manifest in manifests]
    assert registry.tags(repository).json()["tags"] == ["contested"]
    for manifest in manifests:
        assert registry.get_manifest(repository, manifest.digest).content == manifest.data


def _image(pool: list[Content], source: random.Random) -> tuple[Content, list[Content]]:
    """An image of some of the layers that all share."""
    own = config()
    layers = source.sample(pool, 3)
    return manifest_of(own, layers), [own, *layers]


def _push_or_retry(client: RegistryClient, repository: str, manifest: Content, blobs: list[Content]) -> None:
    """As clients do: ask for each blob, push those that are missing; again if one went meanwhile."""
    for _ in range(20):
        for blob in blobs:
            if client.head_blob(repository, blob.digest).status_code == 404:
                client.push_blob(repository, blob.data)
        answer = client.put_manifest(repository, manifest.digest, manifest)
        if answer.status_code == 201:
            return
        assert (answer.status_code, error_codes(answer)) == (404, ["MANIFEST_BLOB_UNKNOWN"]), answer.text
    raise AssertionError("a push that never gets through")


def test_pushes_and_deletions_of_shared_layers(
    server: HarborServer, registry: RegistryClient, admin_api: httpx.Client, project: str
) -> None:
    """Images of the same few layers come and go in two repositories: the sum stays exact, what is listed whole."""
    pool = [layer(2000 + number) for number in range(5)]
    repositories = [f"{project}/one", f"{project}/two"]

    def work(client: RegistryClient, number: int) -> list[tuple[str, str]]:
        source = random.Random(number)
        kept: list[tuple[str, str]] = []
        for turn in range(14):
            repository = repositories[(number + turn) % 2]
            manifest, blobs = _image(pool, source)
            _push_or_retry(client, repository, manifest, blobs)
            kept.append((repository, manifest.digest))
            if source.random() < 0.7:
                repository, digest = kept.pop(source.randrange(len(kept)))
                assert client.delete_manifest(repository, digest).status_code == 202
            if source.random() < 0.5:
                # What no artifact of the repository needs may go; 405 says that one does.
                gone = client.delete_blob(repository, source.choice(pool).digest)
                assert gone.status_code in (202, 404, 405), gone.text
        return kept

    kept = [pair for pairs in together(server, work) for pair in pairs]

    assert kept
    for repository, digest in kept:
        assert registry.pull(repository, digest) == digest
    listed = select(
        server,
        "SELECT COUNT(*) FROM artifact JOIN project ON project.id = project_id"
        f" WHERE project.name = '{project}'",
    )
    assert listed == [(len(kept),)]
    assert_the_sum_is_exact(server, project)

    for repository, digest in kept:
        assert registry.delete_manifest(repository, digest).status_code == 202
    for repository in repositories:
        for content in pool:
            assert registry.delete_blob(repository, content.digest).status_code in (202, 404)
    assert_the_sum_is_exact(server, project)


def test_a_repository_that_is_deleted_while_all_push(
    server: HarborServer, registry: RegistryClient, admin_api: httpx.Client, project: str
) -> None:
    pool = [layer(500 + number) for number in range(4)]

    def work(client: RegistryClient, number: int) -> None:
        source = random.Random(number)
        for _ in range(8):
            if number == 0:
                answer = admin_api.delete(f"/projects/{project}/repositories/shared")
                assert answer.status_code in (200, 404), answer.text
                continue
            manifest, blobs = _image(pool, source)
            for blob in blobs:
                answer = client.put(client.start_upload(f"{project}/shared"), blob.digest, blob.data)
                assert answer.status_code in (201, 404), answer.text
            answer = client.put_manifest(f"{project}/shared", "v1", manifest)
            assert answer.status_code in (201, 404), answer.text

    together(server, work)

    tag = registry.get_manifest(f"{project}/shared", "v1")
    if tag.status_code == 200:
        registry.pull(f"{project}/shared", "v1")
    assert_the_sum_is_exact(server, project)
