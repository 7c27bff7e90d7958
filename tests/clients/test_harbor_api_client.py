"""The package ``harbor-api-client``, generated from Harbor's description, drives the same tour."""

from collections.abc import Callable
from typing import Any

import harbor_client as harbor
import pytest
from harbor_client.rest import ApiException

from tests.support.accounts import Person, unique
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.server import HarborServer
from tests.support.waiting import eventually

PASSWORD = "Correct-Horse-9-Battery"
REPOSITORY = "team%2Fapp"  # The client encodes it once more, as Harbor wants it.


def client_of(server: HarborServer, person: Person) -> harbor.ApiClient:
    configuration = harbor.Configuration()
    configuration.host = f"{server.url}/api/v2.0"
    configuration.username = person.name
    configuration.password = person.password
    return harbor.ApiClient(configuration)


def refused(status: int, call: Callable[..., Any], *arguments: Any, **named: Any) -> None:
    with pytest.raises(ApiException) as raised:
        call(*arguments, **named)
    assert raised.value.status == status


def test_a_project_from_its_creation_to_its_end(server: HarborServer) -> None:
    client = client_of(server, server.admin)
    projects = harbor.ProjectApi(client)
    name = unique("tour")
    projects.create_project(harbor.ProjectReq(project_name=name, metadata={"public": "false"}))
    refused(409, projects.create_project, harbor.ProjectReq(project_name=name))
    project = projects.get_project(name)
    assert (project.name, project.owner_name, project.metadata.public) == (name, "admin", "false")
    assert [one.name for one in projects.list_projects(name=name)] == [name]

    person = _members(client, server, name)
    robot = _robot(client, name)
    image = make_image()
    with RegistryClient(server.url, robot) as registry:
        registry.push(f"{name}/team/app", image, tag="v1")
    _artifacts(client, name, image.digest)
    _labels(client, name, project.project_id, image.digest)
    _quota(client, project.project_id)
    logs = projects.get_logs(name, page_size=100)
    assert {"create", "delete"} <= {entry.operation for entry in logs}
    found = harbor.SearchApi(client).search(name)
    assert [one.repository_name for one in found.repository] == [f"{name}/team/app"]

    refused(412, projects.delete_project, name)
    harbor.RepositoryApi(client).delete_repository(name, REPOSITORY)
    assert projects.get_project_deletable(name).deletable
    projects.delete_project(name)
    refused(404, projects.get_project, name)
    harbor.UserApi(client).delete_user(person.id)


def _members(client: harbor.ApiClient, server: HarborServer, project: str) -> Person:
    users, members = harbor.UserApi(client), harbor.MemberApi(client)
    name = unique("person")
    users.create_user(
        harbor.UserCreationReq(
            username=name, email=f"{name}@example.com", realname="A Person", password=PASSWORD
        )
    )
    (user,) = users.list_users(q=f"username={name}")
    person = Person(name, PASSWORD, user.user_id)
    theirs = harbor.ProjectApi(client_of(server, person))
    refused(403, theirs.get_project, project)
    members.create_project_member(
        project,
        project_member=harbor.ProjectMember(role_id=3, member_user=harbor.UserEntity(username=name)),
    )
    (member,) = members.list_project_members(project, entityname=name)
    assert (member.entity_name, member.role_id, member.role_name) == (name, 3, "guest")
    members.update_project_member(project, member.id, role=harbor.RoleRequest(role_id=2))
    assert theirs.get_project(project).current_user_role_id == 2
    permissions = harbor.UserApi(client_of(server, person)).get_current_user_permissions(
        scope=f"/project/{theirs.get_project(project).project_id}", relative=True
    )
    assert ("repository", "push") in {(one.resource, one.action) for one in permissions}
    members.delete_project_member(project, member.id)
    refused(403, theirs.get_project, project)
    return person


def _robot(client: harbor.ApiClient, project: str) -> Person:
    robots = harbor.RobotApi(client)
    access = [harbor.Access(resource="repository", action=action) for action in ("push", "pull")]
    made = robots.create_robot(
        harbor.RobotCreate(
            name="ci",
            level="project",
            duration=-1,
            permissions=[harbor.RobotPermission(kind="project", namespace=project, access=access)],
        )
    )
    listed = robots.get_robot_by_id(made.id)
    assert (listed.name, listed.level, listed.editable) == (f"robot${project}+ci", "project", True)
    refused(400, robots.create_robot, harbor.RobotCreate(name="Bad Name", level="project", duration=-1))
    return Person(made.name, made.secret, made.id)


def _artifacts(client: harbor.ApiClient, project: str, digest: str) -> None:
    artifacts = harbor.ArtifactApi(client)
    (artifact,) = artifacts.list_artifacts(project, REPOSITORY)
    assert (artifact.digest, artifact.type) == (digest, "IMAGE")
    assert [tag.name for tag in artifact.tags] == ["v1"]
    artifacts.create_tag(project, REPOSITORY, "v1", harbor.Tag(name="latest"))
    refused(409, artifacts.create_tag, project, REPOSITORY, "v1", harbor.Tag(name="latest"))
    assert {tag.name for tag in artifacts.list_tags(project, REPOSITORY, digest)} == {"v1", "latest"}
    artifacts.delete_tag(project, REPOSITORY, digest, "latest")
    artifacts.copy_artifact(project, "copy", f"{project}/team/app:v1")
    assert artifacts.get_artifact(project, "copy", "v1").digest == digest
    artifacts.delete_artifact(project, "copy", digest)
    refused(404, artifacts.get_artifact, project, "copy", "v1")
    repositories = harbor.RepositoryApi(client)
    repositories.delete_repository(project, "copy")
    assert [one.name for one in repositories.list_repositories(project)] == [f"{project}/team/app"]
    assert repositories.get_repository(project, REPOSITORY).artifact_count == 1


def _labels(client: harbor.ApiClient, project: str, project_id: int, digest: str) -> None:
    labels, artifacts = harbor.LabelApi(client), harbor.ArtifactApi(client)
    labels.create_label(harbor.Label(name="good", scope="p", color="#00AA00", project_id=project_id))
    (label,) = labels.list_labels(scope="p", project_id=project_id)
    artifacts.add_label(project, REPOSITORY, digest, harbor.Label(id=label.id))
    artifact = artifacts.get_artifact(project, REPOSITORY, "v1", with_label=True)
    assert [one.name for one in artifact.labels] == ["good"]
    artifacts.remove_label(project, REPOSITORY, digest, label.id)
    labels.delete_label(label.id)
    refused(404, labels.get_label_by_id, label.id)


def _quota(client: harbor.ApiClient, project_id: int) -> None:
    quotas = harbor.QuotaApi(client)
    (quota,) = quotas.list_quotas(reference="project", reference_id=str(project_id))
    assert quota.hard["storage"] == -1
    assert quota.used["storage"] > 0
    quotas.update_quota(quota.id, harbor.QuotaUpdateReq(hard={"storage": 1024**3}))
    assert quotas.get_quota(quota.id).hard["storage"] == 1024**3
    refused(400, quotas.update_quota, quota.id, harbor.QuotaUpdateReq(hard={"storage": -5}))


def test_the_installation(server: HarborServer) -> None:
    client = client_of(server, server.admin)
    eventually(lambda: harbor.HealthApi(client).get_health().status, "healthy".__eq__)
    info = harbor.SysteminfoApi(client)
    assert info.get_system_info().auth_mode == "db_auth"
    assert info.get_volumes().storage[0].total > 0
    assert harbor.StatisticApi(client).get_statistic().total_project_count >= 1
    configure = harbor.ConfigureApi(client)
    configure.update_configurations(harbor.Configurations(banner_message="maintenance at one"))
    assert configure.get_configurations().banner_message.value == "maintenance at one"
    configure.update_configurations(harbor.Configurations(banner_message=""))
    assert harbor.AuditlogApi(client).list_audit_logs(page_size=5)
    assert harbor.UserApi(client).get_current_user_info().username == "admin"
