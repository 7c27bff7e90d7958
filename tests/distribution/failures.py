"""The protocol failure matrix: what is asked, and the status and code that answer it."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx

from tests.distribution.conftest import Team
from tests.distribution.documents import EMPTY, index_of, manifest_of, push
from tests.support.accounts import Person
from tests.support.http import RegistryClient
from tests.support.images import OCI_MANIFEST, Content, digest_of
from tests.support.waiting import eventually

_MISSING = digest_of(b"nobody pushes this")


@dataclass(frozen=True)
class Scene:
    """A repository with an image under the tag ``v1``, which is the child of an index, and people."""

    registry: RegistryClient
    team: Team
    repository: str
    image: Content
    full_repository: str
    """One of a project whose quota is used up."""

    def path(self, rest: str) -> str:
        return f"/v2/{self.repository}/{rest}"

    def get(self, rest: str, **headers: str) -> httpx.Response:
        return self.registry.request("GET", self.path(rest), headers=headers)

    def upload(self) -> str:
        return self.registry.start_upload(self.repository)

    def as_person(self, method: str, rest: str, person: Person | None, **arguments: object) -> httpx.Response:
        """With Basic, or with nothing at all."""
        auth = person.basic if person else None
        return self.registry.http.request(method, self.path(rest), auth=auth, **arguments)


@dataclass(frozen=True)
class Failure:
    """One row."""

    what: str
    status: int
    code: str
    request: Callable[[Scene], httpx.Response]


def make_scene(registry: RegistryClient, team: Team, full_repository: str) -> Scene:
    """Push what the rows need."""
    repository = team.repository()
    image = manifest_of()
    push(registry, repository, image, EMPTY, tag="v1")
    push(registry, repository, index_of([image]))
    return Scene(registry, team, repository, image, full_repository)


def _put(scene: Scene, reference: str, data: bytes, media_type: str = OCI_MANIFEST) -> httpx.Response:
    return scene.registry.put_manifest(scene.repository, reference, Content(data, media_type))


def _while_writing(scene: Scene) -> httpx.Response:
    """PUT an upload while a PATCH, which ends with the generator, is writing to it."""
    location = scene.upload()
    beginning = bytes(256 * 1024)
    answers: list[httpx.Response] = []

    def body() -> Iterator[bytes]:
        yield beginning
        with RegistryClient(scene.registry.url, scene.registry.person) as other:
            arrived = f"0-{len(beginning) - 1}"
            eventually(lambda: other.request("GET", location).headers["Range"] == arrived)
            answers.append(other.put(location, digest_of(beginning)))
        yield b"the end"

    assert scene.registry.patch(location, body()).status_code == 202
    return answers[0]


FAILURES = [
    Failure("a blob that is not there", 404, "BLOB_UNKNOWN", lambda s: s.get(f"blobs/{_MISSING}")),
    Failure(
        "the blob of a repository that is not there",
        404,
        "BLOB_UNKNOWN",
        lambda s: s.registry.get_blob(s.team.repository(), EMPTY.digest),
    ),
    Failure(
        "delete a blob that is not there",
        404,
        "BLOB_UNKNOWN",
        lambda s: s.registry.delete_blob(s.repository, _MISSING),
    ),
    Failure("finish an upload that is being written", 400, "BLOB_UPLOAD_INVALID", _while_writing),
    Failure(
        "an upload that is not there",
        404,
        "BLOB_UPLOAD_UNKNOWN",
        lambda s: s.get(f"blobs/uploads/{uuid.uuid4()}"),
    ),
    Failure("an upload id that is none", 404, "BLOB_UPLOAD_UNKNOWN", lambda s: s.get("blobs/uploads/x")),
    Failure("a malformed digest of a blob", 400, "DIGEST_INVALID", lambda s: s.get("blobs/sha256:abc")),
    Failure(
        "a malformed digest of a manifest", 400, "DIGEST_INVALID", lambda s: s.get("manifests/sha256:abc")
    ),
    Failure("an algorithm that is not known", 400, "DIGEST_INVALID", lambda s: s.get("manifests/md5:abc")),
    Failure(
        "a manifest under another digest",
        400,
        "DIGEST_INVALID",
        lambda s: _put(s, _MISSING, manifest_of().data),
    ),
    Failure(
        "a blob under another digest",
        400,
        "DIGEST_INVALID",
        lambda s: s.registry.put(s.upload(), _MISSING, b"data"),
    ),
    Failure(
        "no digest at the end of an upload",
        400,
        "DIGEST_INVALID",
        lambda s: s.registry.request("PUT", s.upload(), content=b"data"),
    ),
    Failure(
        "a manifest whose blobs are missing",
        404,
        "MANIFEST_BLOB_UNKNOWN",
        lambda s: _put(s, "x", manifest_of(layers=[Content(b"nobody pushes this", "a/b")]).data),
    ),
    Failure("a manifest that is no JSON", 400, "MANIFEST_INVALID", lambda s: _put(s, "x", b"{")),
    Failure("an empty manifest", 400, "MANIFEST_INVALID", lambda s: _put(s, "x", b"")),
    Failure(
        "another Content-Type than mediaType",
        400,
        "MANIFEST_INVALID",
        lambda s: _put(s, "x", index_of().data),
    ),
    Failure("a tag that is not there", 404, "MANIFEST_UNKNOWN", lambda s: s.get("manifests/x")),
    Failure("a digest that is not there", 404, "MANIFEST_UNKNOWN", lambda s: s.get(f"manifests/{_MISSING}")),
    Failure(
        "a type that Accept does not name",
        404,
        "MANIFEST_UNKNOWN",
        lambda s: s.get("manifests/v1", Accept="text/html"),
    ),
    Failure(
        "delete a tag that is not there",
        404,
        "MANIFEST_UNKNOWN",
        lambda s: s.registry.delete_manifest(s.repository, "x"),
    ),
    Failure(
        "a name in capitals", 400, "NAME_INVALID", lambda s: s.registry.http.get("/v2/Library/X/tags/list")
    ),
    Failure(
        "a name of 256 characters",
        400,
        "NAME_INVALID",
        lambda s: s.registry.http.get(f"/v2/library/{'a' * 248}/tags/list"),
    ),
    Failure(
        "a name without a project",
        400,
        "NAME_INVALID",
        lambda s: s.registry.http.get("/v2/alone/tags/list", auth=s.registry.person.basic),
    ),
    Failure(
        "tags of a repository that is not there",
        404,
        "NAME_UNKNOWN",
        lambda s: s.registry.tags(s.team.repository()),
    ),
    Failure(
        "a manifest of a repository that is not there",
        404,
        "NAME_UNKNOWN",
        lambda s: s.registry.get_manifest(s.team.repository(), "v1"),
    ),
    Failure(
        "delete in a repository that is not there",
        404,
        "NAME_UNKNOWN",
        lambda s: s.registry.delete_manifest(s.team.repository(), "v1"),
    ),
    Failure(
        "a page of no number",
        400,
        "PAGINATION_NUMBER_INVALID",
        lambda s: s.registry.tags(s.repository, n="x"),
    ),
    Failure(
        "a range behind the end",
        416,
        "RANGE_INVALID",
        lambda s: s.get(f"blobs/{EMPTY.digest}", Range="bytes=9-"),
    ),
    Failure(
        "several ranges",
        416,
        "RANGE_INVALID",
        lambda s: s.get(f"blobs/{EMPTY.digest}", Range="bytes=0-0,1-1"),
    ),
    Failure(
        "a chunk out of order", 416, "RANGE_INVALID", lambda s: s.registry.patch(s.upload(), b"data", start=5)
    ),
    Failure(
        "a Content-Range that is none",
        416,
        "RANGE_INVALID",
        lambda s: s.registry.request("PATCH", s.upload(), content=b"data", headers={"Content-Range": "x"}),
    ),
    Failure(
        "a Content-Range of another length",
        400,
        "SIZE_INVALID",
        lambda s: s.registry.request("PATCH", s.upload(), content=b"data", headers={"Content-Range": "0-9"}),
    ),
    Failure("a manifest of 5 MB", 413, "SIZE_INVALID", lambda s: _put(s, "x", bytes(5_000_000))),
    Failure(
        "101 tags",
        414,
        "SIZE_INVALID",
        lambda s: s.registry.put_manifest(
            s.repository, s.image.digest, s.image, tag=[f"t{number}" for number in range(101)]
        ),
    ),
    Failure("a malformed tag", 400, "TAG_INVALID", lambda s: s.get("manifests/-x")),
    Failure("a tag of 129 characters", 400, "TAG_INVALID", lambda s: s.get(f"manifests/{'x' * 129}")),
    Failure("no credentials", 401, "UNAUTHORIZED", lambda s: s.as_person("GET", "tags/list", None)),
    Failure(
        "a wrong password",
        401,
        "UNAUTHORIZED",
        lambda s: s.as_person("GET", "tags/list", Person(f"nobody-{uuid.uuid4().hex}", "wrong")),
    ),
    Failure(
        "a token that is none", 401, "UNAUTHORIZED", lambda s: s.get("tags/list", Authorization="Bearer x")
    ),
    Failure(
        "no right to the repository",
        403,
        "DENIED",
        lambda s: s.as_person("GET", "tags/list", s.team.people["outsider"]),
    ),
    Failure(
        "no right to push",
        403,
        "DENIED",
        lambda s: s.as_person("POST", "blobs/uploads/", s.team.people["guest"]),
    ),
    Failure(
        "a quota that is used up",
        403,
        "DENIED",
        lambda s: s.registry.request(
            "POST",
            f"/v2/{s.full_repository}/blobs/uploads/",
            params={"digest": digest_of(b"data")},
            content=b"data",
        ),
    ),
    Failure(
        "a method that is not there", 405, "UNSUPPORTED", lambda s: s.registry.http.put(s.path("tags/list"))
    ),
    Failure(
        "a blob that an artifact needs",
        405,
        "UNSUPPORTED",
        lambda s: s.registry.delete_blob(s.repository, EMPTY.digest),
    ),
    Failure(
        "a manifest of schema 1",
        400,
        "UNSUPPORTED",
        lambda s: _put(s, "x", json.dumps({"schemaVersion": 1}).encode()),
    ),
    Failure(
        "a manifest of a type that is not known",
        400,
        "UNSUPPORTED",
        lambda s: _put(s, "x", json.dumps({"schemaVersion": 2}).encode(), "text/plain"),
    ),
    Failure(
        "a token of another service",
        400,
        "BAD_REQUEST",
        lambda s: s.registry.http.get("/service/token", params={"service": "x", "scope": "x"}),
    ),
    Failure("a NUL character", 400, "BAD_REQUEST", lambda s: s.get("tags/list?last=%00")),
    Failure("a path that is not there", 404, "NOT_FOUND", lambda s: s.registry.http.get("/v2/x")),
    Failure(
        "the child of an index",
        412,
        "VIOLATE_FOREIGN_KEY_CONSTRAINT",
        lambda s: s.registry.delete_manifest(s.repository, s.image.digest),
    ),
]

# Codes that no plain request gets, with the test that gets them.
ELSEWHERE = {
    "FORBIDDEN": "test_failures.test_what_a_gate_says",  # The services' name of DENIED.
    "TOOMANYREQUESTS": "test_http.test_too_many_transfers",
    "PRECONDITION": "test_failures.test_what_a_gate_says",
    "PROJECTPOLICYVIOLATION": "test_failures.test_what_a_gate_says",
    "UNAVAILABLE": "test_failures.test_storage_that_fails",
    "UNKNOWN": "test_failures.test_an_error_of_ours",
}
