"""Permissions that are narrowed to patterns of repositories."""

from dataclasses import replace

import pytest

from apps.accounts.security import USER
from apps.common.errors import BadRequestError, DeniedError
from apps.projects.patterns import repository_patterns_clean
from apps.projects.roles import PROJECT_GRANTABLE
from apps.projects.types import IN_REPOSITORIES
from apps.robots.constants import PROJECT
from apps.robots.permissions import PermissionSet
from tests.robots.conftest import grant, may, robot_context

pytestmark = pytest.mark.django_db


def narrowed(namespace, *accesses, to):
    return replace(grant(namespace, *accesses), repositories=tuple(to))


def test_every_permission_in_what_lives_in_a_repository(make_project, make_robot):
    team = make_project()
    everything = [f"{resource}:{action}" for resource, action in PROJECT_GRANTABLE]
    context = robot_context(make_robot(narrowed("team", *everything, to=["base/**", "app-?"]), level=PROJECT))

    for access in everything:
        resource, action = access.split(":")
        asked = f"{'' if resource == 'project' else resource}:{action}"
        elsewhere = resource not in IN_REPOSITORIES
        found = [may(context, team, asked, name) for name in ("base/a/b", "app-1", "app-12", "other", "")]
        assert found == [True, True, elsewhere, elsewhere, True], access
    assert context.is_narrowed_in()
    assert context.is_narrowed_in(team.pk)


def test_push_implies_pull_in_the_same_repositories(make_project, make_robot):
    team = make_project()
    context = robot_context(make_robot(narrowed("team", "repository:push", to=["ci/*"]), level=PROJECT))

    assert may(context, team, "repository:pull", "ci/app")
    assert not may(context, team, "repository:pull", "other")


def test_several_permissions_add_up(make_project, make_robot):
    team, other = make_project("team"), make_project("other")
    context = robot_context(
        make_robot(
            narrowed("team", "repository:pull", to=["a"]),
            narrowed("team", "repository:pull", to=["b"]),
            narrowed("*", "repository:pull", to=["every"]),
        )
    )

    names = ("a", "b", "every", "c")
    assert [may(context, team, "repository:pull", name) for name in names] == [True, True, True, False]
    assert [may(context, other, "repository:pull", name) for name in names] == [False, False, True, False]
    assert context.is_narrowed_in(other.pk)


def test_a_narrowed_denial(make_project, make_robot):
    team = make_project(public=True)
    context = robot_context(
        make_robot(grant("team", "repository:pull"), narrowed("team", "!repository:pull", to=["secret/**"]))
    )

    assert may(context, team, "repository:pull", "app")
    assert may(context, team, "repository:pull")
    assert not may(context, team, "repository:pull", "secret/app"), "whatever is public"


def test_what_is_public_stays_readable(make_project, make_robot):
    public = make_project("open", public=True)
    context = robot_context(make_robot(narrowed("open", "repository:push", to=["ci"]), level=PROJECT))

    assert may(context, public, "repository:pull", "other")
    assert not may(context, public, "repository:push", "other")


def test_without_patterns_nothing_is_narrowed(make_project, make_robot):
    team = make_project()
    context = robot_context(make_robot(grant("team", "repository:pull")))
    assert not context.is_narrowed_in()
    assert not context.is_narrowed_in(team.pk)
    assert may(context, team, "repository:pull", "anything/at/all")


@pytest.mark.parametrize(
    ("own", "granted", "covered"),
    [
        ([grant("team", "repository:pull")], narrowed("team", "repository:pull", to=["a"]), True),
        ([narrowed("team", "repository:pull", to=["a"])], grant("team", "repository:pull"), False),
        ([narrowed("team", "repository:pull", to=["a", "b"])], narrowed("team", "repository:pull", to=["a"]), True),
        ([narrowed("team", "repository:pull", to=["a"])], narrowed("team", "repository:pull", to=["a", "b"]), False),
        ([narrowed("team", "repository:pull", to=["a/**"])], narrowed("team", "repository:pull", to=["a/b"]), False),
        ([narrowed("*", "repository:pull", to=["a"])], narrowed("team", "repository:pull", to=["a"]), True),
        ([narrowed("team", "log:list", to=["a"])], grant("team", "log:list"), True),
        (
            [grant("team", "repository:pull"), narrowed("team", "!repository:pull", to=["a"])],
            narrowed("team", "repository:pull", to=["b"]),
            False,
        ),
    ],
)  # fmt: skip
def test_what_a_narrowed_set_covers(own, granted, covered):
    assert PermissionSet(own, push_implies_pull=False).covers(granted) is covered


def test_a_narrowed_robot_grants_no_more(make_project, make_robot):
    make_project()
    maker = make_robot(narrowed("team", "repository:pull", "robot:create", to=["a"]), name="maker")
    context = robot_context(maker)
    assert context.principal.kind != USER

    made = make_robot(narrowed("team", "repository:pull", to=["a"]), level=PROJECT, actor=context)
    assert made.permissions[0]["repositories"] == ["a"]
    with pytest.raises(DeniedError):
        make_robot(grant("team", "repository:pull"), level=PROJECT, name="more", actor=context)


@pytest.mark.parametrize(
    ("patterns", "allowed"),
    [
        ([f"a{number}" for number in range(64)], True),
        ([f"a{number}" for number in range(65)], False),
        (["{a,b}{c,d}{e,f}/*", *(f"{{x,y}}{number}" for number in range(60))], True),
        # A list tries each alternative on the name of every repository.
        (["{a,b}{c,d}{e,f}{g,h}{i,j}{k,l}/*" + str(number) for number in range(3)], False),
    ],
)
def test_how_many_patterns_there_can_be(patterns, allowed):
    if allowed:
        assert repository_patterns_clean(patterns) == tuple(patterns)
    else:
        with pytest.raises(BadRequestError):
            repository_patterns_clean(patterns)
