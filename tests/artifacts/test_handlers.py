"""What artifacts do when events happen, on rows made by the services."""

import io
import os
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from apps.accounts.security import SecurityContext
from apps.artifacts.errors import UploadUnknownError
from apps.artifacts.models import Artifact, Repository, RepositoryBlob, Tag
from apps.artifacts.services.blobs import blob_commit
from apps.artifacts.services.manifests import manifest_push
from apps.artifacts.services.repositories import repository_delete
from apps.artifacts.services.uploads import (
    upload_append,
    upload_create,
    upload_require,
    uploads_purge,
)
from apps.common.database import write_atomic
from apps.events.bus import publish
from apps.events.catalogue import ArtifactsPulled, Pull
from apps.events.services import outbox_deliver
from apps.oci.digests import digest_of
from apps.oci.manifests import parse_manifest
from apps.projects.models import Project
from apps.projects.selectors import project_find
from apps.projects.services import project_create, project_delete
from apps.projects.types import ProjectRef
from apps.quotas.selectors import quota_of_project
from apps.storage.layout import upload_path
from apps.storage.selectors import get_driver
from tests.support.images import make_image
from tests.support.people import acting, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def actor() -> SecurityContext:
    return acting(person(sysadmin=True))


@pytest.fixture
def project(actor: SecurityContext) -> ProjectRef:
    name = f"p{uuid.uuid4().hex[:10]}"
    project_create(actor=actor, name=name)
    found = project_find(name)
    assert found is not None
    return found


def push_blob(actor: SecurityContext, project: ProjectRef, repository: str, data: bytes) -> None:
    upload_id = upload_create(repository_name=repository)
    received = upload_append(
        repository_name=repository,
        upload_id=upload_id,
        offset=0,
        read=io.BytesIO(data).read,
        limit=None,
        algorithm="sha256",
    )
    blob_commit(
        actor=actor,
        project=project,
        repository_name=repository,
        upload_id=upload_id,
        digest=digest_of(data),
        received=received,
    )


def push_image(actor: SecurityContext, project: ProjectRef, repository: str, *tags: str) -> Artifact:
    image = make_image()
    for blob in image.blobs:
        push_blob(actor, project, repository, blob.data)
    result = manifest_push(
        actor=actor,
        project=project,
        repository_name=repository,
        manifest=parse_manifest(image.manifest.data, content_type=image.manifest.media_type),
        tags=tags,
    )
    return Artifact.objects.get(pk=result.artifact_id)


def test_pulls_in_bulk_count_once_each_and_set_the_latest_time(
    actor: SecurityContext, project: ProjectRef
) -> None:
    repository = f"{project.name}/app"
    artifact = push_image(actor, project, repository, "1", "2")
    at = datetime(2026, 5, 1, tzinfo=UTC)

    def pull(tag: str, minutes: int) -> Pull:
        return Pull(
            project.id,
            artifact.repository_id,
            repository,
            artifact.pk,
            artifact.digest,
            tag,
            "somebody",
            at + timedelta(minutes=minutes),
        )

    with write_atomic():
        publish(ArtifactsPulled(operator="", pulls=(pull("1", 5), pull("1", 2), pull("", 9))))
    artifact.refresh_from_db()
    assert Repository.objects.get(name=repository).pull_count == 3
    assert artifact.pull_time == at + timedelta(minutes=9)
    times = dict(Tag.objects.filter(artifact=artifact).values_list("name", "pull_time"))
    assert times == {"1": at + timedelta(minutes=5), "2": None}


def test_a_project_goes_in_which_a_push_was_only_begun(actor: SecurityContext, project: ProjectRef) -> None:
    push_blob(actor, project, f"{project.name}/app", b"layer")
    assert RepositoryBlob.objects.filter(repository__project_id=project.id).count() == 1
    project_delete(actor=actor, project_id=project.id)
    assert not Project.objects.filter(pk=project.id).exists()
    assert not RepositoryBlob.objects.filter(repository__project_id=project.id).exists()


def make_old(repository: str, upload_id: str) -> None:
    """Let the last byte of an upload have come a minute ago."""
    path = get_driver().local_path(upload_path(repository, upload_id))
    assert path is not None
    then = time.time() - 60
    os.utime(path, (then, then))


def test_a_deleted_repository_takes_its_uploads_along_and_gives_the_quota_back(
    actor: SecurityContext, project: ProjectRef
) -> None:
    repository, other = f"{project.name}/app", f"{project.name}/other"
    push_image(actor, project, repository, "1")
    push_image(actor, project, other, "1")
    kept = Artifact.objects.get(repository__name=other).size
    upload_id = upload_create(repository_name=repository)
    untouched = upload_create(repository_name=other)
    for name, upload in ((repository, upload_id), (other, untouched)):
        make_old(name, upload)
    repository_delete(actor=actor, repository_name=repository)
    assert quota_of_project(project_id=project.id).used == kept
    # Somebody pushes to the name again before the worker comes to clear up.
    begun_since = upload_create(repository_name=repository)
    outbox_deliver()
    assert upload_require(repository_name=repository, upload_id=begun_since) == 0
    with pytest.raises(UploadUnknownError):
        upload_require(repository_name=repository, upload_id=upload_id)
    assert upload_require(repository_name=other, upload_id=untouched) == 0


def test_only_abandoned_uploads_are_purged() -> None:
    upload_id = upload_create(repository_name="library/app")
    uploads_purge(older_than=timedelta(hours=1))
    assert upload_require(repository_name="library/app", upload_id=upload_id) == 0
    uploads_purge(older_than=timedelta(seconds=-1))
    with pytest.raises(UploadUnknownError):
        upload_require(repository_name="library/app", upload_id=upload_id)


def test_a_blob_that_comes_twice_is_paid_once(actor: SecurityContext, project: ProjectRef) -> None:
    push_blob(actor, project, f"{project.name}/a", b"the same layer")
    push_blob(actor, project, f"{project.name}/b", b"the same layer")
    assert quota_of_project(project_id=project.id).used == len(b"the same layer")
