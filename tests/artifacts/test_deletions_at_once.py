"""Many deletions in one transaction: as one by one for what is alone, and nothing for what is not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.artifacts.models import Artifact, Tag, TagMove, TrashEntry
from apps.artifacts.services import artifacts as artifact_services
from apps.artifacts.services.artifacts import artifact_delete, artifacts_delete
from apps.audit.models import AuditLog
from apps.common.errors import ForbiddenError
from tests.artifacts.reading import paid, restore, rows_of, tags_of
from tests.artifacts.test_endings import make_immutable
from tests.distribution.documents import EMPTY, index_of, layer, manifest_of
from tests.distribution.inside import Place
from tests.support.images import Content
from tests.support.people import acting, person

pytestmark = pytest.mark.django_db(transaction=True)


def _push(place: Place, *tags: str, layers: tuple[Content, ...] = ()) -> Content:
    """An image with these tags; none leaves it untagged."""
    document = manifest_of(EMPTY, layers)
    for tag in tags or (document.digest,):
        place.push(document, *layers, tag=tag)
    return document


def _seen(*documents: Content) -> dict[str, dict[str, object]]:
    return {
        document.digest: dict(
            Tag.objects.filter(artifact__digest=document.digest).values_list("name", "push_time")
        )
        for document in documents
    }


def _delete(place: Place, seen) -> set[str]:
    return artifacts_delete(
        actor=place.actor, repository_name=place.repository, reason=TrashEntry.RETENTION, seen=seen
    )


def test_each_goes_as_it_would_alone_and_comes_back(place: Place) -> None:
    shared = layer(1000)
    stays = _push(place, "stays", layers=(shared,))
    others = [
        _push(place, "v1", layers=(shared, layer(300))),
        _push(place, "v2", "v2.1", layers=(layer(50),)),
        _push(place),
    ]
    before, paid_before = rows_of(place.repository), paid(place.project_id)

    gone = _delete(place, _seen(*others))

    assert gone == {document.digest for document in others}
    assert tags_of(place.repository) == {"stays": stays.digest}
    assert paid(place.project_id) == paid_before - 350 - sum(len(one.data) for one in others)
    entries = list(TrashEntry.objects.order_by("pk"))
    assert {(entry.digest, entry.kind, entry.reason) for entry in entries} == {
        (digest, "artifact", "retention") for digest in gone
    }
    moves = TagMove.objects.filter(reason=TagMove.RETENTION).values_list("tag", "previous_digest", "digest")
    assert sorted(moves) == sorted(
        (tag, others[number].digest, "") for tag, number in (("v1", 0), ("v2", 1), ("v2.1", 1))
    )
    told = AuditLog.objects.filter(operation="delete", resource_type="artifact")
    assert sorted(told.values_list("resource", flat=True)) == sorted(
        f"{place.repository}{place_of}" for place_of in (":v1", ":v2", f"@{others[2].digest}")
    )
    for entry in entries:
        restore(place, entry)
    assert rows_of(place.repository) == before
    assert paid(place.project_id) == paid_before


def test_what_is_not_alone_or_has_changed_stays(place: Place) -> None:
    child, goes, signed, changed, late, kept = (
        _push(place, tag) for tag in ("child", "goes", "signed", "changed", "late", "release-1")
    )
    index = index_of([child])
    place.push(index, tag="index")
    signature = manifest_of(EMPTY, subject=signed.descriptor)
    place.push(signature, tag="signature")
    make_immutable(place, "release-1")
    seen = _seen(child, goes, signed, changed, late, kept, index)
    place.push(changed, tag="again")
    Tag.objects.filter(name="late").update(push_time=timezone.now() + timedelta(seconds=1))
    seen["sha256:" + "0" * 64] = {}

    assert _delete(place, seen) == {goes.digest}
    assert Artifact.objects.filter(repository__name=place.repository).count() == 7
    assert TrashEntry.objects.get().digest == goes.digest
    assert _delete(place, seen) == set()


def test_a_signature_goes_and_its_subject_is_alone_afterwards(place: Place) -> None:
    signed = _push(place, "signed")
    signature = manifest_of(EMPTY, subject=signed.descriptor)
    place.push(signature, tag=signature.digest)
    assert _delete(place, _seen(signed, signature)) == {signature.digest}
    assert _delete(place, _seen(signed, signature)) == {signed.digest}


def test_what_needs_too_many_blobs_is_left_to_another_one(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [_push(place, f"v{number}", layers=(layer(),)) for number in range(4)]
    # A config, a layer and a manifest each.
    monkeypatch.setattr(artifact_services, "_MOST_BLOBS", 6)
    seen = _seen(*documents)
    assert [len(_delete(place, seen)) for _ in range(3)] == [2, 2, 0]


def test_one_that_goes_meanwhile_is_none(place: Place) -> None:
    first, second = _push(place, "v1"), _push(place, "v2")
    seen = _seen(first, second)
    artifact_delete(actor=place.actor, repository_name=place.repository, reference=first.digest)
    assert _delete(place, seen) == {second.digest}
    assert TrashEntry.objects.count() == 2


def test_it_takes_the_right_to_delete(place: Place) -> None:
    document = _push(place, "v1")
    with pytest.raises(ForbiddenError):
        artifacts_delete(
            actor=acting(person()),
            repository_name=place.repository,
            reason=TrashEntry.RETENTION,
            seen=_seen(document),
        )
    assert tags_of(place.repository) == {"v1": document.digest}
