"""The package ``harborapi``, written for Harbor, drives a tour of what a platform team does in a day."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from harborapi import HarborAsyncClient
from harborapi.exceptions import Conflict, Forbidden, NotFound, PreconditionFailed, Unauthorized
from harborapi.models import (
    Access,
    Configurations,
    ImmutableRule,
    ImmutableSelector,
    Label,
    ProjectMetadata,
    ProjectReq,
    QuotaUpdateReq,
    Repository,
    RobotCreate,
    RobotPermission,
    Tag,
    UserCreationReq,
)

from tests.support.accounts import Person, unique
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.server import HarborServer
from tests.support.waiting import eventually

PASSWORD = "Correct-Horse-9-Battery"
GIBIBYTE = 1024**3


def run(tour: Coroutine[object, object, None]) -> None:
    """In a thread of its own: where tests have driven a browser, theirs has a loop already."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, tour).result()


class Client(HarborAsyncClient):
    """The package never closes its connections and has no way to: keep none, they would outlive the loop."""

    def _get_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=self.timeout, limits=httpx.Limits(max_keepalive_connections=0), verify=self.verify
        )


def client_of(server: HarborServer, person: Person) -> HarborAsyncClient:
    return Client(url=f"{server.url}/api/v2.0", username=person.name, secret=person.password, retry=None)


def last(location: str) -> int:
    return int(location.rpartition("/")[2])


def test_a_project_from_its_creation_to_its_end(server: HarborServer) -> None:
    run(_tour(server))


async def _tour(server: HarborServer) -> None:
    admin = client_of(server, server.admin)
    name = unique("tour")
    await admin.create_project(
        ProjectReq(project_name=name, metadata=ProjectMetadata(public="false"), storage_limit=GIBIBYTE)
    )
    assert await admin.project_exists(name)
    project = await admin.get_project(name)
    assert (project.name, project.metadata.public, project.owner_name) == (name, "false", "admin")
    with pytest.raises(Conflict):
        await admin.create_project(ProjectReq(project_name=name))

    person = await _members(admin, server, name)
    robot = await _robot(admin, name)
    image = make_image()
    with RegistryClient(server.url, robot) as registry:
        registry.push(f"{name}/team/app", image, tag="v1")
    await _artifacts(admin, name, image.digest)
    await _labels(admin, name, image.digest)
    await _rules(admin, name)
    await _quotas(admin, project.project_id)
    logs = await admin.get_project_logs(name, limit=100)
    assert {"create", "delete"} <= {entry.operation for entry in logs}
    found = await admin.search(name)
    assert [one.name for one in found.project] == [name]
    assert [one.repository_name for one in found.repository] == [f"{name}/team/app"]
    await _end(admin, name, person)


async def _members(admin: HarborAsyncClient, server: HarborServer, project: str) -> Person:
    user = unique("person")
    location = await admin.create_user(
        UserCreationReq(username=user, email=f"{user}@example.com", realname="A Person", password=PASSWORD)
    )
    person = Person(user, PASSWORD, last(location))
    as_person = client_of(server, person)
    with pytest.raises(Forbidden):
        await as_person.get_project(project)
    await admin.add_project_member_user(project, user, 3)
    members = {one.entity_name: one for one in await admin.get_project_members(project)}
    assert (members[user].role_id, members[user].entity_type) == (3, "u")
    await admin.update_project_member_role(project, members[user].id, 2)
    assert (await as_person.get_project(project)).current_user_role_id == 2
    with pytest.raises(Unauthorized):
        await client_of(server, Person(user, "wrong")).get_project(project)
    return person


async def _robot(admin: HarborAsyncClient, project: str) -> Person:
    actions = ("push", "pull", "delete")
    made = await admin.create_robot(
        RobotCreate(
            name="ci",
            level="project",
            duration=30,
            disable=False,
            permissions=[
                RobotPermission(
                    kind="project",
                    namespace=project,
                    access=[Access(resource="repository", action=action) for action in actions],
                )
            ],
        )
    )
    assert made.name == f"robot${project}+ci"
    refreshed = await admin.refresh_robot_secret(made.id, "")
    assert refreshed.secret != made.secret
    return Person(made.name, refreshed.secret, made.id)


async def _artifacts(admin: HarborAsyncClient, project: str, digest: str) -> None:
    artifacts = await admin.get_artifacts(project, "team/app", with_label=True, with_immutable_status=True)
    assert [(one.digest, [tag.name for tag in one.tags]) for one in artifacts] == [(digest, ["v1"])]
    await admin.create_artifact_tag(project, "team/app", "v1", Tag(name="latest"))
    tags = await admin.get_artifact_tags(project, "team/app", digest)
    assert {tag.name for tag in tags} == {"v1", "latest"}
    await admin.delete_artifact_tag(project, "team/app", digest, "latest")
    await admin.copy_artifact(project, "team/copy", f"{project}/team/app:v1")
    assert (await admin.get_artifact(project, "team/copy", "v1")).digest == digest
    await admin.update_repository(project, "team/app", Repository(description="# An app"))
    repository = await admin.get_repository(project, "team/app")
    assert (repository.name, repository.description) == (f"{project}/team/app", "# An app")
    assert repository.artifact_count == 1
    await admin.delete_artifact(project, "team/copy", digest)
    with pytest.raises(NotFound):
        await admin.get_artifact(project, "team/copy", "v1")
    await admin.delete_repository(project, "team/copy")


async def _labels(admin: HarborAsyncClient, project: str, digest: str) -> None:
    project_id = (await admin.get_project(project)).project_id
    label = last(
        await admin.create_label(Label(name="good", color="#00AA00", scope="p", project_id=project_id))
    )
    await admin.add_artifact_label(project, "team/app", digest, Label(id=label))
    artifact = await admin.get_artifact(project, "team/app", "v1", with_label=True)
    assert [one.name for one in artifact.labels] == ["good"]
    found = await admin.get_artifacts(project, "team/app", query=f"labels=({label})")
    assert [one.digest for one in found] == [digest]
    await admin.delete_artifact_label(project, "team/app", digest, label)


async def _rules(admin: HarborAsyncClient, project: str) -> None:
    rule = ImmutableRule(
        action="immutable",
        template="immutable_template",
        tag_selectors=[ImmutableSelector(kind="doublestar", decoration="matches", pattern="v*")],
        scope_selectors={
            "repository": [ImmutableSelector(kind="doublestar", decoration="repoMatches", pattern="**")]
        },
    )
    location = await admin.create_project_immutable_tag_rule(project, rule)
    with pytest.raises(PreconditionFailed):
        await admin.delete_artifact_tag(project, "team/app", "v1", "v1")
    tags = await admin.get_artifact_tags(project, "team/app", "v1", with_immutable_status=True)
    assert [tag.immutable for tag in tags] == [True]
    await admin.delete_project_immutable_tag_rule(project, last(location))


async def _quotas(admin: HarborAsyncClient, project_id: int) -> None:
    (quota,) = await admin.get_quotas(reference="project", reference_id=str(project_id))
    assert quota.hard.root["storage"] == GIBIBYTE
    assert quota.used.root["storage"] > 0
    await admin.update_quota(quota.id, QuotaUpdateReq(hard={"storage": 2 * GIBIBYTE}))


async def _end(admin: HarborAsyncClient, project: str, person: Person) -> None:
    with pytest.raises(PreconditionFailed):
        await admin.delete_project(project)
    await admin.delete_repository(project, "team/app")
    assert (await admin.get_project_deletable(project)).deletable
    await admin.delete_project(project)
    await admin.delete_user(person.id)
    assert not await admin.project_exists(project)


def test_the_installation(server: HarborServer) -> None:
    # The background process may still be on its way.
    eventually(lambda: httpx.get(f"{server.url}/api/v2.0/health").json()["status"], "healthy".__eq__)
    run(_installation(server))


async def _installation(server: HarborServer) -> None:
    admin = client_of(server, server.admin)
    assert (await admin.health_check()).status == "healthy"
    assert (await admin.get_system_info()).auth_mode == "db_auth"
    assert (await admin.get_statistics()).total_project_count >= 1
    assert (await admin.get_system_volume_info()).storage[0].total > 0
    await admin.update_config(Configurations(banner_message="maintenance at noon"))
    assert (await admin.get_config()).banner_message.value == "maintenance at noon"
    assert (await admin.get_system_info()).banner_message == "maintenance at noon"
    await admin.update_config(Configurations(banner_message=""))
    permissions = await admin.get_permissions()
    assert permissions.project
    assert permissions.system
    assert await admin.get_audit_logs(limit=10)
