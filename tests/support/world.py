"""A project with people of each role, a robot account and an image, in a running server."""

from dataclasses import dataclass, field

import httpx

from tests.support.accounts import (
    Person,
    Role,
    add_member,
    api,
    make_project,
    make_robot,
    make_user,
    unique,
)
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.server import HarborServer

ROLES = {
    "limited_guest": Role.LIMITED_GUEST,
    "guest": Role.GUEST,
    "developer": Role.DEVELOPER,
    "maintainer": Role.MAINTAINER,
    "project_admin": Role.PROJECT_ADMIN,
}


@dataclass
class World:
    """``clients`` by identity; ``private`` and ``public`` are projects with the repository ``base/app:v1``."""

    server: HarborServer
    private: str
    public: str
    people: dict[str, Person]
    clients: dict[str, httpx.Client]
    digest: str
    members: dict[str, int] = field(default_factory=dict)

    @property
    def admin(self) -> httpx.Client:
        return self.clients["sysadmin"]


REPOSITORY = "base/app"


def make_world(server: HarborServer) -> World:
    """The world of one server; the caller closes its clients."""
    admin = api(server.url, server.admin)
    private = make_project(admin, name=unique("private"))
    public = make_project(admin, name=unique("public"), public=True)
    people: dict[str, Person] = {
        "sysadmin": server.admin,
        "outsider": make_user(admin),
        "auditor": make_user(admin),
    }
    answer = admin.put(f"/users/{people['auditor'].id}/auditor", json={"auditor_flag": True})
    assert answer.status_code == 200, answer.text
    members = {}
    for name, role in ROLES.items():
        people[name] = make_user(admin)
        members[name] = add_member(admin, project=private, person=people[name], role=role)
    people["robot"] = make_robot(admin, project=private, actions=("pull", "push", "list", "read"))
    image = make_image()
    with RegistryClient(server.url, server.admin) as client:
        for project in (private, public):
            client.push(f"{project}/{REPOSITORY}", image, tag="v1")
    clients = {name: api(server.url, person) for name, person in people.items()}
    clients |= {"sysadmin": admin, "anonymous": api(server.url)}
    return World(server, private, public, people, clients, image.digest, members)
