"""Limits: made with the project, changed by those who may."""

import pytest

from apps.artifacts.models import Blob, ProjectBlob
from apps.audit.models import AuditLog
from apps.common.errors import BadRequestError, ForbiddenError, NotFoundError, UnauthorizedError
from apps.projects.contexts import AnonymousContext
from apps.projects.services import project_delete
from apps.quotas.constants import MAX_HARD
from apps.quotas.models import Quota
from apps.quotas.selectors import quota_get, quota_list, quota_of_project
from apps.quotas.services import quota_create, quota_recalculate, quota_update

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("limit", "hard"), [(None, -1), (0, -1), (-1, -1), (5000, 5000)])
def test_a_project_has_a_quota_from_the_start(make_project, limit, hard):
    project = make_project(limit=limit)

    quota = Quota.objects.get(project=project)
    assert (quota.hard, quota.used) == (hard, 0)


def test_it_goes_with_the_project(make_project, admin):
    project = make_project()
    project_delete(actor=admin, project_id=project.pk)

    assert not Quota.objects.exists()


@pytest.mark.parametrize("hard", [-1, 1, MAX_HARD])
def test_a_limit_is_changed_and_recorded(make_project, admin, hard):
    project = make_project(limit=77)

    quota_update(actor=admin, quota_id=project.quota.pk, hard=hard)

    assert Quota.objects.get(project=project).hard == hard
    row = AuditLog.objects.get(operation="update", resource_type="quota")
    assert (row.username, row.resource, row.project_id) == ("admin", "team", project.pk)


@pytest.mark.parametrize("hard", [0, -2, MAX_HARD + 1, True, "5", 1.5, None])
def test_a_limit_that_makes_no_sense(make_project, admin, hard):
    project = make_project(limit=77)

    with pytest.raises(BadRequestError):
        quota_update(actor=admin, quota_id=project.quota.pk, hard=hard)

    assert Quota.objects.get(project=project).hard == 77


def test_a_bad_limit_of_a_new_project(make_project):
    project = make_project()
    Quota.objects.all().delete()

    with pytest.raises(BadRequestError):
        quota_create(project_id=project.pk, storage_limit=-5)


def test_only_those_who_may(make_project, alice):
    quota_id = make_project().quota.pk

    for actor, error in ((alice, ForbiddenError), (AnonymousContext(), UnauthorizedError)):
        with pytest.raises(error):
            quota_update(actor=actor, quota_id=quota_id, hard=5)
        with pytest.raises(error):
            quota_list(actor=actor)
        with pytest.raises(error):
            quota_get(actor=actor, quota_id=quota_id)


def test_a_quota_that_is_not_there(admin):
    with pytest.raises(NotFoundError):
        quota_update(actor=admin, quota_id=99, hard=5)
    with pytest.raises(NotFoundError):
        quota_get(actor=admin, quota_id=99)
    with pytest.raises(NotFoundError):
        quota_recalculate(project_id=99)


def test_lists(make_project, admin, django_assert_num_queries):
    one, two = make_project(name="one"), make_project(name="two")

    with django_assert_num_queries(1):
        names = {(quota.project.name, quota.project.owner.username) for quota in quota_list(actor=admin)}
    assert names == {("one", "admin"), ("two", "admin")}
    assert [quota.project for quota in quota_list(actor=admin, project_id=two.pk)] == [two]
    assert quota_get(actor=admin, quota_id=one.quota.pk).project == one
    assert quota_of_project(project_id=two.pk) == two.quota
    assert quota_of_project(project_id=0) is None


def test_a_recount_takes_each_blob_of_the_project_once(make_project):
    one, two = make_project(name="one", limit=10), make_project(name="two")
    blobs = [Blob.objects.create(digest=f"sha256:{size:064x}", size=size) for size in (100, 20, 3)]
    for blob in blobs:
        ProjectBlob.objects.create(project=one, blob=blob)
    ProjectBlob.objects.create(project=two, blob=blobs[0])
    Quota.objects.update(used=1)

    assert quota_recalculate(project_id=one.pk) == 123, "the limit is no matter"
    assert Quota.objects.get(project=one).used == 123
    assert Quota.objects.get(project=two).used == 1
