"""Lists cost the same number of statements whatever the number of rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.access_tokens.models import AccessToken
from apps.accounts.models import User, UserGroup, UserGroupMember
from apps.accounts.security import USER, Principal, context_of
from apps.accounts.types import GroupType
from apps.artifacts.models import Artifact, ArtifactLabel, ArtifactReference, Repository, Tag
from apps.audit.models import AuditLog
from apps.immutability.models import ImmutableRule
from apps.projects.models import Label, Member, Project, ProjectMetadata
from apps.projects.services import project_create
from apps.projects.types import Role

pytestmark = pytest.mark.django_db

_EVERYTHING = (
    "with_label=true&with_accessory=true&with_inherited_accessory=true&with_immutable_status=true"
    "&with_scan_overview=true&with_sbom_overview=true"
)
_LATEST = "latest_in_repository=true&q=media_type=x"


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


def _grow_labels(user: User, start: int, count: int) -> None:
    for number in range(start, start + count):
        Label.objects.create(name=f"l{number}", scope=Label.GLOBAL)


def _grow_everything_of_artifacts(user: User, start: int, count: int) -> None:
    """Each artifact with labels, accessories, an index above it, in several repositories, under a rule."""
    project = Project.objects.filter(name="p999").first() or _project(user, 999)
    ImmutableRule.objects.get_or_create(project=project)
    label, _ = Label.objects.get_or_create(name="l", scope=Label.GLOBAL)
    for number in range(start, start + count):
        repository, _ = Repository.objects.get_or_create(
            project=project, name=f"p999/r{number % 8}", listed=True
        )
        _artifacts(repository, number, 1)
    for artifact in Artifact.objects.filter(label_links=None):
        ArtifactLabel.objects.create(artifact=artifact, label=label)


def _grow_everything_of_r0(user: User, start: int, count: int) -> None:
    for number in range(start, start + count):
        _grow_everything_of_artifacts(user, 8 * number, 1)


def _grow_repositories_of_charts(user: User, start: int, count: int) -> None:
    _grow_repositories(user, start, count)
    Artifact.objects.update(config_media_type="x")


def _grow_tags(user: User, start: int, count: int) -> None:
    project = Project.objects.filter(name="p999").first() or _project(user, 999)
    repository, _ = Repository.objects.get_or_create(project=project, name="p999/r", listed=True)
    if not start:
        _artifacts(repository, 0, 1)
    artifact = Artifact.objects.get(tags__name="x0")
    for number in range(start, start + count):
        Tag.objects.create(repository=repository, artifact=artifact, name=f"t{number}")


def _grow_accessories(user: User, start: int, count: int) -> None:
    project = Project.objects.filter(name="p999").first() or _project(user, 999)
    repository, _ = Repository.objects.get_or_create(project=project, name="p999/r", listed=True)
    if not start:
        _artifacts(repository, 0, 1)
    for number in range(start, start + count):
        Artifact.objects.create(
            repository=repository,
            project=project,
            digest=f"sha256:d{number:063d}",
            media_type="application/vnd.oci.image.manifest.v1+json",
            manifest=b"{}",
            size=2,
            subject_digest=f"sha256:a{0:063d}",
            accessory_type="subject.accessory",
        )


def _grow_immutable_rules(user: User, start: int, count: int) -> None:
    project = Project.objects.filter(name="p999").first() or _project(user, 999)
    for _ in range(start, start + count):
        ImmutableRule.objects.create(project=project)


def _grow_access_tokens(user: User, start: int, count: int) -> None:
    AccessToken.objects.bulk_create(
        AccessToken(user=user, label=f"t{number}") for number in range(start, start + count)
    )


def _grow_groups(user: User, start: int, count: int) -> None:
    """Groups, which are members of a project too."""
    project = Project.objects.filter(name="p999").first() or _project(user, 999)
    for number in range(start, start + count):
        group = UserGroup.objects.create(group_name=f"g{number}", group_type=GroupType.LOCAL)
        Member.objects.create(project=project, group=group, role=Role.GUEST)


def _grow_group_members(_user: User, start: int, count: int) -> None:
    group, _ = UserGroup.objects.get_or_create(id=999, group_name="many", group_type=GroupType.LOCAL)
    for number in range(start, start + count):
        person = User.objects.create(username=f"u{number}", email=f"u{number}@example.com")
        UserGroupMember.objects.create(group=group, user=person)


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
        ("projects/p999/artifacts", _grow_everything_of_artifacts, 6),
        (f"projects/p999/artifacts?{_EVERYTHING}", _grow_everything_of_artifacts, 10),
        (f"projects/p999/repositories/r0/artifacts?{_EVERYTHING}&q=base=*", _grow_everything_of_r0, 11),
        (f"projects/p999/artifacts?{_LATEST}", _grow_repositories_of_charts, 6),
        (f"projects/p999/repositories/r/artifacts/sha256:a{0:063d}/accessories", _grow_accessories, 6),
        ("projects/p999/repositories/r/artifacts/x0/tags?with_immutable_status=true", _grow_tags, 8),
        ("labels?scope=g", _grow_labels, 3),
        ("projects/p999/members", _grow_members, 3),
        ("projects/p999/members?entityname=g", _grow_groups, 3),
        ("users", _grow_members, 2),
        ("usergroups", _grow_groups, 2),
        ("usergroups/search?groupname=g", _grow_groups, 2),
        ("usergroups/999/members", _grow_group_members, 3),
        ("users/current/tokens", _grow_access_tokens, 2),
        ("projects/p999/immutabletagrules", _grow_immutable_rules, 3),
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
