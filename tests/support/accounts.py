"""People, projects, members and robot accounts, made through the REST API as an administrator makes them."""

import ssl
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import httpx

from tests.support.contract import check_answer

API = "/api/v2.0"
# Made once: a client would read all the certificates of the system for itself, which takes longer than its requests.
TRUST = ssl.create_default_context()
_PASSWORD = "Correct-Horse-9-Battery"
_NEVER = -1


class Role(IntEnum):
    """Harbor's numbers of the project roles."""

    PROJECT_ADMIN = 1
    DEVELOPER = 2
    GUEST = 3
    MAINTAINER = 4
    LIMITED_GUEST = 5


@dataclass(frozen=True)
class Person:
    """A user or a robot account with what it logs in with."""

    name: str
    password: str = field(repr=False)
    id: int = 0

    @property
    def basic(self) -> tuple[str, str]:
        """For ``auth=`` of httpx."""
        return self.name, self.password


def api(url: str, person: Person | None = None, *, timeout: float = 60) -> httpx.Client:
    """A client of the REST API at the server's ``url``; paths are below ``/api/v2.0``. The caller closes it."""
    auth = person.basic if person else None
    # Every answer that any test gets is held against Harbor's description.
    return httpx.Client(
        base_url=f"{url}{API}",
        auth=auth,
        timeout=timeout,
        verify=TRUST,
        event_hooks={"response": [check_answer]},
    )


def unique(prefix: str) -> str:
    """A name that no other test has."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def make_user(client: httpx.Client, *, name: str | None = None, password: str = _PASSWORD) -> Person:
    """Make a user. ``client`` is an administrator's."""
    name = name or unique("person")
    body = {
        "username": name,
        "email": f"{name}@example.com",
        "realname": name,
        "password": password,
        "comment": "",
    }
    answer = _created(client.post("/users", json=body))
    return Person(name, password, _id(answer))


def make_project(
    client: httpx.Client, *, name: str | None = None, public: bool = False, limit: int = _NEVER
) -> str:
    """Make a project with a quota of ``limit`` bytes (-1 for none) and return its name."""
    name = name or unique("project")
    body = {"project_name": name, "metadata": {"public": str(public).lower()}, "storage_limit": limit}
    _created(client.post("/projects", json=body))
    return name


def add_member(client: httpx.Client, *, project: str, person: Person, role: Role) -> int:
    """Give ``person`` a role in ``project`` and return the id of the membership."""
    body = {"role_id": int(role), "member_user": {"username": person.name}}
    headers = {"X-Is-Resource-Name": "true"}
    return _id(_created(client.post(f"/projects/{project}/members", json=body, headers=headers)))


def make_member(client: httpx.Client, *, project: str, role: Role) -> Person:
    """Make a user who has ``role`` in ``project``."""
    person = make_user(client)
    add_member(client, project=project, person=person, role=role)
    return person


def make_robot(
    client: httpx.Client, *, project: str, actions: Iterable[str], duration: int = _NEVER
) -> Person:
    """Make a robot account of ``project`` with ``actions`` on repositories, for ``duration`` days (-1 for ever)."""
    access = [{"resource": "repository", "action": action} for action in actions]
    body: dict[str, Any] = {
        "name": unique("robot"),
        "level": "project",
        "duration": duration,
        "permissions": [{"kind": "project", "namespace": project, "access": access}],
    }
    made = _created(client.post("/robots", json=body)).json()
    return Person(made["name"], made["secret"], made["id"])


def _created(answer: httpx.Response) -> httpx.Response:
    assert answer.status_code == 201, (
        f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    )
    return answer


def _id(answer: httpx.Response) -> int:
    return int(answer.headers["Location"].rpartition("/")[2])
