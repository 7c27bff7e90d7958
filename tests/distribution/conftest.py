"""A private project on each server with the people around it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from tests.distribution.documents import EMPTY, manifest_of, push
from tests.support.accounts import Person, Role, api, make_member, make_project, make_robot, make_user, unique
from tests.support.http import RegistryClient
from tests.support.server import HarborServer


@dataclass(frozen=True)
class Team:
    """A private project and who may what in it: the keys of ``people``."""

    project: str
    people: dict[str, Person]

    def repository(self) -> str:
        """The name of a repository that nobody has used."""
        return f"{self.project}/{unique('image')}"


@pytest.fixture(scope="session")
def team(server: HarborServer) -> Team:
    with api(server.url, server.admin) as client:
        project = make_project(client)
        people = {
            "developer": make_member(client, project=project, role=Role.DEVELOPER),
            "guest": make_member(client, project=project, role=Role.GUEST),
            "outsider": make_user(client),
            "deleting robot": make_robot(client, project=project, actions=("pull", "push", "delete")),
        }
    return Team(project, people)


@pytest.fixture
def client_of(server: HarborServer) -> Iterator[Callable[[Person | None], RegistryClient]]:
    """Make a client for a person, or an anonymous one; closed at the end of the test."""
    with ExitStack() as stack:
        yield lambda person=None: stack.enter_context(RegistryClient(server.url, person))


@pytest.fixture
def registry(server: HarborServer) -> Iterator[RegistryClient]:
    """A client that may everything."""
    with RegistryClient(server.url, server.admin) as client:
        yield client


@pytest.fixture
def repository(team: Team) -> str:
    return team.repository()


@pytest.fixture(scope="session")
def public_project(server: HarborServer) -> str:
    with api(server.url, server.admin) as client:
        return make_project(client, public=True)


@pytest.fixture
def http(server: HarborServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.fixture
def image(registry: RegistryClient, repository: str) -> str:
    """The path of a manifest."""
    push(registry, repository, manifest_of(), EMPTY, tag="v1")
    return f"/v2/{repository}/manifests/v1"
