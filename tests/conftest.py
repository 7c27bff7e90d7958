"""The environment of every test, and the servers and services that several of them share."""

import logging
import os
import re
from collections.abc import Iterator

import django
import pytest
from django.conf import settings
from django.db import connections

from tests.support.accounts import api
from tests.support.environment import TestEnvironment
from tests.support.server import HarborServer
from tests.support.services import PostgreSQL, Redis
from tests.support.world import World, make_world

_SHARED = frozenset({"embedded_server", "cluster_server", "server", "docker_daemon"})
_environment = TestEnvironment()
# Set up now, for the conftests below that import models. A worker of pytest-xdist must not find the variable when it
# starts: pytest-django would load the settings before the worker's own environment is made.
django.setup()
_RANDOM = re.compile(r"[0-9a-fA-F]{64,128}|[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_database = settings.DATABASES["default"]
del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="only tests that use Django's own database")


def _uses_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return item.get_closest_marker("django_db") is not None or bool(
        {"db", "transactional_db"}.intersection(fixtures)
    )


def pytest_configure(config: pytest.Config) -> None:
    # One line for each request of each test says less than the server's own log, which a failed test shows.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    config.addinivalue_line("markers", "slow: takes more than ten seconds; `-m 'not slow'` leaves it out")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``--dist loadgroup`` one worker starts the shared servers; the slow tests come first, beside it.

    With ``--database-only`` those remain that use Django's own database: the others bring servers and databases.
    """
    if config.getoption("database_only"):
        others = [item for item in items if not _uses_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _uses_database(item)]
    for item in items:
        if _SHARED.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("servers"))
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Random bytes (an archive has its time in it), digests of them and random ids do not get into names: the workers of one run have to agree on them."""
    if isinstance(val, bytes) and len(val) > 16:
        return f"{len(val)}_bytes"
    if not isinstance(val, str) or not _RANDOM.search(val):
        return None
    return _RANDOM.sub("random", val).encode("unicode_escape").decode()


def pytest_unconfigure() -> None:
    connections.close_all()
    _environment.close()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite's test database is a file, as in use: the default, in memory, has other locks and no WAL."""
    if _database["ENGINE"].endswith("sqlite3"):
        _database.setdefault("TEST", {})["NAME"] = str(_environment.data_dir / "test.db")
        connections["default"].settings_dict["TEST"]["NAME"] = _database["TEST"]["NAME"]


@pytest.fixture(autouse=True)
def _no_stale_caches(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("django_db"):
        _environment.forget_cached()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A private PostgreSQL; take ``create_database()``."""
    service = _environment.database or PostgreSQL()
    yield service
    if service is not _environment.database:
        service.stop()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """A private Redis; take ``fresh_database()``."""
    service = Redis()
    yield service
    service.stop()


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[HarborServer]:
    """A server as ``make run`` starts it: SQLite, local files."""
    yield from _running(HarborServer())


@pytest.fixture(scope="session")
def cluster_server(postgresql: PostgreSQL, redis_server: Redis) -> Iterator[HarborServer]:
    """A server on PostgreSQL and Redis."""
    yield from _running(
        HarborServer(
            {
                "HARBOR_DATABASE_URL": postgresql.create_database(),
                "HARBOR_REDIS_URL": redis_server.fresh_database(),
            }
        )
    )


@pytest.fixture(scope="session", params=["embedded", "postgres"])
def server(request: pytest.FixtureRequest) -> HarborServer:
    """Each of the two in turn."""
    name = {"embedded": "embedded_server", "postgres": "cluster_server"}[request.param]
    return request.getfixturevalue(name)


@pytest.fixture
def admin_api(server):
    """The REST API of ``server`` as its administrator."""
    with api(server.url, server.admin) as client:
        yield client


@pytest.fixture(scope="session")
def worlds() -> Iterator[dict[str, World]]:
    """The worlds made so far by the server's URL: making one costs a dozen password hashes."""
    made: dict[str, World] = {}
    yield made
    for world in made.values():
        for client in world.clients.values():
            client.close()


@pytest.fixture
def world(server: HarborServer, worlds: dict[str, World]) -> World:
    if server.url not in worlds:
        worlds[server.url] = make_world(server)
    return worlds[server.url]


def _running(server: HarborServer) -> Iterator[HarborServer]:
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Show the end of the log of each server that a failed test has used."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, HarborServer):
                report.sections.append((f"log of {name}", value.log_tail()))
    return report
