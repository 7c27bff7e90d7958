"""Groups, their members, and what that changes at once."""

import pytest

from apps.accounts.group_selectors import group_get, group_list, group_member_list, group_search
from apps.accounts.group_services import (
    group_create,
    group_delete,
    group_member_add,
    group_member_remove,
    group_rename,
)
from apps.accounts.models import UserGroup, UserGroupMember
from apps.accounts.services import user_delete
from apps.accounts.types import GroupType
from apps.common.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PreconditionError,
    UnauthorizedError,
)
from apps.events import bus
from apps.events.catalogue import GroupChanged
from apps.projects.contexts import AnonymousContext
from apps.projects.member_services import member_add, member_update
from apps.projects.models import Member, Project
from apps.projects.selectors import projects_visible_to
from apps.projects.types import Role
from tests.support.people import acting, person, roles_in, seen_events, settings_are

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna():
    return person("anna")


@pytest.fixture
def group(boss):
    return group_create(actor=boss, group_name="builders", group_type=GroupType.LOCAL)


@pytest.fixture
def project(boss):
    return Project.objects.create(name="team", owner_id=boss.principal.id)


def test_create_rename_delete(boss, monkeypatch):
    events = seen_events(monkeypatch, bus)
    group = group_create(actor=boss, group_name="Builders", group_type=4, ldap_group_dn="cn=ignored")
    assert (group.group_name, group.group_type, group.ldap_group_dn) == ("Builders", 4, "")
    assert group_rename(actor=boss, group_id=group.pk, group_name="Makers").group_name == "Makers"
    assert group_get(actor=boss, group_id=group.pk).group_name == "Makers"
    group_delete(actor=boss, group_id=group.pk)
    told = [event for event in events if isinstance(event, GroupChanged)]
    assert [event.operation for event in told] == ["create", "update", "delete"]
    for missing in (group_get, group_delete):
        with pytest.raises(NotFoundError):
            missing(actor=boss, group_id=group.pk)
    with pytest.raises(BadRequestError):
        group_get(actor=boss, group_id=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"group_name": ""},
        {"group_name": " "},
        {"group_name": "a" * 256},
        {"group_name": "a\x00"},
        {"group_type": 0},
        {"group_type": 5},
        {"group_type": 1},
        {"group_type": 1, "ldap_group_dn": "d" * 513},
    ],
)
def test_what_no_group_can_be(boss, wrong):
    with pytest.raises(BadRequestError):
        group_create(actor=boss, **({"group_name": "g", "group_type": 4} | wrong))
    assert not UserGroup.objects.exists()


def test_names_are_ones_own_within_a_type(boss, group):
    with pytest.raises(ConflictError):
        group_create(actor=boss, group_name="builders", group_type=4)
    other = group_create(actor=boss, group_name="builders", group_type=3)
    assert other.group_type == GroupType.OIDC
    one = group_create(actor=boss, group_name="l", group_type=1, ldap_group_dn="cn=a,dc=x")
    group_create(actor=boss, group_name="l", group_type=1, ldap_group_dn="cn=b,dc=x")
    with pytest.raises(ConflictError):
        group_create(actor=boss, group_name="other", group_type=1, ldap_group_dn="CN=A,DC=X")
    third = group_create(actor=boss, group_name="third", group_type=4)
    with pytest.raises(ConflictError):
        group_rename(actor=boss, group_id=third.pk, group_name="builders")
    assert group_rename(actor=boss, group_id=one.pk, group_name="l").group_name == "l"


def test_who_may(boss, anna, group):
    for actor, error in ((acting(anna), ForbiddenError), (AnonymousContext(), UnauthorizedError)):
        for attempt in (
            lambda actor=actor: group_list(actor=actor),
            lambda actor=actor: group_get(actor=actor, group_id=group.pk),
            lambda actor=actor: group_member_list(actor=actor, group_id=group.pk),
            lambda actor=actor: group_create(actor=actor, group_name="g", group_type=4),
            lambda actor=actor: group_rename(actor=actor, group_id=group.pk, group_name="g"),
            lambda actor=actor: group_delete(actor=actor, group_id=group.pk),
            lambda actor=actor: group_member_add(actor=actor, group_id=group.pk, user_id=anna.pk),
            lambda actor=actor: group_member_remove(actor=actor, group_id=group.pk, user_id=anna.pk),
        ):
            with pytest.raises(error):
                attempt()
    assert list(group_search(actor=acting(anna), name="BUILD")) == [group]
    assert not group_search(actor=acting(anna), name="")
    with pytest.raises(UnauthorizedError):
        group_search(actor=AnonymousContext(), name="build")


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ("db_auth", ["http", "ldap", "local", "oidc"]),
        ("ldap_auth", ["ldap", "local"]),
        ("oidc_auth", ["local", "oidc"]),
        ("http_auth", ["http", "local"]),
    ],
)
def test_lists_show_what_is_in_use(boss, mode, shown):
    for number, name in enumerate(("ldap", "http", "oidc", "local"), 1):
        group_create(actor=boss, group_name=name, group_type=number, ldap_group_dn=f"cn={name}")
    settings_are(auth_mode=mode)
    assert [group.group_name for group in group_list(actor=boss)] == shown
    assert [group.group_name for group in group_search(actor=boss, name="L")] == [
        name for name in shown if "l" in name
    ]
    assert [group.group_name for group in group_list(actor=boss, name="LOC")] == ["local"]
    by_dn = [group.group_name for group in group_list(actor=boss, ldap_group_dn="cn=ldap")]
    assert by_dn == (["ldap"] if mode == "ldap_auth" else shown)


def test_members_of_local_groups(boss, anna, group):
    bert = person("bert")
    assert group_member_add(actor=boss, group_id=group.pk, user_id=anna.pk) == anna
    assert group_member_add(actor=boss, group_id=group.pk, username="bert") == bert
    assert list(group_member_list(actor=boss, group_id=group.pk)) == [anna, bert]
    with pytest.raises(ConflictError):
        group_member_add(actor=boss, group_id=group.pk, user_id=anna.pk)
    with pytest.raises(NotFoundError):
        group_member_add(actor=boss, group_id=group.pk, username="nobody")
    group_member_remove(actor=boss, group_id=group.pk, user_id=anna.pk)
    with pytest.raises(NotFoundError):
        group_member_remove(actor=boss, group_id=group.pk, user_id=anna.pk)
    user_delete(actor=boss, user_id=bert.pk)
    assert not UserGroupMember.objects.exists()


def test_members_of_a_directorys_group_are_its_own(boss, anna):
    group = group_create(actor=boss, group_name="oidc", group_type=3)
    with pytest.raises(PreconditionError):
        group_member_add(actor=boss, group_id=group.pk, user_id=anna.pk)
    with pytest.raises(PreconditionError):
        group_member_remove(actor=boss, group_id=group.pk, user_id=anna.pk)


def test_each_change_counts_at_once(boss, anna, group, project):
    def roles():
        return roles_in(anna, project)

    def sees():
        return project in projects_visible_to(acting(anna))

    member = member_add(actor=boss, project_id=project.pk, role=2, group_id=group.pk)
    assert (roles(), sees()) == ((), False)
    group_member_add(actor=boss, group_id=group.pk, user_id=anna.pk)
    assert (roles(), sees()) == ((Role.DEVELOPER,), True)
    group_member_remove(actor=boss, group_id=group.pk, user_id=anna.pk)
    assert (roles(), sees()) == ((), False)
    group_member_add(actor=boss, group_id=group.pk, user_id=anna.pk)
    group_delete(actor=boss, group_id=group.pk)
    assert (roles(), sees()) == ((), False)
    assert not Member.objects.filter(pk=member.pk).exists()


def test_which_of_several_names_counts(boss, anna, group, project):
    """A user's id, then a group's, then a username, a distinguished name, and a group's name: Harbor's order."""
    ldap = group_create(actor=boss, group_name="builders", group_type=1, ldap_group_dn="cn=b,dc=x")
    bert = person("bert")
    everything = {
        "user_id": anna.pk,
        "group_id": group.pk,
        "username": "bert",
        "ldap_group_dn": "cn=b,dc=x",
        "group_name": "builders",
    }
    found = []
    for name in list(everything):
        member = member_add(actor=boss, project_id=project.pk, role=2, group_type=0, **everything)
        found.append(member.user or member.group)
        member.delete()
        everything.pop(name)
        if name == "ldap_group_dn":
            with pytest.raises(NotFoundError):
                member_add(actor=boss, project_id=project.pk, role=2, **everything)
            group_delete(actor=boss, group_id=ldap.pk)
    assert found == [anna, group, bert, ldap, group]


def test_patterns_of_a_member_stay_unless_they_are_given(boss, anna, project):
    one = {"actor": boss, "project_id": project.pk}
    member = member_add(**one, role=2, user_id=anna.pk, pull_patterns=["a", "a"], push_patterns=["b/**"])
    assert (member.pull_patterns, member.push_patterns) == (["a"], ["b/**"])
    one["member_id"] = member.pk
    member = member_update(**one, role=4)
    assert (member.role, member.pull_patterns, member.push_patterns) == (4, ["a"], ["b/**"])
    member = member_update(**one, push_patterns=[])
    assert (member.role, member.pull_patterns, member.push_patterns) == (4, ["a"], [])
    for wrong in (["\u00e9"], ["a["], [""], ["x" * 600], [f"r{number}" for number in range(65)]):
        with pytest.raises(BadRequestError):
            member_update(**one, pull_patterns=wrong)
