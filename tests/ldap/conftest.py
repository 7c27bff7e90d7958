"""A directory, and a server on each database whose people come from it and from here."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.accounts import api
from tests.support.server import HarborServer
from tests.support.slapd import Slapd


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder on one worker: its servers are started once."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("ldap"))


@dataclass
class Company:
    """A server and its directory. ``settings`` are those that it has between tests."""

    server: HarborServer
    directory: Slapd
    admin: httpx.Client
    settings: dict[str, Any]

    def configure(self, **changes: Any) -> None:
        """Change settings as an administrator; :meth:`reset` undoes it."""
        answer = self.admin.put("/configurations", json=changes)
        assert answer.status_code == 200, answer.text

    def reset(self) -> None:
        self.configure(**self.settings)

    def client(self, name: str, password: str) -> httpx.Client:
        """A client of the API that signs in by Basic with each request. The caller closes it."""
        client = api(self.server.url)
        client.auth = (name, password)
        return client

    def who(self, name: str, password: str) -> httpx.Response:
        """What the API says of who this is."""
        with self.client(name, password) as client:
            return client.get("/users/current")

    def log(self, text: str) -> list[str]:
        """Lines of the server's log with a text."""
        return [line for line in self.server.log_tail(200_000).splitlines() if text in line]


@pytest.fixture(scope="session")
def directory() -> Iterator[Slapd]:
    """A directory of two people and their group; tests add their own."""
    slapd = Slapd([("mona", "Mona-1-secret"), ("otto", "Otto-1-secret")], [("everybody", ["mona", "otto"])])
    yield slapd
    slapd.stop()


@pytest.fixture(scope="session", params=["embedded", "postgres"])
def running(
    request: pytest.FixtureRequest, directory: Slapd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    env = {"HARBOR_OUTGOING_CA_FILE": str(directory.ca_file(tmp_path_factory.mktemp("ldap") / "ca.pem"))}
    if request.param == "postgres":
        env["HARBOR_DATABASE_URL"] = request.getfixturevalue("postgresql").create_database()
        env["HARBOR_REDIS_URL"] = request.getfixturevalue("redis_server").fresh_database()
    settings = {
        **directory.settings,
        **directory.group_settings,
        "auth_sources": "local,ldap",
        "ldap_timeout": 5,
        "ldap_verify_cert": True,
        "ldap_start_tls": False,
        "ldap_group_admin_dn": "",
        "ldap_group_attach_parallel": False,
        "membership_check_seconds": 240,
    }
    with HarborServer(env) as server, api(server.url, server.admin) as admin:
        company = Company(server, directory, admin, settings)
        company.reset()
        yield company


@pytest.fixture
def company(running: Company) -> Iterator[Company]:
    """The server with its directory; settings are as they were afterwards."""
    yield running
    running.reset()


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"ldap://127.0.0.1:{listener.getsockname()[1]}"
