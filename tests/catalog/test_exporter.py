"""The exporter's gauges: right numbers, at a price that does not grow."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.throttle import Place, sign_in_failed, standing_of
from apps.artifacts.models import Artifact, Repository
from apps.catalog.exporter import Exporter
from apps.projects.models import Member, Project
from apps.projects.types import Role
from apps.quotas.models import Quota
from tests.support.people import person

pytestmark = pytest.mark.django_db


def _project(number: int) -> None:
    owner = person()
    project = Project.objects.create(name=f"p{number}", public=number % 2 == 0, owner=owner)
    Member.objects.create(project=project, user=owner, role=Role.PROJECT_ADMIN)
    Quota.objects.create(project=project, hard=1000, used=number)
    for path, pulls in (("a", 3), ("b", 4)):
        repository = Repository.objects.create(
            project=project, name=f"p{number}/{path}", listed=True, pull_count=pulls
        )
        Artifact.objects.create(
            repository=repository,
            project=project,
            digest=f"sha256:{path}",
            type="IMAGE",
            manifest=b"",
            size=1,
        )


def _gauges() -> dict[str, dict[tuple[str, ...], float]]:
    return {gauge.name: dict(gauge.samples) for gauge in Exporter(release="v0").gauges()}


def test_projects() -> None:
    before = _gauges()["harbor_project_total"]
    _project(1)
    _project(2)
    found = _gauges()

    assert found["harbor_project_total"][("true",)] == before[("true",)] + 1
    assert found["harbor_project_total"][("false",)] == before[("false",)] + 1
    assert found["harbor_project_repo_total"][("p1", "false")] == 2
    assert found["harbor_project_member_total"][("p1",)] == 1
    assert found["harbor_project_quota_byte"][("p2",)] == 1000
    assert found["harbor_project_quota_usage_byte"][("p2",)] == 2
    assert found["harbor_project_artifact_total"][("p2", "true", "IMAGE")] == 2
    assert found["harbor_artifact_pulled"][("p2",)] == 7
    assert found["harbor_system_info"] == {("db_auth", "v0", "false"): 1.0}


def test_statements() -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            _gauges()
        return len(captured)

    # Not equal each time: health and the sum over the blobs are remembered for a while.
    for number in range(12):
        _project(number)
    assert cost() <= 16


def test_asked_again_it_counts_nothing() -> None:
    exporter = Exporter(release="v0", seconds=60)
    exporter.gauges()
    with CaptureQueriesContext(connection) as captured:
        exporter.gauges()
    assert len(captured) == 0


def test_locks_after_wrong_passwords(settings) -> None:
    settings.HARBOR = settings.HARBOR.model_copy(update={"login_failures_before_lock": 1})
    place = Place("nobody", "192.0.2.1")
    sign_in_failed(place, standing_of(place))
    assert _gauges()["harbor_login_locks"] == {("account",): 0, ("account_at_address",): 1, ("address",): 0}
