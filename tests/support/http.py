"""A client of the distribution protocol that does what it is told, for tests of the protocol itself."""

import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self
from urllib.parse import urljoin

import httpx

from tests.support.accounts import TRUST, Person, api
from tests.support.images import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Content,
    Image,
    Index,
    digest_of,
)

__all__ = ["ACCEPT", "RegistryClient", "RegistryError", "api", "error_codes"]

ACCEPT = f"{OCI_INDEX}, {OCI_MANIFEST}, {DOCKER_LIST}, {DOCKER_MANIFEST}"
_NAME = re.compile(r"/v2/(?P<name>.+)/(?:blobs|manifests|tags|referrers)/")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_ACTIONS = {"GET": "pull", "HEAD": "pull", "POST": "pull,push", "PATCH": "pull,push", "PUT": "pull,push"}


class RegistryError(Exception):
    """An answer that the caller did not expect."""


def error_codes(answer: httpx.Response) -> list[str]:
    """The codes in the error envelope of ``answer``."""
    return [error["code"] for error in answer.json()["errors"]]


class RegistryClient:
    """Speaks ``/v2/`` at ``url`` as ``person`` (anonymous without one), with tokens as docker gets them.

    Methods named after a request return the answer whatever its status; ``push_*`` and ``pull_*`` raise
    :class:`RegistryError` unless all is well. A server that asks for no tokens is sent none.
    """

    def __init__(
        self, url: str, person: Person | None = None, *, timeout: float = 60, verify: ssl.SSLContext = TRUST
    ) -> None:
        self.url = url
        self.person = person
        self.http = httpx.Client(base_url=url, timeout=timeout, verify=verify)
        self._tokens: dict[str, str] = {}
        self._challenge: dict[str, str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self.http.close()

    def challenge(self) -> dict[str, str]:
        """The parameters of the Bearer challenge of ``/v2/``; none where the server asks for no token."""
        if self._challenge is None:
            answer = self.http.get("/v2/")
            header = answer.headers.get("WWW-Authenticate", "")
            self._challenge = dict(_CHALLENGE.findall(header)) if answer.status_code == 401 else {}
        return self._challenge

    def token_request(self, scopes: Iterable[str] = ()) -> httpx.Response:
        """Ask the realm of the challenge for a token."""
        challenge = self.challenge()
        parameters = [("service", challenge["service"]), *(("scope", scope) for scope in scopes)]
        if self.person is None:
            return self.http.get(challenge["realm"], params=parameters)
        parameters.append(("account", self.person.name))
        return self.http.get(challenge["realm"], params=parameters, auth=self.person.basic)

    def token(self, *scopes: str) -> str | None:
        """A token for ``scopes``, or None where none is asked for."""
        if not self.challenge():
            return None
        key = " ".join(scopes)
        if key not in self._tokens:
            answer = self.token_request(scopes)
            _expect(answer, 200)
            self._tokens[key] = answer.json()["token"]
        return self._tokens[key]

    def forget_tokens(self) -> None:
        """Ask for new tokens from now on, as after a change of rights."""
        self._tokens.clear()

    def headers(self, method: str, path: str, extra_scopes: Iterable[str] = ()) -> dict[str, str]:
        """The ``Authorization`` for a request."""
        found = _NAME.search(path)
        scopes = [f"repository:{found['name']}:{_ACTIONS.get(method, 'delete')}"] if found else []
        if path.startswith("/v2/_catalog"):
            scopes = ["registry:catalog:*"]
        token = self.token(*scopes, *extra_scopes)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **arguments: Any
    ) -> httpx.Response:
        """Send one request with its token; ``path`` may be a Location."""
        path = urljoin(f"{self.url}/", path).removeprefix(self.url)
        return self.http.request(
            method, path, headers={**self.headers(method, path), **(headers or {})}, **arguments
        )

    # Blobs

    def head_blob(self, repository: str, digest: str) -> httpx.Response:
        """HEAD a blob."""
        return self.request("HEAD", f"/v2/{repository}/blobs/{digest}")

    def get_blob(self, repository: str, digest: str, **headers: str) -> httpx.Response:
        """GET a blob, following a redirect to the storage."""
        return self.request("GET", f"/v2/{repository}/blobs/{digest}", headers=headers, follow_redirects=True)

    def delete_blob(self, repository: str, digest: str) -> httpx.Response:
        """DELETE a blob."""
        return self.request("DELETE", f"/v2/{repository}/blobs/{digest}")

    def post_upload(self, repository: str, **parameters: str) -> httpx.Response:
        """Start an upload."""
        return self.request("POST", f"/v2/{repository}/blobs/uploads/", params=parameters)

    def start_upload(self, repository: str) -> str:
        """Start an upload and return its Location."""
        answer = self.post_upload(repository)
        _expect(answer, 202)
        return answer.headers["Location"]

    def patch(
        self, location: str, data: bytes | Iterator[bytes], *, start: int | None = None
    ) -> httpx.Response:
        """Send a piece: chunked without ``Content-Range``, or with it from the offset ``start`` on."""
        headers = {"Content-Type": "application/octet-stream"}
        if start is not None and isinstance(data, bytes):
            headers["Content-Range"] = f"{start}-{start + len(data) - 1}"
        return self.request("PATCH", location, content=data, headers=headers)

    def put(self, location: str, digest: str, data: bytes = b"") -> httpx.Response:
        """Finish an upload, perhaps with its last bytes."""
        headers = {"Content-Type": "application/octet-stream"}
        return self.request("PUT", _with_digest(location, digest), content=data, headers=headers)

    def mount(self, repository: str, digest: str, *, source: str | None = None) -> httpx.Response:
        """Ask for a mount, from ``source`` or from wherever the server finds it."""
        path = f"/v2/{repository}/blobs/uploads/"
        scopes = [f"repository:{source}:pull"] if source else []
        parameters = {"mount": digest} | ({"from": source} if source else {})
        return self.http.post(path, params=parameters, headers=self.headers("POST", path, scopes))

    def push_blob(self, repository: str, data: bytes, *, piece: int | None = None) -> str:
        """Push ``data`` in one PATCH, or in several of ``piece`` bytes, and return its digest."""
        digest = digest_of(data)
        location = self.start_upload(repository)
        for start in range(0, len(data), piece or max(len(data), 1)):
            part = data[start : start + (piece or len(data))]
            answer = self.patch(location, part, start=start if piece else None)
            _expect(answer, 202)
            location = answer.headers["Location"]
        _expect(self.put(location, digest), 201)
        return digest

    def pull_blob(self, repository: str, digest: str) -> bytes:
        """The bytes of a blob, compared with its digest."""
        answer = self.get_blob(repository, digest)
        _expect(answer, 200)
        return _checked(answer, digest)

    # Manifests

    def put_manifest(
        self, repository: str, reference: str, manifest: Content, **parameters: Any
    ) -> httpx.Response:
        """PUT a manifest by tag or digest."""
        headers = {"Content-Type": manifest.media_type}
        path = f"/v2/{repository}/manifests/{reference}"
        return self.request("PUT", path, content=manifest.data, headers=headers, params=parameters)

    def get_manifest(self, repository: str, reference: str, *, accept: str = ACCEPT) -> httpx.Response:
        """GET a manifest by tag or digest."""
        return self.request("GET", f"/v2/{repository}/manifests/{reference}", headers={"Accept": accept})

    def head_manifest(self, repository: str, reference: str, *, accept: str = ACCEPT) -> httpx.Response:
        """HEAD a manifest by tag or digest."""
        return self.request("HEAD", f"/v2/{repository}/manifests/{reference}", headers={"Accept": accept})

    def delete_manifest(self, repository: str, reference: str) -> httpx.Response:
        """DELETE a tag or a manifest."""
        return self.request("DELETE", f"/v2/{repository}/manifests/{reference}")

    def tags(self, repository: str, **parameters: Any) -> httpx.Response:
        """GET the tags of a repository."""
        return self.request("GET", f"/v2/{repository}/tags/list", params=parameters)

    def referrers(self, repository: str, digest: str, **parameters: Any) -> httpx.Response:
        """GET what refers to a digest."""
        return self.request("GET", f"/v2/{repository}/referrers/{digest}", params=parameters)

    def catalog(self, **parameters: Any) -> httpx.Response:
        """GET the names of the repositories."""
        return self.request("GET", "/v2/_catalog", params=parameters)

    # Whole images

    def push(self, repository: str, content: Image | Index, *, tag: str | None = None) -> str:
        """Push an image or index with all that it needs, by ``tag`` or by its digest, which is returned."""
        if isinstance(content, Index):
            for image in content.images:
                self.push(repository, image)
        else:
            for blob in dict.fromkeys(content.blobs):
                self.push_blob(repository, blob.data)
        _expect(self.put_manifest(repository, tag or content.digest, content.manifest), 201)
        return content.digest

    def pull(self, repository: str, reference: str) -> str:
        """Pull an image or index with all that it names, compare every digest, and return the manifest's."""
        answer = self.get_manifest(repository, reference)
        _expect(answer, 200)
        digest = reference if ":" in reference else answer.headers["Docker-Content-Digest"]
        _checked(answer, digest)
        document = answer.json()
        for child in document.get("manifests", ()):
            self.pull(repository, child["digest"])
        if "config" in document:
            for blob in (document["config"], *document["layers"]):
                self.pull_blob(repository, blob["digest"])
        return digest


def _with_digest(location: str, digest: str) -> str:
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


def _expect(answer: httpx.Response, status: int) -> None:
    if answer.status_code != status:
        request = answer.request
        raise RegistryError(
            f"{request.method} {request.url}: {answer.status_code}, not {status}: {answer.text[:500]}"
        )


def _checked(answer: httpx.Response, digest: str) -> bytes:
    found = digest_of(answer.content, digest.partition(":")[0])
    if found != digest:
        raise RegistryError(f"{answer.request.url}: the bytes are {found}, not {digest}")
    return answer.content
