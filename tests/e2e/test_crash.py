"""SIGKILL at random points in pushes: what was acknowledged is whole, and no row lacks its bytes."""

import hashlib
import itertools
import random
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from apps.oci.digests import parse_digest
from apps.storage.layout import blob_path
from tests.e2e.test_interrupted_uploads import resume
from tests.support.accounts import api, make_project
from tests.support.http import RegistryClient, RegistryError
from tests.support.images import digest_of, make_image
from tests.support.server import HarborServer

# A hundred kills, in rounds that workers of pytest-xdist can share.
_ROUNDS = 4
_KILLS = 25
_PUSHERS = 4
_LONGEST_LIFE = 0.6
_LAYER_SIZES = (100, 10_000, 300_000, 2_000_000)


@dataclass
class Pusher(threading.Thread):
    """Pushes one image after the other into a repository of its own and writes down what was acknowledged."""

    server: HarborServer
    repository: str
    stop: threading.Event
    images: dict[str, str] = field(default_factory=dict)
    blobs: set[str] = field(default_factory=set)
    latest: str = ""
    latest_may_be: set[str] = field(default_factory=set)
    unexpected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        with RegistryClient(self.server.url, self.server.admin, timeout=30) as registry:
            for number in itertools.count():
                if self.stop.is_set():
                    return
                try:
                    self._push(registry, f"v{number}")
                except httpx.HTTPError:
                    # The server is dead: this push was not acknowledged.
                    self._wait_for_server()
                except RegistryError as error:
                    self.unexpected.append(str(error))

    def _wait_for_server(self) -> None:
        name, _, port = self.server.host.partition(":")
        while not self.stop.is_set():
            with suppress(OSError), socket.create_connection((name, int(port)), timeout=5):
                return
            time.sleep(0.05)

    def _push(self, registry: RegistryClient, tag: str) -> None:
        image = make_image(layers=random.randint(1, 3), layer_size=random.choice(_LAYER_SIZES))
        for blob in image.blobs:
            piece = random.choice((None, 50_000)) if len(blob.data) < 400_000 else None
            self.blobs.add(registry.push_blob(self.repository, blob.data, piece=piece))
        self._put(registry, tag, image.manifest)
        self.images[tag] = image.digest
        self.latest_may_be.add(image.digest)
        self._put(registry, "latest", image.manifest)
        self.latest, self.latest_may_be = image.digest, set()

    def _put(self, registry: RegistryClient, tag: str, manifest) -> None:
        answer = registry.put_manifest(self.repository, tag, manifest)
        if answer.status_code != 201:
            raise RegistryError(f"{answer.status_code}: {answer.text}")


@pytest.fixture
def crashing_server() -> Iterator[HarborServer]:
    with HarborServer({"HARBOR_WORKERS": "1", "HARBOR_ACCESS_LOG": "false"}) as server:
        yield server


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("_round", range(_ROUNDS))
def test_what_was_acknowledged_survives_kills(crashing_server: HarborServer, _round: int) -> None:
    server = crashing_server
    with api(server.url, server.admin) as client:
        project = make_project(client)
    stop = threading.Event()
    pushers = [Pusher(server, f"{project}/image{number}", stop) for number in range(_PUSHERS)]
    for pusher in pushers:
        pusher.start()
    try:
        for _ in range(_KILLS):
            time.sleep(random.uniform(0, _LONGEST_LIFE))
            server.kill9()
            server.start()
    finally:
        stop.set()
        for pusher in pushers:
            pusher.join()

    assert sum(len(pusher.images) for pusher in pushers) > _KILLS, "too little was pushed to prove anything"
    for pusher in pushers:
        assert pusher.unexpected == []
        with RegistryClient(server.url, server.admin) as registry:
            for digest in pusher.blobs:
                registry.pull_blob(pusher.repository, digest)
            for tag, digest in pusher.images.items():
                assert registry.pull(pusher.repository, tag) == digest
            assert registry.pull(pusher.repository, "latest") in {pusher.latest, *pusher.latest_may_be}
    server.terminate()
    _assert_rows_have_their_bytes(server.data_dir)


def test_an_upload_is_resumed_after_a_kill(crashing_server: HarborServer) -> None:
    server = crashing_server
    with api(server.url, server.admin) as client:
        repository = f"{make_project(client)}/image"
    data = random.randbytes(1_000_000)
    with RegistryClient(server.url, server.admin) as registry:
        location = registry.patch(registry.start_upload(repository), data[:400_000]).headers["Location"]

    server.kill9()
    server.start()

    with RegistryClient(server.url, server.admin) as registry:
        location = resume(registry, location, data)
        assert registry.put(location, digest_of(data)).status_code == 201
        assert registry.pull_blob(repository, digest_of(data)) == data


def _assert_rows_have_their_bytes(data_dir: Path) -> None:
    with sqlite3.connect(f"file:{data_dir}/harbor.db?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = database.execute("SELECT digest, size FROM blob WHERE stored").fetchall()
        assert rows
        for digest, size in rows:
            path = data_dir / "storage" / blob_path(parse_digest(digest))
            algorithm, _, hexadecimal = digest.partition(":")
            with path.open("rb") as file:
                assert hashlib.file_digest(file, algorithm).hexdigest() == hexadecimal
            assert path.stat().st_size == size
        unlinked = database.execute(
            "SELECT artifact_id FROM artifact_blob LEFT JOIN blob ON blob.id = blob_id WHERE blob.id IS NULL"
        ).fetchall()
        assert unlinked == []
    database.close()
