"""Referrers, and artifacts in lists, with annotations made to fill the memory of whoever shows them."""

import orjson
import pytest

from apps.artifacts.models import Artifact
from apps.distribution.handlers import manifests
from tests.distribution.documents import manifest_of
from tests.distribution.inside import Place, make_place

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place() -> Place:
    return make_place()


def test_of_very_many_annotations_a_list_shows_the_short_ones(place: Place) -> None:
    place.push(subject := manifest_of())
    short = {f"key-{number}": "value" for number in range(10)}
    large = manifest_of(subject=subject.descriptor, annotations=short | {"long": "a" * 200_000})
    place.push(large, tag="v2")

    (shown,) = orjson.loads(place.call("GET", f"referrers/{subject.digest}").body)["manifests"]
    assert shown["annotations"] == short
    assert Artifact.objects.get(digest=large.digest).annotations == short
    pulled = place.call("GET", f"manifests/{large.digest}", HTTP_ACCEPT="*/*")
    assert pulled.body == large.data


def test_a_page_has_an_end_whatever_is_asked_for(place: Place, monkeypatch) -> None:
    monkeypatch.setattr(manifests, "_MOST_REFERRERS", 2)
    place.push(subject := manifest_of())
    for number in range(3):
        place.push(manifest_of(subject=subject.descriptor), tag=f"r{number}")
    answer = place.call("GET", f"referrers/{subject.digest}?n=10000")
    assert len(orjson.loads(answer.body)["manifests"]) == 2
    assert 'rel="next"' in answer.headers["Link"]
