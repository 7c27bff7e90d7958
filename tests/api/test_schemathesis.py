"""Whatever a client sends that the description allows, or nearly allows, no answer is a 5xx."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import response_schema_conformance

from apps.api.description import describe
from tests.support.accounts import Role, api, make_member, make_project, make_robot
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.server import HarborServer
from tests.support.services import PostgreSQL, Redis

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("schemathesis")]
_EXAMPLES = 10


@pytest.fixture(scope="module", params=["embedded", "postgres"])
def fuzzed_server(request: pytest.FixtureRequest) -> Iterator[HarborServer]:
    """A server of its own: what it is sent may change its settings."""
    environment = {}
    if request.param == "postgres":
        postgresql: PostgreSQL = request.getfixturevalue("postgresql")
        redis: Redis = request.getfixturevalue("redis_server")
        environment = {
            "HARBOR_DATABASE_URL": postgresql.create_database(),
            "HARBOR_REDIS_URL": redis.fresh_database(),
        }
    server = HarborServer(environment)
    try:
        yield _furnished(server.start())
    finally:
        server.stop()


def _furnished(server: HarborServer) -> HarborServer:
    """With something of each kind, so that ids of one digit are there."""
    with api(server.url, server.admin) as admin:
        project = make_project(admin, name="fuzzed")
        make_member(admin, project=project, role=Role.GUEST)
        robot = make_robot(admin, project=project, actions=("pull", "push"))
        with RegistryClient(server.url, robot) as registry:
            registry.push(f"{project}/app", make_image(), tag="v1")
    return server


def _operations() -> list[APIOperation]:
    schema = schemathesis.openapi.from_dict(describe())
    # A registry that is read only, or signs people in elsewhere, refuses everything else.
    schema = schema.exclude(operation_id="updateConfigurations")
    return [found.ok() for found in schema.get_all_operations()]


@pytest.mark.parametrize("operation", _operations(), ids=lambda operation: operation.label)
def test_no_server_error(operation: APIOperation, fuzzed_server: HarborServer) -> None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: schemathesis.Case) -> None:
        answer = case.call(base_url=fuzzed_server.url, auth=fuzzed_server.admin.basic, timeout=30)
        case.validate_response(answer, checks=[not_a_server_error, response_schema_conformance])

    ask()
