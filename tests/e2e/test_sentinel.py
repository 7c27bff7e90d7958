"""Redis with Sentinel: what happens to pushes, pulls, caches and jobs when another server becomes the master."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote

import httpx
import pytest

from tests.e2e.test_jobs import Jobs
from tests.support.accounts import Role, api, make_member, make_project
from tests.support.http import RegistryClient, RegistryError
from tests.support.images import Image, make_image
from tests.support.server import HarborServer
from tests.support.services import PostgreSQL, Redis, Sentinel
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_PASSWORD = "p@ss/word:of redis"
_SENTINEL_PASSWORD = "another & longer"
_UNAVAILABLE = 503


@dataclass
class Site:
    """A server over two Redis servers, whichever of them is the master, and three sentinels."""

    server: HarborServer
    servers: tuple[Redis, Redis]
    sentinels: list[Sentinel] = field(default_factory=list)

    @property
    def master(self) -> Redis:
        """The one that clients are sent to."""
        port = self.sentinels[0].master_port()
        return next(one for one in self.servers if one.port == port)

    def wait_until_whole(self) -> None:
        """Until the other one follows the master, and all sentinels know it."""

        def is_whole() -> bool:
            roles = sorted(one.role() for one in self.servers)
            views = {(one.master_port(), *one.knows()) for one in self.sentinels}
            return roles == ["master", "slave"] and views == {(self.master.port, 1, 2)}

        eventually(is_whole)


@pytest.fixture(scope="module")
def site(postgresql: PostgreSQL) -> Iterator[Site]:
    first = Redis(password=_PASSWORD)
    services: list[Redis | Sentinel] = [first]
    try:
        second = Redis(password=_PASSWORD, replica_of=first.port)
        services.append(second)
        sentinels = []
        for _ in range(3):
            sentinels.append(Sentinel(first, password=_PASSWORD, own_password=_SENTINEL_PASSWORD, quorum=2))
            services.append(sentinels[-1])
        nodes = ",".join(f"127.0.0.1:{one.port}" for one in sentinels)
        settings = {
            "HARBOR_WORKERS": "2",
            "HARBOR_JOB_LOST_SECONDS": "6",
            "HARBOR_DATABASE_URL": postgresql.create_database(),
            "HARBOR_REDIS_URL": (
                f"redis+sentinel://:{quote(_PASSWORD, safe='')}@{nodes}/{Sentinel.MASTER}/3"
                f"?sentinel_password={quote(_SENTINEL_PASSWORD, safe='')}"
            ),
        }
        with HarborServer(settings) as server:
            yield Site(server, (first, second), sentinels)
    finally:
        for service in reversed(services):
            service.stop()


@pytest.fixture
def whole_site(site: Site) -> Site:
    site.wait_until_whole()
    return site


class Puller(threading.Thread):
    """Pulls one image without pause; ``failures`` is what it was told instead."""

    def __init__(self, server: HarborServer, repository: str, image: Image) -> None:
        super().__init__()
        self._server, self._repository, self._image = server, repository, image
        self._ended = threading.Event()
        self.pulled = 0
        self.failures: list[str] = []

    def run(self) -> None:
        with RegistryClient(self._server.url, self._server.admin, timeout=30) as registry:
            while not self._ended.is_set():
                try:
                    assert registry.pull(self._repository, "v1") == self._image.digest
                    self.pulled += 1
                except (RegistryError, httpx.HTTPError, AssertionError) as error:
                    self.failures.append(repr(error))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self.join()


def _push(site: Site, repository: str, tag: str) -> None:
    """As clients do: what was told to try again tries again."""

    def is_pushed() -> bool:
        with RegistryClient(site.server.url, site.server.admin, timeout=30) as registry:
            try:
                registry.push(repository, make_image(), tag=tag)
            except RegistryError as error:
                if str(_UNAVAILABLE) not in str(error):
                    raise
                return False
        return True

    eventually(is_pushed)


def _fail_over(site: Site, way: str) -> None:
    old = site.master
    if way == "killed":
        old.kill()
    else:
        site.sentinels[0].fail_over()
    eventually(lambda: site.master.port != old.port and site.master.role() == "master")
    if way == "killed":
        # It comes back as what it was, with nothing, and is told that it is a replica now.
        old.start()


@pytest.mark.parametrize("way", ["killed", "asked"])
def test_another_server_becomes_the_master(whole_site: Site, way: str) -> None:
    site = whole_site
    with closing(Jobs(site.server)) as jobs:
        repository = f"{make_project(jobs.admin)}/app"
        image = make_image()
        with RegistryClient(site.server.url, site.server.admin) as registry:
            registry.push(repository, image, tag="v1")
        jobs.fill()
        url, waiting = jobs.begin_and_wait_for_the_middle(), jobs.begin(dry_run=True)
        with Puller(site.server, repository, image) as puller:
            eventually(lambda: puller.pulled)
            _fail_over(site, way)
            _push(site, repository, "v2")
            before = puller.pulled
            eventually(lambda: puller.pulled > before)

        assert puller.failures == []
        for one in (url, waiting):
            jobs.wait(one)
        assert jobs.purged(url) == jobs.rows
        assert jobs.log(url).count("Purge audit job start") == 1, "it never noticed"
        # What begins afterwards goes over the new master.
        after = jobs.begin(dry_run=True)
        jobs.wait(after)
        eventually(lambda: jobs.admin.get("/health").json()["status"], lambda found: found == "healthy")


def test_caches_follow_the_new_master(whole_site: Site) -> None:
    """Both server processes remember that somebody may pull, and hear of the end of it over another master."""
    site = whole_site
    with api(site.server.url, site.server.admin) as admin:
        project = make_project(admin)
        member = make_member(admin, project=project, role=Role.GUEST)
        with RegistryClient(site.server.url, site.server.admin) as registry:
            registry.push(f"{project}/app", make_image(), tag="v1")
        clients = [RegistryClient(site.server.url, member) for _ in range(8)]
        try:
            assert {client.get_manifest(f"{project}/app", "v1").status_code for client in clients} == {200}
            _fail_over(site, "asked")
            (mid,) = [
                one["id"]
                for one in admin.get(f"/projects/{project}/members").json()
                if one["entity_name"] == member.name
            ]
            eventually(
                lambda: admin.delete(f"/projects/{project}/members/{mid}").status_code,
                lambda status: status != _UNAVAILABLE,
            )
            told = {client.get_manifest(f"{project}/app", "v1").status_code for client in clients}
            assert told <= {401, 403, 404}
        finally:
            for client in clients:
                client.close()


def test_without_a_sentinel_that_answers_it_goes_on(whole_site: Site) -> None:
    """One of three is away."""
    site = whole_site
    away = site.sentinels.pop(0)
    away.stop()
    with api(site.server.url, site.server.admin) as admin:
        _push(site, f"{make_project(admin)}/app", "v1")
