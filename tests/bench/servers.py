"""The two sides: Debian's ``docker-registry``, bare, and this product with everything on."""

import base64
import json
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, Self

from tests.bench.client import Connection
from tests.support.accounts import Person, Role, add_member, api, make_project, make_user
from tests.support.programs import die_with_parent, find_program, free_port
from tests.support.server import HarborServer
from tests.support.services import PostgreSQL, Redis

QUOTA = 1 << 40
_START_SECONDS = 30

_THEIR_CONFIGURATION = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: {host}}}
"""


class BenchError(Exception):
    """Something that the benchmark needs is not there, or a server answered wrongly."""


class Server(Protocol):
    """A running registry. ``name`` is its column; ``bare`` says that it asks nobody who they are."""

    name: str
    host: str
    bare: bool

    def prepare(self, projects: list[str]) -> None:
        """Make the projects, and a person who may push to them."""

    def credentials(self, repository: str) -> Mapping[str, str]:
        """Headers that let the client pull and push, with a new token where there are tokens."""

    def roots(self) -> list[int]:
        """Process ids whose trees do the work."""

    def counted(self) -> list[int]:
        """Those of :meth:`roots` whose memory is the registry's own."""

    def stop(self) -> None:
        """End it and remove its data."""


class TheirServer:
    """Debian's ``docker-registry``: local files, no authentication, no log."""

    name = "docker-registry"
    bare = True

    def __init__(self) -> None:
        program = find_program("docker-registry")
        if program is None:
            raise BenchError("the program docker-registry is not installed")
        self._folder = Path(tempfile.mkdtemp(prefix="harbor-bench-theirs-"))
        self.host = f"127.0.0.1:{free_port()}"
        configuration = self._folder / "config.yml"
        configuration.write_text(
            _THEIR_CONFIGURATION.format(root=self._folder / "data", host=self.host), "utf-8"
        )
        self._log = self._folder / "log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [program, "serve", str(configuration)],
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it makes one system call
            )
        self._wait()

    def _wait(self) -> None:
        name, _, port = self.host.rpartition(":")
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                socket.create_connection((name, int(port)), timeout=1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    text = self._log.read_text("utf-8", "replace")
                    self.stop()
                    raise BenchError(f"docker-registry did not start:\n{text[-2000:]}") from None
                time.sleep(0.05)
            else:
                return

    def prepare(self, projects: list[str]) -> None:
        """Nothing: a repository is there when something is pushed to it."""

    def credentials(self, repository: str) -> Mapping[str, str]:
        return {}

    def roots(self) -> list[int]:
        return [self._process.pid]

    def counted(self) -> list[int]:
        return self.roots()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class OurServer:
    """``harbor-py up`` as it comes, with quotas on the projects and a maintainer who pushes by token."""

    bare = False

    def __init__(self, name: str, settings: Mapping[str, str], services: list[PostgreSQL | Redis]) -> None:
        self.name = name
        self._services = services
        self._server = HarborServer(settings)
        self._server.start()
        self.host = self._server.host
        self._person = Person("", "")

    @classmethod
    def embedded(cls) -> Self:
        """SQLite and files."""
        return cls("ours, embedded", {}, [])

    @classmethod
    def with_services(cls) -> Self:
        """A PostgreSQL that syncs its log to disk as it would in use, and Redis."""
        postgresql, redis = PostgreSQL(durable=True), Redis()
        settings = {
            "HARBOR_DATABASE_URL": postgresql.create_database(),
            "HARBOR_REDIS_URL": redis.fresh_database(),
        }
        return cls("ours, server", settings, [postgresql, redis])

    def prepare(self, projects: list[str]) -> None:
        with api(self._server.url, self._server.admin) as client:
            self._person = make_user(client)
            for project in projects:
                make_project(client, name=project, limit=QUOTA)
                add_member(client, project=project, person=self._person, role=Role.MAINTAINER)

    def credentials(self, repository: str) -> Mapping[str, str]:
        with Connection(self.host) as connection:
            path = token_path(f"repository:{repository}:pull,push")
            answer = connection.request("GET", path, self.basic(), expect=200)
        return {"Authorization": f"Bearer {json.loads(answer.body)['token']}"}

    def basic(self) -> Mapping[str, str]:
        """The header of HTTP Basic."""
        pair = f"{self._person.name}:{self._person.password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def roots(self) -> list[int]:
        return [self._server.pid, *(service.pid for service in self._services)]

    def counted(self) -> list[int]:
        return [self._server.pid]

    def stop(self) -> None:
        self._server.stop()
        for service in self._services:
            service.stop()


def token_path(scope: str) -> str:
    """Path and query of a request for a token."""
    return f"/service/token?service=harbor-registry&scope={scope}"
