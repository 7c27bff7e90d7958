"""Blobs: committed from an upload, linked from another repository, unlinked."""

from collections.abc import Callable

from django.db import IntegrityError
from django.utils import timezone

from apps.accounts.security import SecurityContext
from apps.artifacts.errors import (
    BlobReferencedError,
    BlobUnknownError,
    DigestMismatchError,
    RepositoryUnknownError,
    UploadInvalidError,
    UploadUnknownError,
)
from apps.artifacts.models import ArtifactBlob, Blob, RepositoryBlob
from apps.artifacts.selectors import blob_find, blob_source_find, require_repository
from apps.artifacts.services.links import (
    blob_ensure,
    project_blobs_link,
    project_blobs_release,
    repository_blobs_link,
    storage_charge,
    storage_check,
    storage_refusal_recorded,
)
from apps.artifacts.services.repositories import repository_ensure
from apps.artifacts.services.uploads import Received, upload_hash
from apps.artifacts.types import RepositoryRef
from apps.common.database import again_after_deadlock, release_connection, write_atomic
from apps.common.errors import DomainError
from apps.common.stamps import repository_key, touch
from apps.common.steps import step
from apps.oci.digests import Digest
from apps.projects.types import ProjectRef
from apps.storage.errors import FileMissingError, UploadBusyError
from apps.storage.layout import blob_path, upload_path
from apps.storage.selectors import get_driver


def blob_commit(
    *,
    actor: SecurityContext,
    project: ProjectRef,
    repository_name: str,
    upload_id: str,
    digest: Digest,
    received: Received,
) -> None:
    """Make a finished upload a blob of the repository.

    ``received.digest`` is trusted to be the ``digest.algorithm`` hash of the whole upload unless it is "". Raises
    :class:`DigestMismatchError` and throws the upload away when the bytes are others; raises what the storage
    gates refuse, likewise; raises :class:`UploadUnknownError` or :class:`UploadInvalidError` when another request
    finished the upload or is writing to it. The bytes are durable in place before the row says that they exist.
    """
    require_repository(actor, project, repository_name, resource="repository", action="push")
    driver = get_driver()
    upload = upload_path(repository_name, upload_id)
    release_connection()
    path = blob_path(digest)
    try:
        actual = received.digest or upload_hash(driver=driver, path=upload, algorithm=digest.algorithm)
        if actual != digest.hex:
            driver.discard_upload(upload)
            raise DigestMismatchError(
                "the uploaded bytes have another digest", detail={"digest": f"{digest.algorithm}:{actual}"}
            )
        # Before the transaction, since it syncs. A collector may still remove what is not yet linked: see below.
        driver.publish(upload, path)
        step("commit: bytes in place")
    except FileMissingError:
        raise UploadUnknownError(
            "another request finished or cancelled the upload", detail=upload_id
        ) from None
    except UploadBusyError:
        raise UploadInvalidError("another request is writing to the upload", detail=upload_id) from None
    try:
        _blob_link(actor, project, repository_name, digest, received.offset, upload)
    except DomainError:
        driver.discard_upload(upload)
        _blob_leave(digest, received.offset)
        raise
    finally:
        release_connection()
    step("commit: committed")
    # Not when the database failed: the client can send its PUT again.
    driver.discard_upload(upload)


@again_after_deadlock
def _blob_link(
    actor: SecurityContext,
    project: ProjectRef,
    repository_name: str,
    digest: Digest,
    size: int,
    upload: str,
) -> None:
    driver = get_driver()
    path = blob_path(digest)
    try:
        with (
            storage_refusal_recorded(
                project_id=project.id, operator=actor.name, repository_name=repository_name
            ),
            write_atomic(),
        ):
            repository_id = repository_ensure(project=project, name=repository_name)
            blob_id = blob_ensure(digest=str(digest), size=size, stored=True)
            step("commit: row locked")
            try:
                driver.stat(path)
            except FileMissingError:
                # Collected between publish and our lock. Under the lock it cannot be again.
                driver.publish(upload, path)
            repository_blobs_link(repository_id=repository_id, blob_ids=[blob_id])
            added = project_blobs_link(project_id=project.id, sizes={blob_id: size})
            step("commit: linked")
            storage_charge(
                project_id=project.id, delta=added, operator=actor.name, repository_name=repository_name
            )
    except IntegrityError:
        raise RepositoryUnknownError(
            f"project {project.name} or the repository was deleted during the push"
        ) from None


def _blob_leave(digest: Digest, size: int) -> None:
    """Let collection know of bytes that are in place and that nobody wanted in the end, unless it is somebody's blob."""
    with write_atomic():
        Blob.objects.bulk_create(
            [Blob(digest=str(digest), size=size, state=Blob.DELETING)], ignore_conflicts=True
        )


@again_after_deadlock
def blob_mount(
    *,
    actor: SecurityContext,
    project: ProjectRef,
    repository_name: str,
    digest: Digest,
    source: RepositoryRef | None,
    may_read: Callable[[str], bool] = lambda _: False,
) -> bool:
    """Link a blob that the caller may already read into a repository; False when there is none to link.

    ``source`` narrows the search to one repository (the caller has checked that it may be read); without it any
    repository of this project that ``may_read`` lets through, by its name, or of a public project serves.
    """
    require_repository(actor, project, repository_name, resource="repository", action="push")
    blob = (
        blob_find(source, str(digest))
        if source is not None
        else blob_source_find(project_id=project.id, digest=str(digest), may_read=may_read)
    )
    if blob is None:
        return False
    storage_check(project_id=project.id, needed=0, operator=actor.name, repository_name=repository_name)
    step("mount: blob found")
    try:
        with (
            storage_refusal_recorded(
                project_id=project.id, operator=actor.name, repository_name=repository_name
            ),
            write_atomic(),
        ):
            # The lock keeps the collector out; a row that it took before us is no longer there or no longer live, and
            # its bytes may be gone. No other lock than that of an update: a push that links the blob at this moment
            # checks its foreign key at commit, behind the quota that we take last.
            live = Blob.objects.filter(pk=blob.id, stored=True, state=Blob.LIVE)
            if not live.update(touched_at=timezone.now()):
                return False
            step("mount: row locked")
            repository_id = repository_ensure(project=project, name=repository_name)
            repository_blobs_link(repository_id=repository_id, blob_ids=[blob.id])
            added = project_blobs_link(project_id=project.id, sizes={blob.id: blob.size})
            storage_charge(
                project_id=project.id, delta=added, operator=actor.name, repository_name=repository_name
            )
    except IntegrityError:
        raise RepositoryUnknownError(
            f"project {project.name} or the repository was deleted during the push"
        ) from None
    return True


def blob_keep(*, blob_id: int) -> bool:
    """Keep a blob from collection for another window, as somebody who pushes counts on it; False if it is gone."""
    with write_atomic():
        live = Blob.objects.filter(pk=blob_id, state=Blob.LIVE)
        return bool(live.update(touched_at=timezone.now()))


@again_after_deadlock
def blob_delete(
    *, actor: SecurityContext, project: ProjectRef, repository: RepositoryRef, digest: Digest
) -> None:
    """Take a blob away from a repository; the bytes go when nothing else links them and collection passes.

    Raises :class:`BlobReferencedError` while an artifact of the repository needs it.
    """
    require_repository(actor, project, repository.name, resource="repository", action="delete")
    blob = blob_find(repository, str(digest))
    if blob is None:
        raise BlobUnknownError("the blob is not known to the repository", detail=str(digest))
    with write_atomic():
        links = RepositoryBlob.objects.filter(repository_id=repository.id, blob_id=blob.id)
        if not links.select_for_update().exists():
            raise BlobUnknownError("the blob is not known to the repository", detail=str(digest))
        if ArtifactBlob.objects.filter(blob_id=blob.id, artifact__repository_id=repository.id).exists():
            raise BlobReferencedError(
                "an artifact of the repository needs the blob: delete the artifact first"
            )
        links.delete()
        freed = project_blobs_release(project_id=project.id, blob_ids=[blob.id], even_if_linked=False)
        storage_charge(project_id=project.id, delta=-freed, operator=actor.name)
        touch(repository_key(repository.name))
