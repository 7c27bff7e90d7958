"""Clients with private state, and people with each role in a project."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.clients import Buildah, Client, Docker, Podman, Skopeo, run
from tests.support.accounts import Person, Role, api, make_member, make_project, make_robot, make_user
from tests.support.programs import die_with_parent, need
from tests.support.server import HarborServer

_DAEMON_SECONDS = 60


@dataclass(frozen=True)
class Tenant:
    """A private project of ``server`` and the people around it."""

    server: HarborServer
    project: str
    people: dict[str, Person]

    def reference(self, name: str, tag: str = "latest") -> str:
        """``HOST/PROJECT/NAME:TAG``, or with ``@`` where ``tag`` is a digest."""
        return f"{self.server.host}/{self.project}/{name}{'@' if ':' in tag else ':'}{tag}"


def make_tenant(server: HarborServer) -> Tenant:
    """A project with one person of each kind: the keys of ``people``."""
    with api(server.url, server.admin) as client:
        project = make_project(client)
        people = {
            "admin": server.admin,
            "maintainer": make_member(client, project=project, role=Role.MAINTAINER),
            "developer": make_member(client, project=project, role=Role.DEVELOPER),
            "guest": make_member(client, project=project, role=Role.GUEST),
            "outsider": make_user(client),
            "robot": make_robot(client, project=project, actions=("pull", "push")),
            "pull robot": make_robot(client, project=project, actions=("pull",)),
        }
    return Tenant(server, project, people)


@pytest.fixture(scope="session")
def tenant(server: HarborServer) -> Tenant:
    """A tenant of each server in turn."""
    return make_tenant(server)


@pytest.fixture(scope="session")
def embedded_tenant(embedded_server: HarborServer) -> Tenant:
    """A tenant of the embedded server."""
    return make_tenant(embedded_server)


def _need_root() -> None:
    if os.geteuid() == 0:
        return
    message = "docker, podman and buildah need root here"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def docker_daemon() -> Iterator[str]:
    """The address of a private dockerd, which takes any registry on the loopback without TLS."""
    _need_root()
    program, command = need("dockerd"), need("docker")
    folder = Path(tempfile.mkdtemp(prefix="harbor-docker-"))
    address = f"unix://{folder}/socket"
    log = folder / "log"
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            [
                *(program, "-H", address, "--storage-driver=vfs", "--bridge=none"),
                *("--iptables=false", "--ip6tables=false", f"--data-root={folder}/data"),
                *(f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"),
            ],
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it makes one system call
        )
    try:
        deadline = time.monotonic() + _DAEMON_SECONDS
        while not run([command, "-H", address, "version"]).ok:
            if daemon.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"dockerd did not start:\n{log.read_text('utf-8', 'replace')[-4000:]}")
            time.sleep(0.1)
        yield address
    finally:
        daemon.terminate()
        try:
            daemon.wait(30)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: runroot and sockets below it have to fit into 108 characters."""
    path = Path(tempfile.mkdtemp(prefix="harbor-e2e-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def docker(docker_daemon: str, folder: Path) -> Docker:
    return Docker(folder, docker_daemon)


@pytest.fixture
def podman(folder: Path) -> Podman:
    _need_root()
    return Podman(folder)


@pytest.fixture
def buildah(folder: Path) -> Buildah:
    _need_root()
    return Buildah(folder)


@pytest.fixture
def skopeo(folder: Path) -> Skopeo:
    return Skopeo(folder)


@pytest.fixture(params=["docker", "podman", "buildah", "skopeo"])
def client(request: pytest.FixtureRequest) -> Client:
    """Each client in turn, logged in nowhere."""
    return request.getfixturevalue(request.param)
