"""Clients push, retag, mount, pull, delete and restore while collections run without pause and are killed.

``STRESS_SECONDS`` says for how long; half a minute without it.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.distribution.documents import config, layer, manifest_of
from tests.distribution.test_concurrency import assert_the_sum_is_exact, select
from tests.support.accounts import api, make_project
from tests.support.http import RegistryClient, error_codes
from tests.support.images import Content, digest_of
from tests.support.programs import die_with_parent
from tests.support.server import HarborServer
from tests.support.services import PostgreSQL, Redis
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("STRESS_SECONDS", "30"))
_CLIENTS = 8
_ATTEMPTS = 40
_ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["embedded", "postgres"])
def registry_server(request: pytest.FixtureRequest) -> Iterator[HarborServer]:
    """One of its own, without a window: a collection takes whatever is not needed at this moment."""
    settings = {"HARBOR_GC_TIME_WINDOW_HOURS": "0", "HARBOR_ACCESS_LOG": "false"}
    if request.param == "postgres":
        postgresql: PostgreSQL = request.getfixturevalue("postgresql")
        redis: Redis = request.getfixturevalue("redis_server")
        settings["HARBOR_DATABASE_URL"] = postgresql.create_database()
        settings["HARBOR_REDIS_URL"] = redis.fresh_database()
    with HarborServer(settings) as server:
        yield server


class Client:
    """One of the clients. Images are of a few layers that all share, so that everybody meets."""

    def __init__(
        self,
        server: HarborServer,
        number: int,
        repositories: list[str],
        images: list[tuple[Content, list[Content]]],
    ) -> None:
        self._random = random.Random(number)
        self._repositories = repositories
        self._images = images
        self._registry = RegistryClient(server.url, server.admin)
        self._rest = api(server.url, server.admin)
        self.done: Counter[str] = Counter()

    def work(self, until: float) -> Counter[str]:
        """Do this and that until then; raises for what must not be."""
        often = (self._push, self._push, self._pull, self._delete, self._forget)
        actions = (*often, *often, self._push, self._retag, self._mount, self._restore)
        try:
            while time.monotonic() < until:
                self.done[self._random.choice(actions)()] += 1
        finally:
            self._registry.close()
            self._rest.close()
        return self.done

    def _place(self) -> str:
        return self._random.choice(self._repositories)

    def _push(self) -> str:
        """As docker does: ask for each blob, send what is missing, then the manifest; begin anew if it is told to."""
        name, (image, blobs) = self._place(), self._random.choice(self._images)
        for attempt in range(_ATTEMPTS):
            for blob in blobs:
                if attempt > 1 or self._registry.head_blob(name, blob.digest).status_code != 200:
                    self._send(name, blob)
            answer = self._registry.put_manifest(name, f"v{self._random.randrange(4)}", image)
            if answer.status_code == 201:
                return "pushed" if attempt == 0 else "pushed again"
            assert answer.status_code == 404, answer.text
            assert error_codes(answer) == ["MANIFEST_BLOB_UNKNOWN"], answer.text
        return "given up"

    def _send(self, name: str, blob: Content) -> None:
        location = self._registry.start_upload(name)
        answer = self._registry.put(location, blob.digest, blob.data)
        assert answer.status_code == 201, answer.text

    def _mount(self) -> str:
        _, blobs = self._random.choice(self._images)
        blob, source, target = self._random.choice(blobs), self._place(), self._place()
        answer = self._registry.mount(target, blob.digest, source=source)
        assert answer.status_code in (201, 202), answer.text
        if answer.status_code == 202:
            assert self._registry.put(answer.headers["Location"], blob.digest, blob.data).status_code == 201
            return "mount refused"
        return "mounted"

    def _retag(self) -> str:
        name, (image, _) = self._place(), self._random.choice(self._images)
        project, _, repository = name.partition("/")
        answer = self._rest.post(
            f"/projects/{project}/repositories/{repository}/artifacts/{image.digest}/tags",
            json={"name": f"t{self._random.randrange(4)}"},
        )
        assert answer.status_code in (201, 404, 409), answer.text
        return "retagged" if answer.status_code == 201 else "not retagged"

    def _pull(self) -> str:
        return pull_whole(self._registry, self._place(), f"v{self._random.randrange(4)}")

    def _delete(self) -> str:
        name, (image, _) = self._place(), self._random.choice(self._images)
        answer = self._registry.delete_manifest(name, image.digest)
        assert answer.status_code in (202, 404), answer.text
        return "deleted" if answer.status_code == 202 else "not deleted"

    def _trash(self) -> tuple[str, list[int]]:
        project = self._place().partition("/")[0]
        answer = self._rest.get(f"/projects/{project}/trash?page_size=10")
        assert answer.status_code == 200, answer.text
        return project, [entry["id"] for entry in answer.json() or []]

    def _forget(self) -> str:
        project, entries = self._trash()
        for entry in entries[-3:]:
            answer = self._rest.delete(f"/projects/{project}/trash/{entry}")
            assert answer.status_code in (200, 404), answer.text
        return "forgotten"

    def _restore(self) -> str:
        project, entries = self._trash()
        for entry in entries[:1]:
            answer = self._rest.post(f"/projects/{project}/trash/{entry}/restore")
            assert answer.status_code in (200, 404, 409, 412), answer.text
        return "restored"


def pull_whole(registry: RegistryClient, name: str, reference: str) -> str:
    """Pull an image; a blob may be missing only if the image is gone by now."""
    for _ in range(_ATTEMPTS):
        answer = registry.get_manifest(name, reference)
        if answer.status_code == 404:
            return "not pulled"
        assert answer.status_code == 200, answer.text
        document = answer.json()
        wanted = [document["config"]["digest"], *(one["digest"] for one in document["layers"])]
        answers = [registry.get_blob(name, digest) for digest in wanted]
        if all(
            one.status_code == 200 and digest_of(one.content) == digest
            for one, digest in zip(answers, wanted, strict=True)
        ):
            return "pulled"
        assert {one.status_code for one in answers} <= {200, 404}
    raise AssertionError(f"{name}:{reference} is there and cannot be pulled")


@contextmanager
def collecting(server: HarborServer) -> Iterator[Counter[str]]:
    """Collect without pause for the block, in a process that is killed every second or two."""
    ended = threading.Event()
    seen: Counter[str] = Counter()
    environment = server.env | {
        "HARBOR_DATA_DIR": str(server.data_dir),
        "DJANGO_SETTINGS_MODULE": "harbor_py.settings",
    }

    def loop() -> None:
        source = random.Random(7)
        while not ended.is_set():
            with subprocess.Popen(
                [sys.executable, "-m", "tests.gc.collector"],
                cwd=_ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
                preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - it makes one system call
            ) as process:
                # After its first, so that every process does some work before it dies.
                assert process.stdout is not None
                seen["collections"] += process.stdout.readline() == "collected\n"
                ended.wait(source.uniform(0.2, 2))
                process.kill()
                seen["kills"] += 1
                seen["collections"] += process.stdout.read().count("collected\n")

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def collect(admin: httpx.Client) -> None:
    """A collection by the server's own worker, to its end."""
    schedule = {"schedule": {"type": "Manual"}, "parameters": {"workers": 4}}
    answer = admin.post("/system/gc/schedule", json=schedule)
    path = answer.headers["Location"].removeprefix("/api/v2.0")
    ended = eventually(
        lambda: admin.get(path).json(), lambda found: found["job_status"] not in {"Running", "Pending"}
    )
    assert ended["job_status"] == "Success", admin.get(f"{path}/log").text


def files(server: HarborServer) -> tuple[dict[str, int], list[Path]]:
    """Sizes of the blobs in storage by digest, and what uploads have left."""
    root = server.data_dir / "storage" / "docker" / "registry" / "v2"
    blobs = {f"sha256:{path.parent.name}": path.stat().st_size for path in root.glob("blobs/*/*/*/data")}
    return blobs, [path for path in (root / "_uploads").rglob("*") if path.is_file()]


def assert_nothing_is_missing_or_too_much(server: HarborServer, repositories: list[str]) -> int:
    """Returns how many artifacts were pulled whole."""
    pulled = 0
    with RegistryClient(server.url, server.admin) as registry:
        for name, digest in select(
            server, "SELECT name, digest FROM artifact JOIN repository ON repository.id = repository_id"
        ):
            assert registry.pull(name, digest) == digest
            pulled += 1
    for project in {name.partition("/")[0] for name in repositories}:
        assert_the_sum_is_exact(server, project)
    stored, uploads = files(server)
    assert stored == dict(select(server, "SELECT digest, size FROM blob WHERE stored"))
    assert uploads == []
    assert select(server, "SELECT digest FROM blob WHERE state <> 'live'") == []
    needless = select(
        server,
        "SELECT digest FROM blob WHERE stored AND id NOT IN (SELECT blob_id FROM artifact_blob)"
        " AND id NOT IN (SELECT blob_id FROM trashed_blob)",
    )
    assert needless == []
    return pulled


def test_nothing_is_lost_and_nothing_stays(registry_server: HarborServer) -> None:
    with api(registry_server.url, registry_server.admin) as admin:
        projects = [make_project(admin, limit=1 << 40) for _ in range(2)]
        repositories = [f"{project}/{name}" for project in projects for name in ("a", "b")]
        layers = [layer(random.randrange(1, 50_000)) for _ in range(8)]
        images = []
        for number in range(12):
            own, some = config(), [layers[number % 8], layers[(number * 3 + 1) % 8]]
            images.append((manifest_of(own, some), [own, *some]))
        with collecting(registry_server) as seen:
            eventually(lambda: seen["collections"])
            until = time.monotonic() + SECONDS
            clients = [Client(registry_server, number, repositories, images) for number in range(_CLIENTS)]
            with ThreadPoolExecutor(_CLIENTS) as pool:
                done = sum(pool.map(lambda client: client.work(until), clients), Counter())
        collect(admin)

        assert assert_nothing_is_missing_or_too_much(registry_server, repositories) > 0
    sys.stdout.write(f"{dict(done)} {dict(seen)}\n")
    assert seen["kills"] > 2
    for what in ("pushed", "pulled", "mounted", "deleted", "retagged", "restored", "forgotten"):
        assert done[what], done
    # What is needed at this moment is taken from a push now and then, and it says so; most go through.
    assert done["given up"] <= done["pushed"] + done["pushed again"], done
