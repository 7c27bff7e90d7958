import pytest

from apps.access_tokens.services import token_create
from apps.accounts.authentication import authenticate
from apps.accounts.models import User
from apps.accounts.security import context_of
from apps.common.errors import ForbiddenError
from apps.projects.member_services import member_delete
from apps.projects.models import Member
from apps.projects.selectors import projects_visible_to
from apps.projects.services import project_create, project_delete
from apps.projects.types import Role
from tests.support.people import acting, person

pytestmark = pytest.mark.django_db

READ = ("repository", "pull"), ("repository", "list"), ("artifact", "read"), ("", "read")
WRITE = (
    ("repository", "push"),
    ("artifact", "delete"),
    ("member", "create"),
    ("robot", "create"),
    ("", "delete"),
)


@pytest.fixture
def projects(boss):
    """Two private ones and a public one."""
    names = {"one": False, "two": False, "open": True}
    return {name: project_create(actor=boss, name=name, public=public) for name, public in names.items()}


@pytest.fixture
def anna(projects):
    """Project admin of both private ones."""
    user = person("anna")
    for name in ("one", "two"):
        Member.objects.create(project=projects[name], user=user, role=Role.PROJECT_ADMIN)
    return acting(user)


def token_of(actor, label="ci", **fields):
    secret = token_create(actor=actor, user_id=actor.principal.id, label=label, **fields).secret
    return context_of(authenticate(actor.name, secret, address="192.0.2.1"))


def may(context, project, *permissions):
    return [
        context.can_project(project.id, public=project.public, resource=resource, action=action)
        for resource, action in permissions
    ]


def visible(context):
    return [project.name for project in projects_visible_to(context)]


def test_a_full_token_may_what_its_owner_may(anna, projects):
    token = token_of(anna)
    assert all(may(token, projects["one"], *READ, *WRITE))
    assert not any(may(token, projects["open"], *WRITE))
    assert visible(token) == ["one", "open", "two"]
    assert project_create(actor=token, name="made").owner_id == anna.principal.id
    assert not token.can_system("project", "create")


def test_a_read_only_token_reads(anna, projects):
    token = token_of(anna, read_only=True)
    assert all(may(token, projects["one"], *READ))
    assert not any(may(token, projects["one"], *WRITE))
    with pytest.raises(ForbiddenError):
        project_create(actor=token, name="made")
    assert token.is_read_only


def test_a_token_of_a_project_sees_only_that(anna, projects):
    token = token_of(anna, projects=["one"])
    assert all(may(token, projects["one"], *READ, *WRITE))
    assert not any(may(token, projects["two"], *READ, *WRITE))
    assert may(token, projects["open"], ("repository", "list")) == [True], "as anybody may"
    assert visible(token) == ["one", "open"]
    with pytest.raises(ForbiddenError):
        project_create(actor=token, name="made")


def test_a_project_that_went_opens_no_other(anna, boss, projects):
    token = token_of(anna, projects=["one"])
    project_delete(actor=boss, project_id=projects["one"].id)
    again = context_of(token.principal)
    assert not any(may(again, projects["two"], *READ, *WRITE))
    assert visible(again) == ["open"]


def test_a_role_that_is_lost_is_lost(anna, boss, projects):
    token = token_of(anna)
    member = Member.objects.get(user_id=anna.principal.id, project=projects["one"])
    member_delete(actor=boss, project_id=projects["one"].id, member_id=member.pk)
    again = context_of(token.principal)
    assert not any(may(again, projects["one"], *READ, *WRITE))
    assert visible(again) == ["open", "two"]


def test_a_system_administrators_tokens(boss, projects):
    full, reading, narrow = (
        token_of(boss, label, **fields)
        for label, fields in (("a", {}), ("b", {"read_only": True}), ("c", {"projects": ["one"]}))
    )
    assert [context.is_system_admin for context in (full, reading, narrow)] == [True, False, False]
    assert [context.sees_everything for context in (full, reading, narrow)] == [True, True, False]
    assert [context.can_system("quota", "update") for context in (full, reading, narrow)] == [
        True,
        False,
        False,
    ]
    assert [context.can_system("quota", "list") for context in (full, reading, narrow)] == [True, True, False]
    for action, allowed in (("create", False), ("update", False), ("delete", False), ("list", True)):
        assert full.can_system("user", action) is allowed
    assert all(may(reading, projects["two"], *READ))
    assert not any(may(reading, projects["two"], *WRITE))
    assert all(may(narrow, projects["one"], *READ, *WRITE))
    assert not any(may(narrow, projects["two"], *READ, *WRITE))


def test_an_auditors_tokens(projects):
    user = person("audrey")
    User.objects.filter(pk=user.pk).update(auditor_flag=True)
    audrey = acting(user)
    full, narrow = token_of(audrey), token_of(audrey, "n", projects=["one"])
    assert full.sees_everything
    assert not narrow.sees_everything
    assert all(may(full, projects["two"], *READ))
    assert not any(may(full, projects["two"], *WRITE))
    assert not any(may(narrow, projects["two"], *READ))
