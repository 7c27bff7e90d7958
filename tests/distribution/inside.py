"""The data plane called as the server calls it, in this process: for what is not to be seen over HTTP."""

import io
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.accounts.security import Principal
from apps.accounts.selectors import principal_of
from apps.distribution.access import Grant
from apps.distribution.tokens import token_issue
from apps.distribution.wsgi import application
from apps.projects.contexts import LocalSecurityContext
from apps.projects.services import project_create
from tests.distribution.documents import EMPTY
from tests.support.images import Content
from tests.support.people import acting, person


@dataclass
class Answer:
    """What the application gave."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def codes(self) -> list[str]:
        """The codes of the error envelope."""
        return [error["code"] for error in orjson.loads(self.body)["errors"]]


def call(method: str, path: str, *, data: bytes = b"", **variables: Any) -> Answer:
    """One request; ``variables`` are the environ's, such as ``HTTP_ACCEPT``."""
    path, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(data),
        "CONTENT_LENGTH": str(len(data)),
    } | variables
    started: list[tuple[str, list[tuple[str, str]]]] = []
    pieces = application(environ, lambda status, headers: started.append((status, headers)))
    try:
        body = b"".join(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    status, headers = started[0]
    return Answer(int(status.split()[0]), dict(headers), body)


@dataclass
class Place:
    """A project in the database of the tests, and somebody who may everything in it, by a token."""

    project_id: int
    repository: str
    actor: LocalSecurityContext
    principal: Principal = field(init=False)
    bearer: str = field(init=False)

    def __post_init__(self) -> None:
        assert self.actor.principal is not None
        self.principal = self.actor.principal
        grant = Grant(self.project_id, frozenset({"pull", "push", "delete"}))
        token = token_issue(principal=self.principal, grants=((self.repository, grant),), catalog=False)
        self.bearer = f"Bearer {token.text}"

    def call(self, method: str, rest: str, *, data: bytes = b"", **variables: Any) -> Answer:
        """One request below ``/v2/<repository>/``."""
        path = f"/v2/{self.repository}/{rest}"
        return call(method, path, data=data, **{"HTTP_AUTHORIZATION": self.bearer} | variables)

    def push(self, manifest: Content, *blobs: Content, tag: str = "v1") -> None:
        """Push the empty config and these blobs, then the manifest."""
        for blob in (EMPTY, *blobs):
            answer = self.call("POST", f"blobs/uploads/?digest={blob.digest}", data=blob.data)
            assert answer.status == 201, answer.body
        answer = self.call("PUT", f"manifests/{tag}", data=manifest.data, CONTENT_TYPE=manifest.media_type)
        assert answer.status == 201, answer.body


def make_place(*, limit: int = -1, public: bool = False) -> Place:
    """A fresh project; the database must be open to the test."""
    owner = person(sysadmin=True)
    name = f"p{owner.pk}"
    project = project_create(actor=acting(owner), name=name, public=public, storage_limit=limit)
    owner.refresh_from_db()
    principal = principal_of(owner)
    assert principal is not None
    return Place(project.pk, f"{name}/image", LocalSecurityContext(principal))
