"""Who may read the log, and in which order."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.accounts.models import UserGroup, UserGroupMember
from apps.accounts.security import context_of
from apps.accounts.types import GroupType
from apps.audit.models import AuditLog
from apps.audit.selectors import audit_list
from apps.common.errors import ForbiddenError, UnauthorizedError
from apps.projects.contexts import AnonymousContext
from apps.projects.models import Member
from apps.projects.services import project_create
from apps.projects.types import ProjectRef, Role
from apps.robots.models import Robot
from apps.robots.selectors import principal_of
from tests.support.people import acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def projects(admin):
    """Two projects, with one row each and one of none."""
    refs = []
    for name in ("one", "two"):
        project = project_create(actor=admin, name=name)
        refs.append(ProjectRef(project.pk, name, public=False))
    AuditLog.objects.all().delete()
    for minutes, (resource, project_id) in enumerate(
        [("one", refs[0].id), ("two", refs[1].id), ("nothing", None)]
    ):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        AuditLog.objects.create(
            op_time=at,
            operation="update",
            resource=resource,
            resource_type="x",
            username="u",
            project_id=project_id,
        )
    return refs


def resources(rows):
    return [row.resource for row in rows]


def robot_with(permission):
    robot = Robot.objects.create(name="ci", permissions=[permission])
    return context_of(principal_of(robot))


def test_an_administrator_sees_all_newest_first(admin, projects):
    assert resources(audit_list(actor=admin)) == ["nothing", "two", "one"]
    assert resources(audit_list(actor=admin, project=projects[0])) == ["one"]


def test_the_later_row_of_one_moment_is_first(admin):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for resource in ("first", "second"):
        AuditLog.objects.create(op_time=at, operation="x", resource=resource, resource_type="x", username="u")

    assert resources(audit_list(actor=admin)) == ["second", "first"]


@pytest.mark.parametrize("role", list(Role))
def test_a_member_sees_what_the_role_opens(projects, alice, role):
    Member.objects.create(project_id=projects[0].id, user=alice, role=role)
    member = acting(alice)

    if role is Role.PROJECT_ADMIN:
        assert resources(audit_list(actor=member)) == ["one"]
        assert resources(audit_list(actor=member, project=projects[0])) == ["one"]
    else:
        assert resources(audit_list(actor=member)) == []
        with pytest.raises(ForbiddenError):
            audit_list(actor=member, project=projects[0])
    with pytest.raises(ForbiddenError):
        audit_list(actor=member, project=projects[1])


def test_a_role_of_a_group_opens_the_log_too(projects, alice):
    group = UserGroup.objects.create(group_name="auditors of one", group_type=GroupType.LOCAL)
    UserGroupMember.objects.create(group=group, user=alice)
    Member.objects.create(project_id=projects[0].id, group=group, role=Role.PROJECT_ADMIN)

    assert resources(audit_list(actor=acting(alice))) == ["one"]


def test_an_auditor_sees_all(projects, alice):
    alice.auditor_flag = True
    alice.save()
    auditor = acting(alice)

    assert len(audit_list(actor=auditor)) == 3
    assert resources(audit_list(actor=auditor, project=projects[1])) == ["two"]


def test_anonymous_callers_see_nothing(projects):
    with pytest.raises(UnauthorizedError):
        audit_list(actor=AnonymousContext())
    with pytest.raises(UnauthorizedError):
        audit_list(actor=AnonymousContext(), project=ProjectRef(projects[0].id, "one", public=True))


def test_robots_by_their_permissions(projects):
    robot = robot_with(
        {"kind": "system", "namespace": "/", "access": [{"resource": "audit-log", "action": "list"}]}
    )
    assert len(audit_list(actor=robot)) == 3
    with pytest.raises(ForbiddenError):
        audit_list(actor=robot, project=projects[0])


def test_a_robot_of_one_project(projects):
    robot = robot_with(
        {"kind": "project", "namespace": "one", "access": [{"resource": "log", "action": "list"}]}
    )

    assert resources(audit_list(actor=robot, project=projects[0])) == ["one"]
    with pytest.raises(ForbiddenError):
        audit_list(actor=robot, project=projects[1])
    with pytest.raises(ForbiddenError):
        audit_list(actor=robot)
