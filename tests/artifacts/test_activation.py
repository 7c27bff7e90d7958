"""Artifacts that stay and cannot be pulled, and copies."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.artifacts.errors import ArtifactDeactivatedError, ManifestUnknownError
from apps.artifacts.models import Artifact, ArtifactLabel
from apps.artifacts.services.activation import artifact_activate, artifact_deactivate
from apps.artifacts.services.copies import artifact_copy
from apps.common.errors import BadRequestError, ForbiddenError
from apps.events import bus
from apps.events.catalogue import ArtifactActivated, ArtifactDeactivated
from apps.projects.models import Label
from tests.artifacts.reading import project_of, tags_of
from tests.distribution.documents import config, index_of, layer, manifest_of
from tests.distribution.inside import Place
from tests.support.people import acting, person, seen_events

pytestmark = pytest.mark.django_db(transaction=True)


def deactivate(place: Place, reference: str, **options: Any) -> None:
    artifact_deactivate(
        **{"actor": place.actor, "repository_name": place.repository, "reference": reference} | options
    )


def activate(place: Place, reference: str) -> None:
    artifact_activate(actor=place.actor, repository_name=place.repository, reference=reference)


def copy(place: Place, reference: str, target: str) -> str:
    return artifact_copy(
        actor=place.actor,
        source_repository=place.repository,
        source_reference=reference,
        project=project_of(place),
        target_repository=target,
    )


def test_its_pulls_are_refused(place: Place) -> None:
    image = manifest_of(own := config(), [content := layer()])
    place.push(image, own, content, tag="v1")
    assert place.call("GET", "manifests/v1").status == 200

    deactivate(place, "v1")

    for reference in ("v1", image.digest):
        refused = place.call("GET", f"manifests/{reference}")
        assert (refused.status, refused.codes) == (403, ["DENIED"])
        assert f"{image.digest} was deactivated by {place.actor.name} at 20" in refused.body.decode()
        assert place.call("HEAD", f"manifests/{reference}").status == 403
        knowing = place.call("GET", f"manifests/{reference}", HTTP_IF_NONE_MATCH=image.digest)
        assert knowing.status == 403
    with CaptureQueriesContext(connection) as queries:
        assert place.call("GET", "manifests/v1").status == 403
    assert queries.captured_queries == []
    assert place.call("GET", f"blobs/{content.digest}").status == 200

    place.push(image, tag="v1")
    assert place.call("GET", "manifests/v1").status == 403, "a push does not activate it"
    activate(place, "v1")
    assert place.call("GET", "manifests/v1").status == 200


def test_children_of_a_deactivated_index(place: Place) -> None:
    place.push(child := manifest_of(), tag=child.digest)
    place.push(index_of([child]), tag="multi")

    deactivate(place, "multi")

    assert place.call("GET", "manifests/multi").status == 403
    assert place.call("GET", f"manifests/{child.digest}").status == 200


def test_once_is_enough(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.push(manifest_of(), tag="v1")
    events = seen_events(monkeypatch, bus)
    monkeypatch.setattr("apps.artifacts.services.activation.publish", bus.publish)

    deactivate(place, "v1")
    first = Artifact.objects.get().deactivated_at
    deactivate(place, "v1")
    assert Artifact.objects.get().deactivated_at == first
    activate(place, "v1")
    activate(place, "v1")

    row = Artifact.objects.get()
    assert (row.deactivated_at, row.deactivated_by) == (None, "")
    assert [type(event) for event in events] == [ArtifactDeactivated, ArtifactActivated]


def test_the_reason_is_kept_and_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.push(manifest_of(), tag="v1")
    events = seen_events(monkeypatch, bus)
    monkeypatch.setattr("apps.artifacts.services.activation.publish", bus.publish)

    deactivate(place, "v1", reason=" CVE-2026-1234: 不要使用 ")

    assert Artifact.objects.get().deactivated_reason == "CVE-2026-1234: 不要使用"
    assert [event.reason for event in events] == ["CVE-2026-1234: 不要使用"]
    assert place.call("GET", "manifests/v1").body.decode().count(": CVE-2026-1234: 不要使用") == 1
    with pytest.raises(ArtifactDeactivatedError, match=": CVE-2026-1234: 不要使用"):
        copy(place, "v1", "other/app")
    activate(place, "v1")
    assert Artifact.objects.get().deactivated_reason == ""


@pytest.mark.parametrize("reason", ["x" * 256, "two\nlines", "a\x00b"])
def test_what_is_no_reason(place: Place, reason: str) -> None:
    place.push(manifest_of(), tag="v1")
    with pytest.raises(BadRequestError, match="at most 255 characters"):
        deactivate(place, "v1", reason=reason)
    assert Artifact.objects.get().deactivated_at is None
    deactivate(place, "v1", reason="x" * 255)


def test_who_may(place: Place) -> None:
    place.push(manifest_of(), tag="v1")
    with pytest.raises(ForbiddenError):
        deactivate(place, "v1", actor=acting(person()))
    with pytest.raises(ManifestUnknownError):
        deactivate(place, "v2")


@pytest.mark.parametrize("what", ["artifact", "child"])
def test_it_is_not_copied(place: Place, what: str) -> None:
    place.push(child := manifest_of(), tag=child.digest)
    place.push(index_of([manifest_of(), child]), tag="multi")
    deactivate(place, "multi" if what == "artifact" else child.digest)

    with pytest.raises(ArtifactDeactivatedError, match="was deactivated by"):
        copy(place, "multi", f"{place.repository}/copy")

    assert not Artifact.objects.filter(repository__name=f"{place.repository}/copy").exists()


def test_a_copy_takes_accessories_along_and_no_labels(place: Place) -> None:
    target = f"{place.repository}/copy"
    place.push(child := manifest_of(), tag=child.digest)
    place.push(index := index_of([child]), tag="multi")
    signature = manifest_of(subject=index.descriptor)
    of_the_child = manifest_of(subject=child.descriptor)
    of_the_signature = manifest_of(subject=signature.descriptor)
    blocked = manifest_of(subject=child.descriptor)
    for accessory in (signature, of_the_child, of_the_signature, blocked):
        place.push(accessory, tag=accessory.digest)
    place.push(signature, tag="signed")
    # An accessory that leads back to its subject.
    place.push(circle := index_of([index], subject=index.descriptor), tag=index.digest.replace(":", "-"))
    deactivate(place, blocked.digest)
    label = Label.objects.create(name="own", scope="p", project_id=place.project_id)
    ArtifactLabel.objects.create(artifact=Artifact.objects.get(digest=index.digest), label=label)

    assert copy(place, "multi", target) == index.digest

    copied = set(Artifact.objects.filter(repository__name=target).values_list("digest", flat=True))
    assert copied == {one.digest for one in (child, index, signature, of_the_child, of_the_signature, circle)}
    assert tags_of(target) == {"multi": index.digest, index.digest.replace(":", "-"): circle.digest}
    assert not ArtifactLabel.objects.filter(artifact__repository__name=target).exists()
