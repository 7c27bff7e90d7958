"""Search and statistics show what the caller may see, bounded, at a fixed price."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.security import SecurityContext
from apps.artifacts.models import Artifact, Blob, Repository
from apps.catalog.search import MOST_ROWS, projects_search, repositories_search
from apps.catalog.statistics import StoredBytes, statistics
from apps.projects.contexts import AnonymousContext
from apps.projects.models import Member, Project
from apps.projects.types import Role
from tests.support.people import acting, person

pytestmark = pytest.mark.django_db


def project(name: str, *, public: bool = False) -> Project:
    return Project.objects.create(name=name, public=public, owner=person())


def repository(of: Project, path: str = "app", *, digest: str = "") -> Repository:
    row = Repository.objects.create(project=of, name=f"{of.name}/{path}", listed=True)
    if digest:
        Artifact.objects.create(repository=row, project=of, digest=digest, manifest=b"{}", size=2)
    return row


def names(actor: SecurityContext, text: str) -> tuple[list[str], list[str]]:
    return (
        [row.name for row in projects_search(actor=actor, text=text)],
        [row.name for row in repositories_search(actor=actor, text=text)],
    )


def test_only_what_the_caller_may_see() -> None:
    for name, public in (("team-open", True), ("team-mine", False), ("team-other", False)):
        repository(project(name, public=public))
    member = person()
    Member.objects.create(project=Project.objects.get(name="team-mine"), user=member, role=Role.GUEST)

    assert names(AnonymousContext(), "TEAM") == (["team-open"], ["team-open/app"])
    assert names(acting(member), "team-") == (
        ["team-mine", "team-open"],
        ["team-mine/app", "team-open/app"],
    )
    assert len(names(acting(person(sysadmin=True)), "team")[0]) == 3


@pytest.mark.parametrize("text", ["%", "_", "t%m", "team_", "\\", "x" * 256, "'"])
def test_a_text_is_no_pattern(text: str) -> None:
    repository(project("team-a", public=True))
    assert names(AnonymousContext(), text) == ([], [])


def test_repositories_that_hold_a_digest() -> None:
    digest = f"sha256:{'a' * 64}"
    repository(project("one", public=True), digest=digest)
    repository(project("two", public=False), digest=digest)
    repository(project("three", public=True), digest=f"sha256:{'b' * 64}")

    assert names(AnonymousContext(), digest) == ([], ["one/app"])
    assert names(acting(person(sysadmin=True)), digest) == ([], ["one/app", "two/app"])
    assert names(AnonymousContext(), digest[:-1]) == ([], [])


def test_a_repository_that_nothing_was_pushed_to_shows_nowhere() -> None:
    Repository.objects.create(project=project("team", public=True), name="team/given-up", listed=False)
    assert names(AnonymousContext(), "given-up")[1] == []


def test_the_answer_is_bounded_and_costs_the_same() -> None:
    admin = acting(person(sysadmin=True))
    owner = project("many", public=True)

    def cost() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as captured:
            found = names(admin, "many")
        return len(captured), len(found[1])

    repository(owner, "r")
    few, one = cost()
    Repository.objects.bulk_create(
        Repository(project=owner, name=f"many/r{number}", listed=True) for number in range(MOST_ROWS + 20)
    )
    many, all_of_them = cost()

    assert (one, all_of_them) == (1, MOST_ROWS)
    assert few == many <= 3


def test_statistics_by_caller() -> None:
    admin = acting(person(sysadmin=True))
    before = statistics(actor=admin)
    repository(project("open", public=True))
    mine = project("mine")
    repository(mine, "a")
    repository(mine, "b")
    repository(project("other"))
    member = person()
    Member.objects.create(project=mine, user=member, role=Role.GUEST)

    seen = statistics(actor=acting(member))
    assert (seen.private_project_count, seen.private_repo_count) == (1, 2)
    assert (seen.public_project_count, seen.public_repo_count) == (before.public_project_count + 1, 1)
    assert (seen.total_project_count, seen.total_repo_count, seen.total_storage_consumption) == (0, 0, 0)

    whole = statistics(actor=admin)
    assert whole.total_project_count == before.total_project_count + 3
    assert (whole.private_project_count, whole.private_repo_count) == (before.private_project_count + 2, 3)
    assert whole.total_repo_count == before.total_repo_count + 4


def test_bytes_of_distinct_blobs_that_stay() -> None:
    assert StoredBytes().get() == 0
    Blob.objects.create(digest=f"sha256:{'a' * 64}", size=100)
    Blob.objects.create(digest=f"sha256:{'b' * 64}", size=20, stored=False)
    Blob.objects.create(digest=f"sha256:{'c' * 64}", size=3000, state=Blob.DELETING)

    counter = StoredBytes()
    assert counter.get() == 120
    with CaptureQueriesContext(connection) as captured:
        assert counter.get() == 120
    assert len(captured) <= 1
