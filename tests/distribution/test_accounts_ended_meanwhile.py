"""Accounts that end while their request's body is still on its way: what it would have done is not done."""

import io
from collections.abc import Callable

import pytest

from apps.accounts.services import user_change_password, user_set_active
from apps.artifacts.models import Artifact, Blob, RepositoryBlob
from tests.distribution.documents import layer, manifest_of
from tests.distribution.inside import Answer, Place, make_place
from tests.support.people import acting, person

pytestmark = pytest.mark.django_db(transaction=True)


class _Slow(io.BytesIO):
    """A body during which something happens."""

    def __init__(self, data: bytes, meanwhile: Callable[[], object]) -> None:
        super().__init__(data)
        self._meanwhile: Callable[[], object] | None = meanwhile

    def read(self, size: int | None = -1) -> bytes:
        if self._meanwhile is not None:
            self._meanwhile()
            self._meanwhile = None
        return super().read(size)


@pytest.fixture
def place() -> Place:
    place = make_place()
    place.push(manifest_of())
    return place


def _suspend(place: Place) -> None:
    boss = acting(person(sysadmin=True))
    user_set_active(actor=boss, user_id=place.principal.id, active=False)


def _new_password(place: Place) -> None:
    boss = acting(person(sysadmin=True))
    user_change_password(actor=boss, user_id=place.principal.id, new="Other-Horse-7-Staple")


def _send(
    place: Place, method: str, rest: str, data: bytes, end: Callable[[Place], None], **more: str
) -> Answer:
    return place.call(method, rest, data=data, **more | {"wsgi.input": _Slow(data, lambda: end(place))})


@pytest.mark.parametrize("end", [_suspend, _new_password])
def test_a_blob(place: Place, end: Callable[[Place], None]) -> None:
    content = layer(3000)
    answer = _send(place, "POST", f"blobs/uploads/?digest={content.digest}", content.data, end)
    assert answer.status == 403
    assert not Blob.objects.filter(digest=content.digest).exists()


@pytest.mark.parametrize("end", [_suspend, _new_password])
def test_the_end_of_an_upload(place: Place, end: Callable[[Place], None]) -> None:
    content = layer(3000)
    started = (
        place.call("POST", "blobs/uploads/").headers["Location"].removeprefix(f"/v2/{place.repository}/")
    )
    answer = _send(place, "PUT", f"{started}&digest={content.digest}", content.data, end)
    assert answer.status == 403
    assert not RepositoryBlob.objects.filter(blob__digest=content.digest).exists()


@pytest.mark.parametrize("end", [_suspend, _new_password])
def test_a_manifest(place: Place, end: Callable[[Place], None]) -> None:
    other = manifest_of(annotations={"of": "others"})
    answer = _send(place, "PUT", "manifests/v1", other.data, end, CONTENT_TYPE=other.media_type)
    assert answer.status == 403
    assert not Artifact.objects.filter(digest=other.digest).exists()
