"""Browsers of each kind of person in the world of the running server."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.browsing import Browser
from tests.support.furnished import Furnished, furnish
from tests.support.world import ROLES, World

Browse = Callable[[str], Browser]


@pytest.fixture(scope="session")
def browsers() -> Iterator[dict[tuple[str, str], Browser]]:
    """The browsers made so far, by the server's URL and the identity: signing in costs a password's hash."""
    made: dict[tuple[str, str], Browser] = {}
    yield made
    for browser in made.values():
        browser.close()


@pytest.fixture
def browse(world: World, browsers: dict[tuple[str, str], Browser]) -> Browse:
    """``browse("developer")`` is a browser in which that person of the world is signed in; ``anonymous`` is nobody.

    Do not sign out or change the password there: other tests use the same session.
    """

    def browser(identity: str) -> Browser:
        key = (world.server.url, identity)
        if key not in browsers:
            browsers[key] = Browser(world.server.url, world.people.get(identity))
        return browsers[key]

    return browser


@pytest.fixture(scope="session")
def furnishings() -> dict[str, Furnished]:
    """What was furnished so far, by the server's URL."""
    return {}


@pytest.fixture
def furnished(world: World, furnishings: dict[str, Furnished]) -> Furnished:
    """A project in which every page has something to show; its members are the people of the world.

    Change nothing in it: other tests look at the same.
    """
    url = world.server.url
    if url not in furnishings:
        members = {role: world.people[name] for name, role in ROLES.items()}
        furnishings[url] = furnish(url, world.server.admin, members, user=world.people["developer"])
    return furnishings[url]
