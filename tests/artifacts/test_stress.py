"""Everything that changes a repository, all at once; afterwards every table agrees with the others."""

import itertools
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connections
from django.utils import timezone

from apps.accounts.security import SystemContext
from apps.artifacts.models import (
    Artifact,
    ArtifactBlob,
    ArtifactLabel,
    Blob,
    ProjectBlob,
    RepositoryBlob,
    Tag,
    TagMove,
    TrashedBlob,
    TrashedTag,
    TrashEntry,
)
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.expiry import tags_expire
from apps.artifacts.services.labels import artifact_label_add
from apps.artifacts.services.repositories import repository_delete
from apps.artifacts.services.rewinds import repository_rewind
from apps.artifacts.services.tags import tag_create, tag_delete
from apps.artifacts.services.trash import trash_forget
from apps.common.errors import DomainError
from apps.projects.models import Label
from tests.artifacts.reading import paid, project_of, restore, tags_of
from tests.distribution.documents import EMPTY, config, index_of, layer, manifest_of
from tests.distribution.inside import Place
from tests.support.images import Content

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

_THREADS = 6
_STEPS = 40
_TAGS = ("v1", "v2", "v3", "v4")


class Worker:
    """One client, with a source of chance of its own; ``done`` counts what was not refused."""

    def __init__(self, place: Place, images: list[tuple[Content, list[Content]]], label: Label, number: int):
        self.place, self.images, self.label = place, images, label
        self.random = random.Random(number)
        self.done: dict[str, int] = {}
        # Pushes most often; a deletion of everything not too often to leave something to do.
        self.deeds: list[Callable[[], object]] = [self.push] * 6 + [
            self.retag, self.retag, self.untag, self.delete, self.delete, self.restore, self.restore, self.restore,
            self.rewind, self.expire, self.label_it, self.forget,
        ]  # fmt: skip
        if number < 2:
            self.deeds.append(self.delete_all)

    def run(self, barrier: Barrier) -> dict[str, int]:
        try:
            barrier.wait(timeout=60)
            for _ in range(_STEPS):
                deed = self.random.choice(self.deeds)
                try:
                    deed()
                except DomainError:
                    continue
                name = getattr(deed, "__name__", "")
                self.done[name] = self.done.get(name, 0) + 1
        finally:
            connections.close_all()
        return self.done

    @property
    def _digest(self) -> str:
        return self.random.choice(self.images)[0].digest

    def push(self) -> None:
        image, blobs = self.random.choice(self.images)
        for blob in (EMPTY, *blobs):
            answer = self.place.call("POST", f"blobs/uploads/?digest={blob.digest}", data=blob.data)
            assert answer.status in {201, 404}, answer.body
        tag = self.random.choice(_TAGS)
        answer = self.place.call("PUT", f"manifests/{tag}", data=image.data, CONTENT_TYPE=image.media_type)
        # A deletion of the repository may have taken the blobs in between.
        assert answer.status in {201, 400, 404}, answer.body

    def retag(self) -> None:
        expires_at = self.random.choice([None, timezone.now() + timedelta(milliseconds=200)])
        tag_create(
            actor=self.place.actor,
            repository_name=self.place.repository,
            reference=self._digest,
            tag=self.random.choice(("t1", "t2", "t3")),
            expires_at=expires_at,
        )

    def untag(self) -> None:
        name = self.random.choice((*_TAGS, "t1", "t2"))
        tag_delete(actor=self.place.actor, repository_name=self.place.repository, tag=name)

    def delete(self) -> None:
        artifact_delete(actor=self.place.actor, repository_name=self.place.repository, reference=self._digest)

    def delete_all(self) -> None:
        repository_delete(actor=self.place.actor, repository_name=self.place.repository)

    def restore(self) -> None:
        for entry in TrashEntry.objects.order_by("?")[:2]:
            restore(self.place, entry)

    def rewind(self) -> None:
        repository_rewind(
            actor=self.place.actor,
            project=project_of(self.place),
            repository_name=self.place.repository,
            time=timezone.now() - timedelta(seconds=self.random.random() * 3),
            dry_run=False,
        )

    def expire(self) -> None:
        tags_expire(actor=SystemContext("expiry"))

    def label_it(self) -> None:
        artifact_label_add(
            actor=self.place.actor,
            repository_name=self.place.repository,
            reference=self._digest,
            label_id=self.label.pk,
        )

    def forget(self) -> None:
        for entry in TrashEntry.objects.filter(kind=TrashEntry.TAG).order_by("?")[:1]:
            trash_forget(actor=self.place.actor, project_id=self.place.project_id, entry_id=entry.pk)


def test_everything_at_once(place: Place) -> None:
    pool = [layer(500 + number) for number in range(4)]
    images: list[tuple[Content, list[Content]]] = []
    for number in range(4):
        own = config()
        some = [pool[number], pool[(number + 1) % 4]]
        images.append((manifest_of(own, some), [own, *some]))
    images.append((index_of([images[0][0], images[1][0]]), []))
    images.append((manifest_of(subject=images[2][0].descriptor), []))
    label = Label.objects.create(name="stress", scope="p", project_id=place.project_id)
    barrier = Barrier(_THREADS)

    with ThreadPoolExecutor(_THREADS) as threads:
        workers = [Worker(place, images, label, number) for number in range(_THREADS)]
        done = list(threads.map(lambda worker: worker.run(barrier), workers))

    assert {name for some in done for name in some} >= {"push", "delete", "restore", "rewind", "retag"}
    _check(place)
    # And all that is left in the trash comes back, once.
    for entry in TrashEntry.objects.order_by("-pk"):
        try:
            restore(place, entry)
        except DomainError:
            assert entry.kind == TrashEntry.TAG
    _check(place)


def _check(place: Place) -> None:
    assert Artifact.objects.values("digest").distinct().count() == Artifact.objects.count()
    for artifact in Artifact.objects.all():
        linked = {link.blob_id: link.blob for link in artifact.blob_links.select_related("blob")}
        assert artifact.digest in {blob.digest for blob in linked.values()}
        assert {blob.state for blob in linked.values()} == {Blob.LIVE}
        stored = {pk for pk, blob in linked.items() if blob.stored}
        readable = RepositoryBlob.objects.filter(repository_id=artifact.repository_id, blob__in=stored)
        assert readable.count() == len(stored)
        assert ProjectBlob.objects.filter(project_id=place.project_id, blob__in=linked).count() == len(linked)
        answer = place.call("GET", f"manifests/{artifact.digest}")
        assert answer.status == 200
    needed = set(ArtifactBlob.objects.values_list("blob_id", flat=True))
    assert not ProjectBlob.objects.exclude(blob__in=needed).filter(blob__stored=False).exists()
    paid(place.project_id)
    for tag in Tag.objects.select_related("artifact"):
        assert tag.repository_id == tag.artifact.repository_id
    _check_history(place)
    assert not TrashedBlob.objects.filter(blob__stored=False).exists()
    assert not ArtifactLabel.objects.exclude(artifact__in=Artifact.objects.all()).exists()
    assert not TrashedTag.objects.exclude(artifact__entry__in=TrashEntry.objects.all()).exists()


def _check_history(place: Place) -> None:
    """The moves of each tag are a chain, whether told by number or by time, that ends where the tag is."""
    now = tags_of(place.repository)
    for tag in set(TagMove.objects.values_list("tag", flat=True)) | now.keys():
        moves = list(TagMove.objects.filter(tag=tag).order_by("id"))
        assert [move.pk for move in moves] == [move.pk for move in sorted(moves, key=lambda move: move.at)]
        assert moves[-1].digest == now.get(tag, ""), tag
        for earlier, later in itertools.pairwise(moves):
            assert earlier.digest == later.previous_digest, tag
        assert moves[0].previous_digest == ""
