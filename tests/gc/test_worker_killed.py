"""A collection whose worker is killed in the middle is run again by the next one, and counts nothing twice."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.accounts import api
from tests.support.images import digest_of
from tests.support.server import HarborServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

_FILES = 900


@pytest.fixture
def own_server() -> Iterator[HarborServer]:
    with HarborServer({"HARBOR_GC_TIME_WINDOW_HOURS": "0"}) as server:
        yield server


def _strays(server: HarborServer) -> Path:
    """Files that the database does not know."""
    folder = server.data_dir / "storage/docker/registry/v2/blobs/sha256"
    for number in range(_FILES):
        data = b"%06d" % number
        name = digest_of(data).removeprefix("sha256:")
        path = folder / name[:2] / name
        path.mkdir(parents=True)
        (path / "data").write_bytes(data)
    return folder


def test_the_next_worker_goes_on(own_server: HarborServer) -> None:
    folder = _strays(own_server)
    workers = [one for one in own_server.processes() if "harbor_py.worker" in one.cmdline()]
    assert workers
    with api(own_server.url, own_server.admin) as admin:
        answer = admin.post("/system/gc/schedule", json={"schedule": {"type": "Manual"}, "parameters": {}})
        path = answer.headers["Location"].removeprefix("/api/v2.0")

        def left() -> int:
            return sum(1 for _ in folder.glob("*/*/data"))

        eventually(left, lambda count: count < _FILES)
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)
        ended = eventually(
            lambda: admin.get(path).json(),
            lambda found: found["job_status"] not in {"Running", "Pending"},
            seconds=120,
        )

        log = admin.get(f"{path}/log").text
        assert ended["job_status"] == "Success", log
        results = json.loads(ended["job_parameters"])
        assert (results["purged_blobs"], results["freed_space"]) == (_FILES, 6 * _FILES)
        assert f"{_FILES} blobs and 0 manifests\n" in log
        assert left() == 0
