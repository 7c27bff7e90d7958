"""Accounts that are narrowed to repositories or to networks, in this process: caches must not open a way around."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.security import Principal
from apps.distribution.access import Grant
from apps.distribution.tokens import token_issue
from apps.projects.models import Project
from apps.projects.roles import PUBLIC_PERMISSIONS
from apps.robots.models import Robot
from apps.robots.selectors import principal_of
from apps.robots.services import robot_create, robot_update
from apps.robots.types import Access, RobotPermission
from tests.distribution.documents import manifest_of
from tests.distribution.inside import Place, call, make_place

pytestmark = pytest.mark.django_db(transaction=True)

MANIFEST = manifest_of()
INSIDE, OUTSIDE = "192.0.2.7", "203.0.113.7"


@pytest.fixture
def place() -> Iterator[Place]:
    place = make_place()
    place.push(MANIFEST)
    return place


def _permission(place: Place, *repositories: str) -> RobotPermission:
    project = Project.objects.get(pk=place.project_id)
    return RobotPermission("project", project.name, (Access("repository", "pull"),), repositories)


def _robot(place: Place, *repositories: str, sources: tuple[str, ...] = ()) -> Robot:
    return robot_create(
        actor=place.actor,
        name="ci",
        level="project",
        permissions=[_permission(place, *repositories)],
        sources=sources,
    ).robot


def _principal(robot: Robot) -> Principal:
    robot.refresh_from_db()
    principal = principal_of(robot)
    assert principal is not None
    return principal


def _bearer(place: Place, robot: Robot, repository: str = "") -> str:
    """A token that claims everything: what the account may is looked at when it is used."""
    grant = Grant(place.project_id, frozenset({"pull", "push", "delete"}))
    grants = ((repository or place.repository, grant),)
    return f"Bearer {token_issue(principal=_principal(robot), grants=grants, catalog=True).text}"


def _pull(place: Place, bearer: str, address: str = INSIDE) -> tuple[int, int]:
    with CaptureQueriesContext(connection) as captured:
        answer = place.call("GET", "manifests/v1", HTTP_AUTHORIZATION=bearer, REMOTE_ADDR=address)
    return answer.status, len(captured)


def test_a_token_is_no_good_from_another_address(place: Place) -> None:
    bearer = _bearer(place, _robot(place, sources=("192.0.2.0/24",)))
    assert _pull(place, bearer, OUTSIDE)[0] == 401
    assert _pull(place, bearer)[0] == 200
    assert _pull(place, bearer, OUTSIDE)[0] == 401, "what was remembered is for where it came from"
    assert _pull(place, bearer) == (200, 0)
    for path in ("/v2/", "/v2/_catalog"):
        for address, status in ((OUTSIDE, 401), (INSIDE, 200)):
            assert call("GET", path, HTTP_AUTHORIZATION=bearer, REMOTE_ADDR=address).status == status


def test_a_warm_pull_of_a_narrowed_account_does_no_sql(place: Place) -> None:
    bearer = _bearer(place, _robot(place, "im*"))
    assert _pull(place, bearer)[0] == 200
    assert _pull(place, bearer) == (200, 0)


def test_patterns_are_looked_at_whatever_the_token_says(place: Place) -> None:
    robot = _robot(place, "other")
    assert _pull(place, _bearer(place, robot))[0] == 401
    robot_update(
        actor=place.actor,
        robot_id=robot.pk,
        name=f"robot${robot.name}",
        level="project",
        permissions=[_permission(place, "other", "image")],
    )
    assert _pull(place, _bearer(place, robot))[0] == 200


def test_the_same_right_in_another_repository_is_another_entry(place: Place) -> None:
    """What is remembered of an account in a project is by repository."""
    project = place.repository.partition("/")[0]
    robot = _robot(place, "image")
    there = f"{project}/elsewhere"
    for _ in range(2):
        assert _pull(place, _bearer(place, robot))[0] == 200
        answer = call("GET", f"/v2/{there}/tags/list", HTTP_AUTHORIZATION=_bearer(place, robot, there))
        assert answer.status == 401


def test_what_is_public_stays_open() -> None:
    place = make_place(public=True)
    place.push(MANIFEST)
    assert ("repository", "pull") in PUBLIC_PERMISSIONS
    assert _pull(place, _bearer(place, _robot(place, "other")))[0] == 200
