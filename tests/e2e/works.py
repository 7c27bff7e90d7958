"""A long job of each kind on a running server, to be cut off in its middle: what it is seen by, and what has to be there at its end."""

import json
import re
from collections import Counter
from typing import Any, Protocol

import httpx

from apps.artifacts.models import Artifact
from tests.api.test_webhooks import make, policy
from tests.distribution.documents import EMPTY, manifest_of, push
from tests.e2e.test_jobs import Jobs
from tests.support.accounts import make_project
from tests.support.http import RegistryClient
from tests.support.images import digest_of, make_image
from tests.support.receiver import Receiver
from tests.support.server import HarborServer
from tests.support.waiting import eventually

_FINAL = {"Success", "Error", "Stopped"}


class Work(Protocol):
    """``vendor_type`` is its queue, ``first_words`` the first of what each run of it logs."""

    vendor_type: str
    first_words: str

    def begin(self) -> None:
        """Make something to do, and have it done."""

    def is_under_way(self) -> bool:
        """Whether a part of it is done, and another one is not."""

    def go_on(self) -> None:
        """Let it end, if it does not by itself."""

    def check(self, log: str, *, runs: int) -> None:
        """That all of it is done, and nothing twice, by so many runs."""

    def close(self) -> None:
        """Drop what it holds."""


class _Work:
    def __init__(self, server: HarborServer, admin: httpx.Client) -> None:
        self.server = server
        self.admin = admin

    def go_on(self) -> None:
        """It does."""

    def close(self) -> None:
        """It holds nothing."""

    def ask(self, path: str) -> Any:
        answer = self.admin.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Purge(_Work):
    """Some hundred thousand rows of the audit log."""

    vendor_type = "PURGE_AUDIT_LOG"
    first_words = "Purge audit job start"

    def __init__(self, server: HarborServer, admin: httpx.Client) -> None:
        super().__init__(server, admin)
        self.jobs = Jobs(server)

    def begin(self) -> None:
        self.jobs.fill()
        self.url = self.jobs.begin()

    def is_under_way(self) -> bool:
        return 0 < self.jobs.left() < self.jobs.rows

    def check(self, log: str, *, runs: int) -> None:
        assert self.jobs.left() == 0
        assert self.jobs.purged(self.url) == self.jobs.rows, "each row counts once"

    def close(self) -> None:
        self.jobs.close()


class Collection(_Work):
    """Some thousand blobs that no manifest uses."""

    vendor_type = "GARBAGE_COLLECTION"
    first_words = "time window: 0 hours"
    _COUNT = 8000
    _SIZE = 77

    def begin(self) -> None:
        folder = self.server.data_dir / "storage/docker/registry/v2/blobs/sha256"
        rows = []
        for number in range(self._COUNT):
            data = f"{number:0{self._SIZE}d}".encode()
            digest = digest_of(data)
            name = digest.removeprefix("sha256:")
            path = folder / name[:2] / name
            path.mkdir(parents=True)
            (path / "data").write_bytes(data)
            rows.append(f"('{digest}', {self._SIZE}, true, 'live', '2026-01-01 00:00:00+00:00')")
        self.server.query(
            f"INSERT INTO blob (digest, size, stored, state, touched_at) VALUES {', '.join(rows)}"
        )
        self.folder = folder
        answer = self.admin.post(
            "/system/gc/schedule", json={"schedule": {"type": "Manual"}, "parameters": {}}
        )
        assert answer.status_code == 201, answer.text
        self.path = answer.headers["Location"].removeprefix("/api/v2.0")

    def is_under_way(self) -> bool:
        return 0 < self._left() < self._COUNT

    def check(self, log: str, *, runs: int) -> None:
        results = json.loads(self.ask(self.path)["job_parameters"])
        assert (results["purged_blobs"], results["freed_space"]) == (self._COUNT, self._COUNT * self._SIZE)
        assert f"{self._COUNT} blobs and 0 manifests\n" in log
        assert self._left() == 0
        files = [path for path in self.folder.glob("*/*/data") if path.stat().st_size == self._SIZE]
        assert files == []

    def _left(self) -> int:
        return int(self.server.query(f"SELECT count(*) FROM blob WHERE size = {self._SIZE}")[0])


class Retention(_Work):
    """All but the newest of some thousand images."""

    vendor_type = "RETENTION"
    first_words = "are to be deleted"
    _IMAGES = 5000
    _KEPT = 5

    def begin(self) -> None:
        self.project = make_project(self.admin)
        self.repository = f"{self.project}/app"
        with RegistryClient(self.server.url, self.server.admin) as registry:
            registry.push_blob(self.repository, EMPTY.data)
            first = push(registry, self.repository, manifest_of(), tag="v0")
            self.digests = [first, *self._copies(first, self._IMAGES - 1 - self._KEPT)]
            self.digests += [
                push(registry, self.repository, manifest_of(), tag=f"kept-{number}")
                for number in range(self._KEPT)
            ]
        project_id = self.ask(f"/projects/{self.project}")["project_id"]
        made = self.admin.post("/retentions", json=self._policy(project_id))
        assert made.status_code == 201, made.text
        path = made.headers["Location"].removeprefix("/api/v2.0")
        begun = self.admin.post(f"{path}/executions", json={"dry_run": False})
        assert begun.status_code == 201, begun.text
        self.run = begun.headers["Location"].removeprefix("/api/v2.0")

    def is_under_way(self) -> bool:
        return 0 < self._deleted() < self._IMAGES - self._KEPT

    def check(self, log: str, *, runs: int) -> None:
        (task,) = self.ask(f"{self.run}/tasks")
        assert (task["total"], task["retained"]) == (self._IMAGES, self._KEPT)
        assert self._deleted() == self._IMAGES - self._KEPT
        assert Counter(re.findall(r"^\| (sha256:[0-9a-f]{64}) ", log, re.MULTILINE)) == Counter(self.digests)
        told = self.admin.get(
            f"/projects/{self.project}/auditlog-exts?page_size=1&q=operation=delete,username=retention,"
            "resource_type=artifact"
        )
        assert int(told.headers["X-Total-Count"]) == self._IMAGES - self._KEPT
        with RegistryClient(self.server.url, self.server.admin) as registry:
            assert len(registry.tags(self.repository).json()["tags"]) == self._KEPT
            for number in range(self._KEPT):
                registry.pull(self.repository, f"kept-{number}")

    def _copies(self, digest: str, count: int) -> list[str]:
        """Rows as those of an image, with digests and tags of their own: to push so many takes minutes."""
        copies = [digest_of(f"{digest} {number}".encode()) for number in range(count)]
        columns = ", ".join(
            field.attname for field in Artifact._meta.fields if field.attname not in {"id", "digest"}
        )
        pairs = ", ".join(f"('{copy}', 'v{number}')" for number, copy in enumerate(copies, start=1))
        self.server.query(
            f"INSERT INTO artifact (digest, {columns}) SELECT pair.column1, {columns}"
            f" FROM (VALUES {pairs}) AS pair JOIN artifact ON artifact.digest = '{digest}'"
        )
        self.server.query(
            "INSERT INTO tag (repository_id, artifact_id, name, push_time)"
            " SELECT repository_id, id, pair.column2, push_time"
            f" FROM (VALUES {pairs}) AS pair JOIN artifact ON artifact.digest = pair.column1"
        )
        return copies

    def _deleted(self) -> int:
        answer = self.admin.get(f"/projects/{self.project}/trash", params={"page_size": 1})
        return int(answer.headers["X-Total-Count"])

    def _policy(self, project_id: int) -> dict[str, Any]:
        selector = {"kind": "doublestar", "pattern": "**"}
        return {
            "algorithm": "or",
            "rules": [
                {
                    "action": "retain",
                    "template": "latestPushedK",
                    "params": {"latestPushedK": self._KEPT},
                    "tag_selectors": [selector | {"decoration": "matches"}],
                    "scope_selectors": {"repository": [selector | {"decoration": "repoMatches"}]},
                }
            ],
            "trigger": {"kind": "Schedule", "settings": {"cron": ""}},
            "scope": {"level": "project", "ref": project_id},
        }


class Delivery(_Work):
    """A request to a receiver that takes its time."""

    vendor_type = "WEBHOOK"
    first_words = "PUSH_ARTIFACT to "

    def __init__(self, server: HarborServer, admin: httpx.Client) -> None:
        super().__init__(server, admin)
        self.receiver = Receiver().start()

    def begin(self) -> None:
        self.receiver.open.clear()
        project = make_project(self.admin)
        make(self.admin, project, policy(self.receiver.url))
        with RegistryClient(self.server.url, self.server.admin) as registry:
            registry.push(f"{project}/app", make_image(), tag="v1")

    def is_under_way(self) -> bool:
        return len(self.receiver.requests) == 1

    def go_on(self) -> None:
        self.receiver.open.set()

    def check(self, log: str, *, runs: int) -> None:
        """At least once: by its id a receiver knows what it has had."""
        requests = self.receiver.requests
        assert len(requests) == runs
        assert len({(request.headers["x-harbor-event-id"], request.body) for request in requests}) == 1
        assert log.count("answered 200") == 1

    def close(self) -> None:
        self.receiver.stop()


class Running:
    """A work that was begun, and is watched."""

    def __init__(self, work: Work, server: HarborServer, admin: httpx.Client) -> None:
        self.work = work
        self._server = server
        self._admin = admin
        newest = f"SELECT max(id) FROM task WHERE vendor_type = '{work.vendor_type}'"
        before = server.query(newest)[0] or 0
        work.begin()
        self.task = eventually(lambda: server.query(newest)[0] or 0, lambda found: found > before)
        eventually(lambda: self.runs() == 1 and work.is_under_way())

    def log(self) -> str:
        return self._admin.get(f"/jobservice/jobs/{self.task}/log").text

    def runs(self) -> int:
        """How many have logged that they began."""
        return self.log().count(self.work.first_words)

    def status(self) -> str:
        return str(self._server.query(f"SELECT status FROM task WHERE id = {self.task}")[0])

    def check_end(self, *, runs: int, log_before: str) -> None:
        """Wait for the end, and look at what there is."""
        status = eventually(self.status, lambda found: found in _FINAL)
        log = self.log()
        assert status == "Success", log
        assert log.startswith(log_before), "the log goes on in the same place"
        assert log.count(self.work.first_words) == runs
        self.work.check(log, runs=runs)


WORKS: dict[str, type[Any]] = {
    "collection": Collection,
    "retention": Retention,
    "purge": Purge,
    "delivery": Delivery,
}
