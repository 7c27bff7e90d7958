"""The role table, cell by cell, against one written out by hand."""

import pytest

from apps.accounts.models import UserGroup, UserGroupMember
from apps.accounts.types import GroupType
from apps.projects.contexts import AnonymousContext, LocalSecurityContext
from apps.projects.models import Member, Project
from apps.projects.roles import (
    PROJECT_GRANTABLE,
    PROJECT_PERMISSIONS,
    PUBLIC_PERMISSIONS,
    ROLE_PERMISSIONS,
    ROLE_RANK,
    SYSTEM_GRANTABLE,
    SYSTEM_PERMISSIONS,
)
from apps.projects.selectors import permissions_in
from apps.projects.types import IN_REPOSITORIES, READING, Role
from tests.support.people import acting, person, roles_in

ADMIN, DEVELOPER, GUEST, MAINTAINER, LIMITED = Role
EVERY_ROLE = {ADMIN, MAINTAINER, DEVELOPER, GUEST, LIMITED}
PUBLIC = "public"

# (resource, action): who may
TABLE: dict[tuple[str, str], set] = {
    ("", "read"): {*EVERY_ROLE, PUBLIC},
    ("", "update"): {ADMIN},
    ("", "delete"): {ADMIN},
    ("member", "create"): {ADMIN},
    ("member", "read"): {ADMIN, MAINTAINER, DEVELOPER, GUEST},
    ("member", "update"): {ADMIN},
    ("member", "delete"): {ADMIN},
    ("member", "list"): {ADMIN, MAINTAINER, DEVELOPER, GUEST},
    ("metadata", "create"): {ADMIN},
    ("metadata", "read"): {ADMIN, MAINTAINER},
    ("metadata", "update"): {ADMIN},
    ("metadata", "delete"): {ADMIN},
    ("metadata", "list"): {ADMIN},
    ("log", "list"): {ADMIN},
    ("label", "create"): {ADMIN, MAINTAINER},
    ("label", "read"): {ADMIN, MAINTAINER, DEVELOPER, GUEST, PUBLIC},
    ("label", "update"): {ADMIN, MAINTAINER},
    ("label", "delete"): {ADMIN, MAINTAINER},
    ("label", "list"): {ADMIN, MAINTAINER, DEVELOPER, GUEST, PUBLIC},
    ("quota", "read"): EVERY_ROLE,
    ("repository", "create"): {ADMIN, MAINTAINER, DEVELOPER},
    ("repository", "read"): EVERY_ROLE,
    ("repository", "update"): {ADMIN, MAINTAINER, DEVELOPER},
    ("repository", "delete"): {ADMIN, MAINTAINER},
    ("repository", "list"): {*EVERY_ROLE, PUBLIC},
    ("repository", "pull"): {*EVERY_ROLE, PUBLIC},
    ("repository", "push"): {ADMIN, MAINTAINER, DEVELOPER},
    ("tag-retention", "create"): {ADMIN, MAINTAINER, DEVELOPER},
    ("tag-retention", "read"): {ADMIN, MAINTAINER, DEVELOPER},
    ("tag-retention", "update"): {ADMIN, MAINTAINER, DEVELOPER},
    ("tag-retention", "delete"): {ADMIN, MAINTAINER, DEVELOPER},
    ("tag-retention", "list"): {ADMIN, MAINTAINER, DEVELOPER},
    ("tag-retention", "operate"): {ADMIN, MAINTAINER, DEVELOPER},
    ("immutable-tag", "create"): {ADMIN, MAINTAINER},
    ("immutable-tag", "update"): {ADMIN, MAINTAINER},
    ("immutable-tag", "delete"): {ADMIN, MAINTAINER},
    ("immutable-tag", "list"): {ADMIN, MAINTAINER},
    ("configuration", "read"): EVERY_ROLE,
    ("configuration", "update"): {ADMIN},
    ("robot", "create"): {ADMIN},
    ("robot", "read"): {ADMIN, MAINTAINER, DEVELOPER, GUEST},
    ("robot", "update"): {ADMIN},
    ("robot", "delete"): {ADMIN},
    ("robot", "list"): {ADMIN, MAINTAINER, DEVELOPER, GUEST},
    ("notification-policy", "create"): {ADMIN},
    ("notification-policy", "read"): {ADMIN, MAINTAINER},
    ("notification-policy", "update"): {ADMIN},
    ("notification-policy", "delete"): {ADMIN},
    ("notification-policy", "list"): {ADMIN, MAINTAINER},
    ("scan", "create"): {ADMIN, MAINTAINER},
    ("scan", "read"): {*EVERY_ROLE, PUBLIC},
    ("scan", "stop"): {ADMIN, MAINTAINER},
    ("sbom", "create"): {ADMIN, MAINTAINER},
    ("sbom", "read"): EVERY_ROLE,
    ("sbom", "stop"): {ADMIN, MAINTAINER},
    ("scanner", "create"): {ADMIN},
    ("scanner", "read"): {*EVERY_ROLE, PUBLIC},
    ("artifact", "create"): {ADMIN, MAINTAINER, DEVELOPER},
    ("artifact", "read"): {*EVERY_ROLE, PUBLIC},
    ("artifact", "delete"): {ADMIN, MAINTAINER},
    ("artifact", "list"): {*EVERY_ROLE, PUBLIC},
    ("artifact-addition", "read"): {*EVERY_ROLE, PUBLIC},
    ("tag", "create"): {ADMIN, MAINTAINER, DEVELOPER},
    ("tag", "delete"): {ADMIN, MAINTAINER},
    ("tag", "list"): {*EVERY_ROLE, PUBLIC},
    ("accessory", "list"): {*EVERY_ROLE, PUBLIC},
    ("artifact-label", "create"): {ADMIN, MAINTAINER, DEVELOPER},
    ("artifact-label", "delete"): {ADMIN, MAINTAINER, DEVELOPER},
    ("preheat-policy", "create"): {ADMIN},
    ("preheat-policy", "read"): {ADMIN},
    ("preheat-policy", "update"): {ADMIN},
    ("preheat-policy", "delete"): {ADMIN},
    ("preheat-policy", "list"): {ADMIN},
    ("export-cve", "create"): {ADMIN, MAINTAINER, DEVELOPER},
    ("export-cve", "read"): {ADMIN, MAINTAINER, DEVELOPER},
    ("export-cve", "list"): {ADMIN, MAINTAINER, DEVELOPER},
}

RESOURCES = sorted({resource for resource, _ in TABLE} | {"no-such-resource"})
ACTIONS = ["create", "read", "update", "delete", "list", "pull", "push", "stop", "operate", "scanner-pull"]


@pytest.mark.parametrize("who", [*Role, PUBLIC])
@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("action", ACTIONS)
def test_cell(who, resource, action):
    permissions = PUBLIC_PERMISSIONS if who is PUBLIC else ROLE_PERMISSIONS[who]
    assert ((resource, action) in permissions) == (who in TABLE.get((resource, action), ()))


def test_nothing_beyond_the_table():
    granted = PUBLIC_PERMISSIONS.union(*ROLE_PERMISSIONS.values())
    assert granted == set(TABLE)
    assert granted <= PROJECT_PERMISSIONS


def test_harbors_totals():
    """Harbor's own counts; the project admin has one more here, ``metadata:list``."""
    totals = {role: len(permissions) for role, permissions in ROLE_PERMISSIONS.items()}
    assert totals == {ADMIN: 75 + 1, MAINTAINER: 53, DEVELOPER: 36, GUEST: 20, LIMITED: 14}
    assert len(PUBLIC_PERMISSIONS) == 12
    assert len(SYSTEM_GRANTABLE) == len(set(SYSTEM_GRANTABLE)) == 70
    assert len(PROJECT_GRANTABLE) == len(set(PROJECT_GRANTABLE)) == 70


def test_grantable_cells():
    assert [action for resource, action in SYSTEM_GRANTABLE if resource == "project"] == ["create", "list"]
    assert [action for resource, action in SYSTEM_GRANTABLE if resource == "robot"] == [
        "create", "read", "delete", "list",
    ]  # fmt: skip
    assert [action for resource, action in PROJECT_GRANTABLE if resource == "repository"] == [
        "read", "update", "delete", "list", "pull", "push",
    ]  # fmt: skip
    assert not {resource for resource, _ in SYSTEM_GRANTABLE} & {"configuration", "distribution"}
    assert ("configuration", "update") in SYSTEM_PERMISSIONS
    assert ("quota", "read") not in SYSTEM_PERMISSIONS


def test_rank_names_every_role_once():
    assert ROLE_RANK == (ADMIN, MAINTAINER, DEVELOPER, GUEST, LIMITED)


@pytest.mark.django_db
def test_contexts_follow_the_table(django_assert_num_queries):
    owner, boss = person(), person(sysadmin=True)
    project = Project.objects.create(name="contexts", owner=owner)
    other = Project.objects.create(name="other", owner=owner)
    for role in Role:
        user = person()
        Member.objects.create(project=project, user=user, role=role)
        context = acting(user)
        with django_assert_num_queries(1):
            for (resource, action), who in TABLE.items():
                asked = {"resource": resource, "action": action}
                assert context.can_project(project.id, public=False, **asked) == (role in who)
                assert context.can_project(project.id, public=True, **asked) == bool({role, PUBLIC} & who)
                assert context.can_project(other.id, public=True, **asked) == (PUBLIC in who)
                assert not context.can_project(other.id, public=False, **asked)
                assert not context.can_project(0, public=False, **asked)
                assert AnonymousContext().can_project(project.id, public=True, **asked) == (PUBLIC in who)
                assert not AnonymousContext().can_project(project.id, public=False, **asked)
        assert not context.can_system("project", "list")
    root: LocalSecurityContext = acting(boss)
    with django_assert_num_queries(0):
        assert root.can_project(0, public=False, resource="anything", action="at-all")
        assert root.can_system("anything", "at-all")
    assert not AnonymousContext().can_system("catalog", "read")


@pytest.mark.django_db
def test_roles_of_groups_are_added_to_ones_own(django_assert_num_queries):
    owner, user = person(), person()
    project = Project.objects.create(name="groups", owner=owner)
    for number, role in enumerate((GUEST, MAINTAINER, GUEST)):
        group = UserGroup.objects.create(group_name=f"g{number}", group_type=GroupType.LOCAL)
        UserGroupMember.objects.create(group=group, user=user)
        Member.objects.create(project=project, group=group, role=role)
    Member.objects.create(project=project, user=user, role=DEVELOPER)

    with django_assert_num_queries(1):
        assert roles_in(user, project) == (MAINTAINER, DEVELOPER, GUEST)
    context = acting(user)
    with django_assert_num_queries(0):
        for (resource, action), who in TABLE.items():
            asked = {"public": False, "resource": resource, "action": action}
            assert context.can_project(project.pk, **asked) == bool({MAINTAINER, DEVELOPER, GUEST} & who)


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role)
def test_patterns_narrow_each_role(role):
    """Reads by the pull patterns, changes by the push patterns, and only what lives in a repository."""
    user = person()
    project = Project.objects.create(name="narrow", owner=person())
    Member.objects.create(
        project=project, user=user, role=role, pull_patterns=["base/**"], push_patterns=["base/app"]
    )
    context = acting(user)
    reached = {"base/app": (True, True), "base/web": (True, False), "other": (False, False), "": (True, True)}
    for (resource, action), who in TABLE.items():
        for repository, (reads, changes) in reached.items():
            reaches = resource not in IN_REPOSITORIES or (reads if action in READING else changes)
            asked = {"resource": resource, "action": action, "repository": repository}
            assert context.can_project(project.pk, public=False, **asked) == (role in who and reaches)
            public = PUBLIC in who or (role in who and reaches)
            assert context.can_project(project.pk, public=True, **asked) == public
    assert context.is_narrowed_in()
    assert context.is_narrowed_in(project.pk)
    assert not context.is_narrowed_in(project.pk + 1)


@pytest.mark.django_db
def test_patterns_of_one_role_leave_another():
    user = person()
    project = Project.objects.create(name="both", owner=person())
    group = UserGroup.objects.create(group_name="g", group_type=GroupType.LOCAL)
    UserGroupMember.objects.create(group=group, user=user)
    Member.objects.create(project=project, group=group, role=DEVELOPER, push_patterns=["ci/*"])
    Member.objects.create(project=project, user=user, role=GUEST, pull_patterns=["docs"])

    def may(action, repository):
        return acting(user).can_project(
            project.pk, public=False, resource="repository", action=action, repository=repository
        )

    assert [may("push", name) for name in ("ci/app", "docs", "ci/a/b")] == [True, False, False]
    assert may("pull", "anything"), "the group reads everything"


@pytest.mark.django_db
@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("public", [False, True])
def test_an_auditor_reads_everything_and_changes_nothing_whatever_the_role(
    role, public, django_assert_num_queries
):
    user = person()
    user.auditor_flag = True
    user.save()
    project = Project.objects.create(name="audited", owner=person(), public=public)
    if role is not None:
        Member.objects.create(project=project, user=user, role=role, pull_patterns=["nothing"])
    context = acting(user)
    assert (context.sees_everything, context.is_system_admin, context.is_narrowed_in()) == (
        True,
        False,
        False,
    )
    with django_assert_num_queries(0):
        for resource in RESOURCES:
            for action in ACTIONS:
                may = action in {"read", "list", "pull"}
                for project_id in (project.pk, 0):
                    asked = {"public": public, "resource": resource, "action": action, "repository": "a/b"}
                    assert context.can_project(project_id, **asked) == may
        for resource, action in {*SYSTEM_PERMISSIONS, *SYSTEM_GRANTABLE}:
            assert context.can_system(resource, action) == (action in {"read", "list"})
    shown = permissions_in(actor=context, project=project)
    assert shown == {pair for pair in PROJECT_PERMISSIONS if pair[1] in READING}


@pytest.mark.django_db
def test_a_system_administrator_who_is_an_auditor_too_stays_one():
    user = person(sysadmin=True)
    user.auditor_flag = True
    user.save()
    assert acting(user).can_project(0, public=False, resource="repository", action="delete")
    assert acting(user).can_system("user", "delete")
