"""Temporary tags: how they are made, and their end."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.security import SystemContext
from apps.artifacts.errors import TagExistsError, TagUnknownError
from apps.artifacts.gates import GateRefusedError, gates
from apps.artifacts.models import Artifact, Repository, Tag, TrashEntry
from apps.artifacts.services.expiry import (
    expiry_of_image,
    expiry_read,
    moment_read,
    span_read,
    tag_expiry_set,
    tags_expire,
)
from apps.artifacts.services.tags import tag_create
from apps.common.errors import BadRequestError, ForbiddenError
from tests.artifacts.reading import tags_of
from tests.distribution.documents import manifest_of
from tests.distribution.inside import Place, make_place
from tests.support.images import OCI_CONFIG, Content
from tests.support.people import acting, person

pytestmark = pytest.mark.django_db(transaction=True)

_EXPIRY = SystemContext("expiry")


def labelled(text: Any) -> Content:
    """The config of an image that says how long its tags are to live."""
    document = {"architecture": "amd64", "os": "linux", "config": {"Labels": {"quay.expires-after": text}}}
    return Content(json.dumps(document).encode(), OCI_CONFIG)


def due(tag: str, minutes: int = 1) -> None:
    Tag.objects.filter(name=tag).update(expires_at=timezone.now() - timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("2w", timedelta(weeks=2)),
        ("3d", timedelta(days=3)),
        ("12h", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        (" 90s ", timedelta(seconds=90)),
        ("36500d", timedelta(days=36500)),
    ],
)
def test_spans(text: str, span: timedelta) -> None:
    assert span_read(text) == span


@pytest.mark.parametrize(
    "text", ["", "2", "w", "-1d", "1.5d", "0d", "1y", "2 w", "999999999w", "36501d", "٣d", "1d1h", "1D"]
)
def test_no_spans(text: str) -> None:
    assert span_read(text) is None
    if text:
        with pytest.raises(BadRequestError, match="expires_after"):
            expiry_read(expires_at="", expires_after=text)


@pytest.mark.parametrize(
    "text",
    ["tomorrow", "2090-01-01", "2090-01-01T00:00:00", "2020-01-01T00:00:00Z", "2300-01-01T00:00:00Z", "1"],
)
def test_no_times(text: str) -> None:
    with pytest.raises(BadRequestError, match="expires_at"):
        expiry_read(expires_at=text, expires_after="")


def test_times() -> None:
    assert expiry_read(expires_at="", expires_after="") is None
    wanted = datetime(2090, 1, 1, tzinfo=UTC)
    assert expiry_read(expires_at="2090-01-01T02:00:00+02:00", expires_after="") == wanted
    with pytest.raises(BadRequestError, match="exclude"):
        expiry_read(expires_at="2090-01-01T00:00:00Z", expires_after="1d")
    with pytest.raises(BadRequestError, match="invalid time"):
        moment_read("0001-01-01T00:00:00+14:00", name="time")


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"config": None},
        {"config": {"Labels": []}},
        {"config": {"Labels": {"quay.expires-after": 3}}},
        {"config": {"Labels": {"quay.expires-after": "never"}}},
    ],
)
def test_images_that_say_nothing(attributes: dict[str, Any]) -> None:
    assert expiry_of_image(attributes, now=timezone.now()) is None


def test_the_label_of_an_image(place: Place) -> None:
    """It counts from each push; a push without it clears what the tag had."""
    image = manifest_of(settings := labelled("2w"))
    place.push(image, settings, tag="v1")
    tag = Tag.objects.get(name="v1")
    assert tag.expires_at == tag.push_time + timedelta(weeks=2)
    place.push(image, settings, tag="v1")
    again = Tag.objects.get(name="v1")
    assert again.expires_at == again.push_time + timedelta(weeks=2)
    assert again.push_time > tag.push_time

    place.push(manifest_of(), tag="v1")

    assert Tag.objects.get(name="v1").expires_at is None
    place.push(manifest_of(unread := labelled("soon")), unread, tag="v2")
    assert Tag.objects.get(name="v2").expires_at is None


def test_set_and_cleared(place: Place) -> None:
    place.push(image := manifest_of(), tag="v1")
    place.push(manifest_of(), tag="other")
    end = timezone.now() + timedelta(days=1)
    options = {"actor": place.actor, "repository_name": place.repository, "reference": image.digest}

    tag_expiry_set(**options, tag="v1", expires_at=end)
    assert Tag.objects.get(name="v1").expires_at == end
    tag_expiry_set(**options, tag="v1", expires_at=None)
    assert Tag.objects.get(name="v1").expires_at is None
    tag_create(**options, tag="v2", expires_at=end)
    assert Tag.objects.get(name="v2").expires_at == end
    with pytest.raises(TagUnknownError):
        tag_expiry_set(**options, tag="other", expires_at=end)
    with pytest.raises(ForbiddenError):
        tag_expiry_set(**{**options, "actor": acting(person())}, tag="v1", expires_at=end)


def test_the_end_is_in_the_trash(place: Place) -> None:
    other = make_place()
    for number in range(3):
        place.push(manifest_of(), tag=f"old{number}")
        due(f"old{number}", number)
    place.push(manifest_of(), tag="later")
    Tag.objects.filter(name="later").update(expires_at=timezone.now() + timedelta(minutes=5))
    place.push(manifest_of(), tag="never")
    other.push(manifest_of(), tag="elsewhere")
    due("elsewhere")
    artifacts = Artifact.objects.count()

    assert tags_expire(actor=_EXPIRY) == 4

    assert set(tags_of(place.repository)) == {"later", "never"}
    assert tags_of(other.repository) == {}
    assert Artifact.objects.count() == artifacts, "the artifacts stay"
    entries = TrashEntry.objects.values_list("kind", "reason", "operator").distinct()
    assert list(entries) == [("tag", "expired", "expiry")]
    assert place.call("GET", "manifests/old1").status == 404
    assert tags_expire(actor=_EXPIRY) == 0


def test_more_than_a_batch(place: Place) -> None:
    place.push(manifest_of(), tag="v1")
    artifact, repository = Artifact.objects.get(), Repository.objects.get(name=place.repository)
    end = timezone.now() - timedelta(hours=1)
    Tag.objects.bulk_create(
        Tag(repository=repository, artifact=artifact, name=f"t{number}", expires_at=end)
        for number in range(450)
    )

    assert tags_expire(actor=_EXPIRY) == 450

    assert set(tags_of(place.repository)) == {"v1"}


def test_what_a_gate_keeps_stays(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for tag in ("a", "b", "c"):
        place.push(manifest_of(), tag=tag)
        due(tag)

    class Immutable:
        def check_tag(self, change: Any) -> None:
            if change.tag == "b":
                raise GateRefusedError("the tag b is immutable")

    monkeypatch.setattr(gates, "tag", [Immutable()])
    assert tags_expire(actor=_EXPIRY) == 2

    assert set(tags_of(place.repository)) == {"b"}
    assert "the tag b is immutable" in caplog.text
    assert TrashEntry.objects.count() == 2


def test_a_tag_that_was_given_more_time_meanwhile(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is looked at again under the lock."""
    place.push(manifest_of(), tag="v1")
    tag = Tag.objects.get()
    stale = [(timezone.now(), tag.pk, tag.repository_id)]
    found = iter([stale, []])
    monkeypatch.setattr("apps.artifacts.services.expiry._due", lambda *_: next(found))

    assert tags_expire(actor=_EXPIRY) == 0

    assert set(tags_of(place.repository)) == {"v1"}


def test_a_tag_that_is_there_is_not_made_again(place: Place) -> None:
    place.push(image := manifest_of(), tag="v1")
    place.push(other := manifest_of(), tag="v2")
    with pytest.raises(TagExistsError):
        tag_create(actor=place.actor, repository_name=place.repository, reference=other.digest, tag="v1")
    assert tags_of(place.repository)["v1"] == image.digest
