"""Repositories, artifacts and tags over the API."""

import httpx
import pytest

from tests.support.accounts import api, make_project, make_user, unique
from tests.support.http import RegistryClient
from tests.support.images import make_artifact, make_image, make_index
from tests.support.world import REPOSITORY, World

_NEVER = "0001-01-01T00:00:00.000Z"
_ENCODED = REPOSITORY.replace("/", "%252F")


def artifacts_path(world: World, repository: str = _ENCODED, project: str = "") -> str:
    return f"/projects/{project or world.private}/repositories/{repository}/artifacts"


def digests(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Total-Count"] == str(len(answer.json()))
    return [artifact["digest"] for artifact in answer.json()]


@pytest.mark.parametrize("name", ["base%252Fapp", "base%2Fapp", "base/app"])
def test_a_name_with_a_slash_in_each_encoding(world: World, name: str) -> None:
    shown = world.admin.get(f"/projects/{world.private}/repositories/{name}").json()
    assert shown["name"] == f"{world.private}/{REPOSITORY}"
    assert shown["artifact_count"] == 1
    assert world.admin.get(f"{artifacts_path(world, name)}/v1").json()["digest"] == world.digest
    assert len(world.admin.get(f"{artifacts_path(world, name)}/v1/tags").json()) == 1


def test_an_artifact_in_full(world: World) -> None:
    artifact = world.admin.get(f"{artifacts_path(world)}/v1").json()
    assert artifact["type"] == "IMAGE"
    assert artifact["media_type"] == "application/vnd.oci.image.config.v1+json"
    assert artifact["manifest_media_type"] == "application/vnd.oci.image.manifest.v1+json"
    assert artifact["repository_name"] == f"{world.private}/{REPOSITORY}"
    assert artifact["extra_attrs"]["architecture"] == "amd64"
    assert artifact["size"] > 20_000
    (tag,) = artifact["tags"]
    assert (tag["name"], tag["immutable"], tag["artifact_id"]) == ("v1", False, artifact["id"])
    for name in ("references", "labels", "accessories"):
        assert artifact[name] is None
    assert world.admin.get(f"{artifacts_path(world)}/v1?with_tag=false").json()["tags"] is None


def test_never_pulled_is_the_year_one(world: World) -> None:
    project = make_project(world.admin)
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{project}/fresh", make_image(), tag="v1")
    artifact = world.admin.get(f"{artifacts_path(world, 'fresh', project)}/v1").json()
    assert artifact["pull_time"] == artifact["tags"][0]["pull_time"] == _NEVER


def test_filters_of_the_list(world: World) -> None:
    project = make_project(world.admin)
    index, image, untagged = make_index(), make_image(), make_image()
    signature = make_artifact(
        artifact_type="application/vnd.dev.cosign.artifact.sig.v1+json", subject=image.manifest
    )
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{project}/app", index, tag="multi")
        client.push(f"{project}/app", image, tag="v1.0")
        client.push(f"{project}/app", untagged)
        client.push(f"{project}/app", signature)
    path = artifacts_path(world, "app", project)
    everything = [untagged.digest, image.digest, index.digest]

    def found(query: str) -> list[str]:
        return digests(world.admin.get(path, params={"q": query} if query else {}))

    assert found("") == everything, "newest first; no children, no accessories"
    assert found("tags=*") == [image.digest, index.digest]
    assert found("tags=nil") == [untagged.digest]
    assert found("tags=v1.0") == [image.digest]
    assert found("tags=~MUL") == [index.digest]
    assert found("tags={multi v1.0}") == [image.digest, index.digest]
    assert set(found("base=*")) == {*everything, *(child.digest for child in index.images)}
    assert found(f"digest={image.digest}") == [image.digest]
    assert found("type=IMAGE") == everything
    assert found("type=CHART") == []
    assert found("labels=(1)") == []
    assert found("manifest_media_type=application/vnd.oci.image.index.v1+json") == [index.digest]
    assert found("media_type=application/vnd.oci.image.config.v1+json") == [untagged.digest, image.digest]
    assert found("tags=nil,type=IMAGE") == [untagged.digest]
    assert world.admin.get(path, params={"q": "tags=[a~b]"}).status_code == 400

    (reference, _) = world.admin.get(f"{path}/multi").json()["references"]
    assert reference["child_digest"] == index.images[0].digest
    assert reference["platform"]["architecture"] == "amd64"
    assert reference["platform"]["os.features"] is None
    shown = world.admin.get(f"{path}/v1.0?with_accessory=true").json()
    (accessory,) = shown["accessories"]
    assert accessory["type"] == "signature.cosign"
    assert accessory["digest"] == signature.digest
    assert accessory["subject_artifact_id"] == shown["id"]
    repository = world.admin.get(f"/projects/{project}/repositories/app").json()
    assert repository["artifact_count"] == len(everything)


def test_life_of_a_tag(world: World) -> None:
    project = make_project(world.admin)
    image = make_image()
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{project}/app", image, tag="v1")
    path = f"{artifacts_path(world, 'app', project)}/{image.digest}/tags"
    made = world.admin.post(path, json={"name": "v2"})
    assert (made.status_code, "Location" in made.headers) == (201, False)
    assert [tag["name"] for tag in world.admin.get(path).json()] == ["v2", "v1"], "newest first"
    assert world.admin.post(path, json={"name": "v2"}).status_code == 409
    assert world.admin.post(path, json={"name": "-bad"}).status_code == 400
    assert [tag["name"] for tag in world.admin.get(f"{path}?q=name=~1").json()] == ["v1"]
    assert world.admin.delete(f"{path}/v1").status_code == 200
    assert world.admin.delete(f"{path}/v1").status_code == 404
    with RegistryClient(world.server.url, world.server.admin) as client:
        assert client.pull(f"{project}/app", "v2") == image.digest
        assert client.get_manifest(f"{project}/app", "v1").status_code == 404


def test_a_copy_is_whole(world: World) -> None:
    project = make_project(world.admin)
    source = f"{world.private}/{REPOSITORY}"
    path = artifacts_path(world, "deep%252Fcopy", project)
    made = world.admin.post(f"{path}?from={source}:v1")
    assert made.status_code == 201, made.text
    assert made.headers["Location"].endswith("/artifacts/v1")
    with RegistryClient(world.server.url, world.server.admin) as client:
        assert client.pull(f"{project}/deep/copy", "v1") == world.digest
    by_digest = world.admin.post(f"{path}?from={source}@{world.digest}")
    assert by_digest.headers["Location"].endswith(world.digest)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("from=app", 400),
        ("from=a/b:c:d", 400),
        ("from={private}/nothing:v1", 404),
        ("from={private}/base/app:nothing", 404),
        ("from=no-such-project/app:v1", 404),
    ],
)
def test_copies_that_cannot_be(world: World, query: str, status: int) -> None:
    answer = world.admin.post(f"{artifacts_path(world)}?{query.format(private=world.private)}")
    assert answer.status_code == status, answer.text


def test_a_copy_into_a_name_that_is_none(world: World) -> None:
    source = f"{world.private}/{REPOSITORY}:v1"
    answer = world.admin.post(f"{artifacts_path(world, 'Bad%252F..')}?from={source}")
    assert answer.status_code == 400


def test_a_copy_tells_strangers_nothing_of_the_source(world: World) -> None:
    project = unique("own")
    path = artifacts_path(world, "app", project)
    sources = (f"{world.private}/{REPOSITORY}:v1", f"{world.private}/nothing:v1", "no-such-project/app:v1")
    with api(world.server.url, make_user(world.admin)) as stranger:
        assert stranger.post("/projects", json={"project_name": project}).status_code == 201
        assert [stranger.post(f"{path}?from={source}").status_code for source in sources] == [403, 403, 403]


def test_deleting_artifacts_and_repositories(world: World) -> None:
    project = make_project(world.admin)
    index, image = make_index(), make_image()
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{project}/app", index, tag="multi")
        client.push(f"{project}/app", image, tag="v1")
    path = artifacts_path(world, "app", project)
    child = world.admin.delete(f"{path}/{index.images[0].digest}")
    assert (child.status_code, child.json()["errors"][0]["code"]) == (412, "VIOLATE_FOREIGN_KEY_CONSTRAINT")
    assert world.admin.delete(f"{path}/v1").status_code == 200
    assert world.admin.get(f"{path}/{image.digest}").status_code == 404
    repository = f"/projects/{project}/repositories/app"
    assert world.admin.put(repository, json={"description": "what it is"}).status_code == 200
    assert world.admin.get(repository).json()["description"] == "what it is"
    assert world.admin.delete(repository).status_code == 200
    assert world.admin.get(repository).status_code == 404
    assert world.admin.delete(f"/projects/{project}").status_code == 200, "nothing holds the project any more"


def test_lists_of_repositories(world: World) -> None:
    project = make_project(world.admin)
    with RegistryClient(world.server.url, world.server.admin) as client:
        for name in ("one", "two"):
            client.push(f"{project}/{name}", make_image(), tag="v1")
    path = f"/projects/{project}/repositories"
    names = [row["name"] for row in world.admin.get(path).json()]
    assert names == [f"{project}/two", f"{project}/one"], "newest first"
    assert len(world.admin.get(f"{path}?q=name%3D~one").json()) == 1
    assert [row["artifact_count"] for row in world.admin.get(path).json()] == [1, 1]

    def seen(identity: str) -> set[str]:
        rows = world.clients[identity].get("/repositories?page_size=100").json()
        return {row["name"].partition("/")[0] for row in rows}

    assert {world.private, world.public, project} <= seen("sysadmin")
    assert {world.private, world.public} <= seen("guest")
    assert project not in seen("guest")
    assert seen("anonymous") & {world.private, world.public, project} == {world.public}
