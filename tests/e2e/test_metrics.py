"""Metrics over HTTP: several processes, every part, and names as Harbor has them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.accounts import TRUST, api, make_project, make_user, unique
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.programs import free_port
from tests.support.server import HarborServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

Samples = dict[str, dict[frozenset[tuple[str, str]], float]]


class Scraped:
    """A server with metrics, and what its port says."""

    def __init__(self, server: HarborServer, port: int) -> None:
        self.server = server
        self.url = f"http://127.0.0.1:{port}/metrics"

    def get(self, component: str = "") -> Samples:
        answer = httpx.get(
            self.url, params={"comp": component} if component else None, timeout=30, verify=TRUST
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith("text/plain")
        found: Samples = {}
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
        return found

    def value(self, name: str, component: str = "", **labels: str) -> float:
        wanted = set(labels.items())
        return sum(value for got, value in self.get(component).get(name, {}).items() if wanted <= got)

    def wait_for(self, expected: float, name: str, component: str = "", **labels: str) -> None:
        """Processes write their counts down once a second."""
        reached = eventually(lambda: self.value(name, component, **labels), lambda value: value >= expected)
        assert reached == expected, "a counter went too far"

    def is_up(self) -> bool:
        try:
            return bool(self.get("core"))
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def scraped() -> Iterator[Scraped]:
    port = free_port()
    settings = {"HARBOR_METRIC_ENABLE": "true", "HARBOR_METRIC_PORT": str(port), "HARBOR_WORKERS": "2"}
    with HarborServer(settings) as server:
        found = Scraped(server, port)
        eventually(found.is_up)
        yield found


def test_two_processes_add_up(scraped: Scraped) -> None:
    before = scraped.value("harbor_core_http_request_total", "core", operation="getPing")

    def ask(_: int) -> None:
        # A connection each: the kernel spreads connections over the processes.
        assert httpx.get(f"{scraped.server.url}/api/v2.0/ping", verify=TRUST).status_code == 200

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(100)))

    labels = {"operation": "getPing", "method": "GET"}
    scraped.wait_for(before + 100, "harbor_core_http_request_total", "core", code="200", **labels)
    count = "harbor_core_http_request_duration_seconds_count"
    assert scraped.value(count, "core", **labels) == before + 100
    assert scraped.value("harbor_core_http_inflight_requests", "core") == 0
    folder = scraped.server.data_dir / "metrics"
    busy = [path for path in folder.glob("*-*.json") if b"getPing" in path.read_bytes()]
    assert len(busy) == 2, "both processes had some"


def test_pulls_and_pushes(scraped: Scraped) -> None:
    pulls, pushes = (
        scraped.value(f"harbor_registry_{name}_total", "registry") for name in ("pulls", "pushes")
    )
    with api(scraped.server.url, scraped.server.admin) as admin:
        project = make_project(admin, name=unique("metrics"), public=True)
    with RegistryClient(scraped.server.url, scraped.server.admin) as registry:
        registry.push(f"{project}/app", make_image(), tag="v1")
        for _ in range(5):
            assert registry.get_manifest(f"{project}/app", "v1").status_code == 200

    scraped.wait_for(pushes + 1, "harbor_registry_pushes_total", "registry")
    scraped.wait_for(pulls + 5, "harbor_registry_pulls_total", "registry")
    found = scraped.get("registry")
    assert found["harbor_registry_received_bytes_total"][frozenset()] > 20_000
    handlers = {dict(labels)["handler"] for labels in found["registry_http_requests_total"]}
    assert {"v2_manifest", "v2_blob_upload", "v2_base"} <= handlers
    total = "harbor_core_http_request_total"
    assert scraped.value(total, "core", operation="v2_manifest", method="PUT") >= 1


def test_unknown_paths_are_one_operation(scraped: Scraped) -> None:
    before = scraped.value("harbor_core_http_request_total", "core", operation="others")
    for number in range(3):
        assert httpx.get(f"{scraped.server.url}/api/v2.0/nothing-{number}").status_code == 404
    scraped.wait_for(before + 3, "harbor_core_http_request_total", "core", operation="others", code="404")


def test_the_exporter(scraped: Scraped) -> None:
    found = scraped.get()
    assert found["harbor_health"] == {frozenset(): 1.0}
    assert found["harbor_up"][frozenset({("component", "database")})] == 1.0
    (info,) = found["harbor_system_info"]
    assert dict(info)["auth_mode"] == "db_auth"
    assert found["harbor_project_total"][frozenset({("public", "true")})] >= 1
    library = frozenset({("project_name", "library")})
    assert found["harbor_project_member_total"][library] == 1
    assert found["harbor_project_quota_byte"][library] == -1
    assert found["harbor_statistics_total_project_amount"][frozenset()] >= 1
    assert found["harbor_task_scheduled_total"][frozenset()] > 0


def test_the_background_worker(scraped: Scraped) -> None:
    found = scraped.get("jobservice")
    (info,) = found["harbor_jobservice_info"]
    assert dict(info)["workers"] == "10"
    eventually(lambda: scraped.value("harbor_jobservice_task_total", "jobservice", status="success"))
    assert scraped.value("process_resident_memory_bytes", "jobservice") > 0


def test_nothing_else_is_there(scraped: Scraped) -> None:
    assert httpx.get(scraped.url, params={"comp": "other"}).status_code == 404
    assert httpx.get(scraped.url.replace("/metrics", "/")).status_code == 404
    assert httpx.get(f"{scraped.server.url}/metrics").status_code == 404


def test_counters_survive_the_end_of_the_processes(scraped: Scraped) -> None:
    known = scraped.value("harbor_core_http_request_total", "core", operation="getPing")
    scraped.server.restart()
    eventually(scraped.is_up)
    assert scraped.value("harbor_core_http_request_total", "core", operation="getPing") >= known > 0


def test_logins_by_what_came_of_them(scraped: Scraped) -> None:
    server = scraped.server
    with api(server.url, server.admin) as admin:
        people = [make_user(admin) for _ in range(4)]
    name = "harbor_login_total"
    before = {result: scraped.value(name, "core", result=result) for result in ("success", "wrong")}
    passwords = [(person, person.password) for person in people] + [(people[0], "Battery-Staple-2")]
    for person, password in passwords:
        httpx.get(f"{server.url}/api/v2.0/users/current", auth=(person.name, password), verify=TRUST)
    scraped.wait_for(before["wrong"] + 1, name, "core", result="wrong")
    # The administrator's, one in each of two processes, may be written down only now.
    reached = eventually(
        lambda: scraped.value(name, "core", result="success"),
        lambda value: value >= before["success"] + len(people),
    )
    assert reached <= before["success"] + len(people) + 2
    assert {label for labels in scraped.get("core")[name] for label in labels} <= {
        ("result", result) for result in ("success", "wrong", "held", "frozen")
    }, "labels are no client's words"
