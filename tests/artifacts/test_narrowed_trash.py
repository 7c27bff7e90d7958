"""The trash of repositories outside of what a robot account is narrowed to."""

from dataclasses import replace

import pytest

from apps.accounts.security import context_of
from apps.artifacts.models import TrashEntry
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.restores import trash_restore
from apps.artifacts.services.trash import trash_forget
from apps.common.errors import ForbiddenError
from apps.projects.models import Project
from apps.robots.selectors import principal_of
from apps.robots.services import robot_create, robot_update
from apps.robots.types import Access, RobotPermission
from tests.distribution.documents import manifest_of
from tests.distribution.inside import Place

pytestmark = pytest.mark.django_db(transaction=True)

_MAY = (("project", "update"), ("artifact", "create"), ("artifact", "delete"))


@pytest.mark.parametrize("change", [trash_forget, trash_restore])
def test_a_narrowed_robot_changes_only_the_trash_of_its_repositories(place: Place, change) -> None:
    place.push(manifest_of())
    artifact_delete(actor=place.actor, repository_name=place.repository, reference="v1")
    entry = TrashEntry.objects.get()
    name = Project.objects.get(pk=place.project_id).name
    access = tuple(Access(resource, action) for resource, action in _MAY)
    permission = RobotPermission("project", name, access, ("other/**",))
    robot = robot_create(actor=place.actor, name="ci", level="project", permissions=[permission]).robot

    with pytest.raises(ForbiddenError):
        change(actor=context_of(principal_of(robot)), project_id=place.project_id, entry_id=entry.pk)
    assert TrashEntry.objects.exists()

    robot = robot_update(
        actor=place.actor,
        robot_id=robot.pk,
        name=f"robot${robot.name}",
        level="project",
        permissions=[replace(permission, repositories=("image",))],
    )
    change(actor=context_of(principal_of(robot)), project_id=place.project_id, entry_id=entry.pk)
    assert not TrashEntry.objects.exists()
