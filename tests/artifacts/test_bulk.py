"""Deletions, restores and rewinds of large repositories: statements grow with the chunks, not with the rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.artifacts.models import (
    Artifact,
    ArtifactBlob,
    Blob,
    ProjectBlob,
    Repository,
    RepositoryBlob,
    Tag,
    TagMove,
    TrashedArtifact,
    TrashedBlob,
    TrashEntry,
)
from apps.artifacts.services.repositories import repository_delete
from apps.artifacts.services.rewinds import repository_rewind
from apps.quotas.models import Quota
from tests.artifacts.reading import paid, project_of, restore
from tests.distribution.documents import manifest_of
from tests.distribution.inside import Place

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = 1200


def grow(place: Place, count: int) -> None:
    """Images of a tag, two layers and a manifest each, of which one is shared by ten."""
    place.push(manifest_of(), tag="first")
    repository = Repository.objects.get(name=place.repository)
    source = Artifact.objects.get()
    made = Artifact.objects.bulk_create(
        Artifact(
            repository=repository,
            project_id=place.project_id,
            digest=f"sha256:{number:064d}",
            media_type=source.media_type,
            manifest=source.manifest,
            size=1,
        )
        for number in range(count)
    )
    manifests = Blob.objects.bulk_create(Blob(digest=row.digest, size=10, stored=False) for row in made)
    layers = Blob.objects.bulk_create(
        Blob(digest=f"sha256:{kind}{number:063d}", size=100)
        for kind, some in (("a", count), ("b", (count + 9) // 10))
        for number in range(some)
    )
    ArtifactBlob.objects.bulk_create(
        ArtifactBlob(artifact=row, blob=blob)
        for number, row in enumerate(made)
        for blob in (manifests[number], layers[number], layers[count + number // 10])
    )
    RepositoryBlob.objects.bulk_create(RepositoryBlob(repository=repository, blob=blob) for blob in layers)
    ProjectBlob.objects.bulk_create(
        ProjectBlob(project_id=place.project_id, blob=blob) for blob in (*layers, *manifests)
    )
    used = sum(ProjectBlob.objects.values_list("blob__size", flat=True))
    Quota.objects.filter(project_id=place.project_id).update(used=used)
    now = timezone.now()
    tags = Tag.objects.bulk_create(
        Tag(repository=repository, artifact=row, name=f"t{number:06d}") for number, row in enumerate(made)
    )
    TagMove.objects.bulk_create(
        TagMove(
            project_id=place.project_id,
            repository_name=place.repository,
            tag=tag.name,
            digest=tag.artifact.digest,
            at=now,
        )
        for tag in tags
    )


@contextmanager
def at_most(statements: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as captured:
        yield
    assert len(captured) <= statements


def rewind(place: Place, then: datetime) -> None:
    repository_rewind(
        actor=place.actor,
        project=project_of(place),
        repository_name=place.repository,
        time=then,
        dry_run=False,
    )


def test_a_large_repository(place: Place) -> None:
    grow(place, COUNT)
    before = paid(place.project_id)
    then = timezone.now()

    with at_most(80):
        repository_delete(actor=place.actor, repository_name=place.repository)
    assert (TrashedArtifact.objects.count(), TrashedBlob.objects.count()) == (COUNT + 1, 2 * COUNT + 1)
    assert TagMove.objects.filter(digest="", reason=TagMove.DELETED).count() == COUNT + 1
    assert paid(place.project_id) == 0

    with at_most(120):
        restored = restore(place, TrashEntry.objects.get())
    assert len(restored.artifacts) == len(restored.tags) == COUNT + 1
    assert not Artifact.objects.filter(manifest=b"").exists()
    assert ArtifactBlob.objects.count() == 3 * COUNT + 2
    assert paid(place.project_id) == before

    repository_delete(actor=place.actor, repository_name=place.repository)
    # Each tag is a line of the audit log as well.
    with at_most(150 + COUNT):
        rewind(place, then)
    assert (Artifact.objects.count(), Tag.objects.count()) == (COUNT + 1, COUNT + 1)
    assert paid(place.project_id) == before
