"""Every failure of the matrix, and that no code is without one."""

import json
from collections.abc import Iterator
from importlib import import_module

import pytest

from apps.artifacts.gates import GateRefusedError, gates
from apps.distribution import routes
from apps.distribution.errors import STATUSES
from apps.oci.digests import parse_digest
from apps.storage.layout import blob_path
from tests.distribution.conftest import Team
from tests.distribution.documents import EMPTY, layer, manifest_of
from tests.distribution.failures import ELSEWHERE, FAILURES, Failure, Scene, make_scene
from tests.distribution.inside import make_place
from tests.support.accounts import api, make_project
from tests.support.http import RegistryClient
from tests.support.images import digest_of
from tests.support.server import HarborServer


@pytest.fixture(scope="module")
def scene(server: HarborServer, team: Team) -> Iterator[Scene]:
    with api(server.url, server.admin) as client, RegistryClient(server.url, server.admin) as registry:
        full = f"{make_project(client, limit=2)}/image"
        registry.push_blob(full, EMPTY.data)
        yield make_scene(registry, team, full)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.what)
def test_a_failure(scene: Scene, failure: Failure) -> None:
    answer = failure.request(scene)

    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    document = answer.json()
    assert list(document) == ["errors"]
    assert [(answer.status_code, error["code"]) for error in document["errors"]] == [
        (failure.status, failure.code)
    ], answer.text
    for error in document["errors"]:
        assert error["message"]
        assert set(error) <= {"code", "message", "detail"}


def test_nothing_is_left_behind(scene: Scene) -> None:
    """After all that, the repository is what it was."""
    assert scene.registry.tags(scene.repository).json()["tags"] == ["v1"]
    assert scene.registry.get_manifest(scene.repository, "v1").content == scene.image.data
    for data in (b"nobody pushes this", b"data"):
        assert scene.registry.head_blob(scene.repository, digest_of(data)).status_code == 404


def test_every_code_has_a_failure() -> None:
    codes = {failure.code for failure in FAILURES}

    assert codes | ELSEWHERE.keys() == STATUSES.keys()
    assert not codes & ELSEWHERE.keys()


def test_the_statuses_are_those_of_the_table() -> None:
    """A row with another status than its code's is one of the few that say so themselves."""
    others = {(row.code, row.status) for row in FAILURES if STATUSES[row.code] != row.status}

    assert others == {("SIZE_INVALID", 413), ("SIZE_INVALID", 414), ("UNSUPPORTED", 400)}


def test_the_tests_elsewhere_are_there() -> None:
    for place in ELSEWHERE.values():
        module, _, name = place.partition(".")
        if name.isidentifier():
            assert hasattr(import_module(f"tests.distribution.{module}"), name)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("code", ["PRECONDITION", "PROJECTPOLICYVIOLATION", "DENIED", "FORBIDDEN"])
def test_what_a_gate_says(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Rules of the floors above speak through gates, on every way."""

    class Refuses:
        def refuse(self, *_: object) -> None:
            raise GateRefusedError("the rule says no", code=code)

        check_push = check_pull = check_tag = check_delete = refuse

    told = "DENIED" if code == "FORBIDDEN" else code
    place = make_place()
    manifest = manifest_of()
    place.push(manifest)
    requests = {
        "push": ("PUT", "manifests/v2", manifest.data),
        "tag": ("PUT", "manifests/v2", manifest.data),
        "pull": ("GET", f"manifests/{manifest.digest}", b""),
        "delete": ("DELETE", f"manifests/{manifest.digest}", b""),
    }
    for gate, (method, rest, data) in requests.items():
        with monkeypatch.context() as patch:
            patch.setattr(gates, gate, [Refuses()])
            answer = place.call(method, rest, data=data, CONTENT_TYPE=manifest.media_type)
        assert answer.status == STATUSES[code]
        assert json.loads(answer.body) == {"errors": [{"code": told, "message": "the rule says no"}]}
    assert json.loads(place.call("GET", "tags/list").body)["tags"] == ["v1"]


def test_storage_that_fails(server: HarborServer, registry: RegistryClient, repository: str) -> None:
    """Where the file of a blob should be there is something that cannot be read."""
    broken = layer()
    registry.push_blob(repository, broken.data)
    path = server.data_dir / "storage" / blob_path(parse_digest(broken.digest))
    path.unlink()
    path.mkdir()

    answer = registry.get_blob(repository, broken.digest)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "UNAVAILABLE")
    assert str(server.data_dir) not in answer.text


def test_a_file_that_is_gone(server: HarborServer, registry: RegistryClient, repository: str) -> None:
    broken = layer()
    registry.push_blob(repository, broken.data)
    (server.data_dir / "storage" / blob_path(parse_digest(broken.digest))).unlink()

    answer = registry.get_blob(repository, broken.digest)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "BLOB_UNKNOWN")

    # A push mends it.
    registry.push_blob(repository, broken.data)
    assert registry.pull_blob(repository, broken.digest) == broken.data


@pytest.mark.django_db(transaction=True)
def test_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret of the inside")

    place = make_place()
    monkeypatch.setitem(routes.REPOSITORY_ROUTES, ("tags/list", "GET"), routes.Route(routes.PULL, broken))

    answer = place.call("GET", "tags/list", HTTP_X_REQUEST_ID="an-id")

    assert (answer.status, answer.codes) == (500, ["UNKNOWN"])
    assert b"secret" not in answer.body
    assert answer.headers["X-Request-Id"] == "an-id"
