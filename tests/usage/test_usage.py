"""Samples of what projects hold: kept once a day and project, summed for all, read as series."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.artifacts.models import Artifact, Repository
from apps.common.errors import ForbiddenError
from apps.projects.models import Member, Project
from apps.projects.services import project_create, project_delete
from apps.projects.types import Role
from apps.quotas.models import Quota
from apps.usage.models import UsageSample, UsageTotal
from apps.usage.selectors import largest_projects, usage_of_everything, usage_of_project
from apps.usage.services import usage_record
from apps.usage.types import KEPT, UsagePoint
from tests.support.people import acting, person

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _nothing_yet() -> None:
    Project.objects.all().delete()


@pytest.fixture
def today():
    return timezone.now().date()


@pytest.fixture
def admin():
    return acting(person("admin", sysadmin=True))


def make(admin, name: str, *, used: int = 0, pulls: int = 0, artifacts: int = 0) -> Project:
    project = project_create(actor=admin, name=name)
    hold(project, used=used, pulls=pulls)
    repository = project.repositories.get()
    for number in range(artifacts):
        Artifact.objects.create(
            repository=repository, project=project, digest=f"sha256:{number}", manifest=b"", size=1
        )
    return project


def hold(project: Project, *, used: int, pulls: int) -> None:
    Quota.objects.filter(project=project).update(used=used)
    Repository.objects.update_or_create(
        project=project, name=f"{project.name}/app", defaults={"pull_count": pulls, "listed": True}
    )


def test_a_day_is_one_sample_which_is_renewed(admin, today) -> None:
    project = make(admin, "team", used=100, pulls=3, artifacts=2)
    assert usage_record() == 1
    hold(project, used=250, pulls=8)
    usage_record()

    sample = UsageSample.objects.get()
    assert (sample.project_id, sample.day) == (project.pk, today)
    assert (sample.storage, sample.artifact_count, sample.pull_count) == (250, 2, 8)


def test_series_have_the_pulls_of_each_day(admin, today) -> None:
    team = make(admin, "team", used=100, pulls=50)
    usage_record(day=today - 2 * DAY)
    hold(team, used=120, pulls=53)
    other = make(admin, "other", used=30, pulls=7)
    usage_record(day=today - DAY)
    hold(team, used=90, pulls=60)
    usage_record(day=today)

    assert usage_of_project(actor=admin, project=team.ref, days=30) == [
        UsagePoint(today - 2 * DAY, 100, 0, 0),
        UsagePoint(today - DAY, 120, 0, 3),
        UsagePoint(today, 90, 0, 7),
    ]
    assert usage_of_project(actor=admin, project=team.ref, days=2) == [
        UsagePoint(today - DAY, 120, 0, 3),
        UsagePoint(today, 90, 0, 7),
    ]
    assert usage_of_everything(actor=admin, days=30) == [
        UsagePoint(today - 2 * DAY, 100, 0, 0),
        UsagePoint(today - DAY, 150, 0, 10),
        UsagePoint(today, 120, 0, 7),
    ]
    assert [quota.project_id for quota in largest_projects(actor=admin, most=1)] == [team.pk]
    assert [quota.project_id for quota in largest_projects(actor=admin, most=9)] == [team.pk, other.pk]


def test_what_is_deleted_takes_no_pulls_back(admin, today) -> None:
    team = make(admin, "team", pulls=5)
    usage_record(day=today - DAY)
    hold(team, used=0, pulls=25)
    usage_record(day=today)
    Repository.objects.all().delete()
    usage_record(day=today)
    assert usage_of_project(actor=admin, project=team.ref, days=2)[-1].pulls == 0
    assert usage_of_everything(actor=admin, days=1)[0].pulls == 20

    project_delete(actor=admin, project_id=team.pk)
    assert not UsageSample.objects.exists()
    assert usage_of_everything(actor=admin, days=1)[0].pulls == 20


def test_old_samples_go(admin, today) -> None:
    make(admin, "team")
    usage_record(day=today - KEPT - DAY)
    usage_record(day=today - KEPT)
    usage_record(day=today)

    assert sorted(UsageSample.objects.values_list("day", flat=True)) == [today - KEPT, today]
    assert sorted(UsageTotal.objects.values_list("day", flat=True)) == [today - KEPT, today]


def test_every_batch_costs_the_same(admin, monkeypatch) -> None:
    monkeypatch.setattr("apps.usage.services._BATCH", 10)

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            usage_record()
        return len(captured)

    for number in range(4):
        make(admin, f"team{number}", artifacts=1)
    usage_record()
    few = cost()
    for number in range(4, 9):
        make(admin, f"team{number}", artifacts=2)
    assert cost() == few
    make(admin, "team9")
    make(admin, "team10")
    assert usage_record() == 11


def test_who_may_see_them(admin) -> None:
    team = make(admin, "team")
    usage_record()
    guest, outsider = person("guest"), person("outsider")
    Member.objects.create(project=team, user=guest, role=Role.GUEST)
    assert len(usage_of_project(actor=acting(guest), project=team.ref, days=5)) == 1
    with pytest.raises(ForbiddenError):
        usage_of_project(actor=acting(outsider), project=team.ref, days=5)
    with pytest.raises(ForbiddenError):
        usage_of_everything(actor=acting(guest), days=5)
    with pytest.raises(ForbiddenError):
        largest_projects(actor=acting(guest), most=5)
