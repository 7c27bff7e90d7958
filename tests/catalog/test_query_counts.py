"""Lists cost the same number of statements whatever the number of rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.accounts.security import USER, Principal, context_of
from apps.artifacts.models import Artifact, ArtifactReference, Repository, Tag
from apps.audit.models import AuditLog
from apps.projects.models import Member, Project, ProjectMetadata
from apps.projects.services import project_create
from apps.projects.types import Role

pytestmark = pytest.mark.django_db


@dataclass
class Caller:
    """Asks the API as a principal that needs no password."""

    client: Client
    user: User

    def statements(self, path: str) -> tuple[int, int]:
        """Statements and rows of one list."""
        self.client.get(f"/api/v2.0/{path}")
        with CaptureQueriesContext(connection) as queries:
            answer = self.client.get(f"/api/v2.0/{path}")
        assert answer.status_code == 200, answer.content
        return len(queries), len(answer.json())


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    user = User.objects.create(username="counter", email="counter@example.com", sysadmin_flag=True)
    principal = Principal(USER, user.pk, user.username, 1, is_system_admin=True)
    monkeypatch.setattr("apps.api.authentication.authenticate", lambda *_arguments, **_named: principal)
    client = Client(headers={"Authorization": "Basic YTpi"})
    return Caller(client, user)


def _project(user: User, number: int) -> Project:
    context = context_of(Principal(USER, user.pk, user.username, 1, is_system_admin=True))
    project = project_create(actor=context, name=f"p{number}", public=False)
    ProjectMetadata.objects.create(project=project, name="auto_scan", value="true")
    return project


def _artifacts(repository: Repository, start: int, count: int) -> None:
    for number in range(start, start + count):
        parent, child, accessory = (
            Artifact(
                repository=repository,
                project=repository.project,
                digest=f"sha256:{kind}{number:063d}",
                media_type="application/vnd.oci.image.manifest.v1+json",
                manifest=b"{}",
                size=2,
            )
            for kind in "abc"
        )
        accessory.subject_digest = parent.digest
        for row in (parent, child, accessory):
            row.save()
        ArtifactReference.objects.create(parent=parent, child=child, child_digest=child.digest)
        for name in "xyz":
            Tag.objects.create(repository=repository, artifact=parent, name=f"{name}{number}")


def _grow_projects(user: User, start: int, count: int) -> None:
    for number in range(start, start + count):
        _project(user, number)


def _grow_repositories(user: User, start: int, count: int) -> None:
    project = Project.objects.filter(name="p999").first() or _project(user, 999)
    for number in range(start, start + count):
        repository = Repository.objects.create(project=project, name=f"p999/r{number}", listed=True)
        _artifacts(repository, 0, 1)


def _grow_artifacts(user: User, start: int, count: int) -> None:
    project = Project.objects.filter(name="p999").first() or _project(user, 999)
    repository, _ = Repository.objects.get_or_create(project=project, name="p999/r", listed=True)
    _artifacts(repository, start, count)


def _grow_members(user: User, start: int, count: int) -> None:
    project = Project.objects.filter(name="p999").first() or _project(user, 999)
    for number in range(start, start + count):
        person = User.objects.create(username=f"u{number}", email=f"u{number}@example.com")
        Member.objects.create(project=project, user=person, role=Role.GUEST)


def _grow_audit(_user: User, start: int, count: int) -> None:
    for number in range(start, start + count):
        AuditLog.objects.create(
            op_time="2024-01-01T00:00:00Z",
            operation="pull",
            resource=f"r{number}",
            resource_type="artifact",
            username="u",
        )


@pytest.mark.parametrize(
    ("path", "grow", "most"),
    [
        ("projects", _grow_projects, 4),
        ("quotas", _grow_projects, 2),
        ("projects/p999/repositories", _grow_repositories, 4),
        ("repositories", _grow_repositories, 3),
        ("projects/p999/repositories/r/artifacts?with_accessory=true", _grow_artifacts, 7),
        ("projects/p999/repositories/r/artifacts?q=tags=~x", _grow_artifacts, 6),
        ("projects/p999/members", _grow_members, 3),
        ("users", _grow_members, 2),
        ("auditlog-exts", _grow_audit, 2),
    ],
)
def test_twice_the_rows_cost_the_same(
    caller: Caller, path: str, grow: Callable[[User, int, int], Any], most: int
) -> None:
    path = f"{path}{'&' if '?' in path else '?'}page_size=100"
    grow(caller.user, 0, 4)
    few, rows = caller.statements(path)
    grow(caller.user, 4, 8)
    many, more_rows = caller.statements(path)
    assert more_rows >= rows + 8
    assert many == few <= most
