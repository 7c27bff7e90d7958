"""Providers for the tests of this folder, and browsers that come from them."""

from collections.abc import Callable, Iterator

import pytest

from tests.oidc.visiting import Visitor
from tests.support.hostile_provider import HostileProvider
from tests.support.providers import MockProvider, Provider, ToolkitProvider, mock_provider, toolkit_provider
from tests.support.server import HarborServer


@pytest.fixture(scope="session")
def _mock() -> Iterator[MockProvider]:
    with mock_provider() as provider:
        yield provider


@pytest.fixture(scope="session")
def _toolkit() -> Iterator[ToolkitProvider]:
    with toolkit_provider() as provider:
        yield provider


@pytest.fixture(params=["mock", "toolkit"])
def provider(request: pytest.FixtureRequest, server: HarborServer) -> Provider:
    """Each of the two that others have written; the server is a client of it."""
    found: Provider = request.getfixturevalue(f"_{request.param}")
    found.allow(server.url)
    return found


@pytest.fixture
def toolkit(_toolkit: ToolkitProvider, server: HarborServer) -> ToolkitProvider:
    _toolkit.allow(server.url)
    return _toolkit


@pytest.fixture
def hostile() -> Iterator[HostileProvider]:
    with HostileProvider() as provider:
        yield provider


@pytest.fixture
def visitor(server: HarborServer) -> Iterator[Callable[[], Visitor]]:
    """``visitor()`` is a browser of its own."""
    made: list[Visitor] = []

    def make() -> Visitor:
        made.append(Visitor(server.url))
        return made[-1]

    yield make
    for one in made:
        one.http.close()
