"""Push rules over the API."""

from tests.support.accounts import make_project
from tests.support.http import RegistryClient, error_codes
from tests.support.images import make_artifact
from tests.support.world import World

EVERYTHING = {
    "media_types": [],
    "required_annotations": [],
    "allow_foreign_urls": True,
    "allow_sparse_indexes": True,
}


def test_life_of_push_rules(world: World) -> None:
    project = make_project(world.admin)
    path = f"/projects/{project}/push-rules"
    assert world.admin.get(path).json() == EVERYTHING

    assert world.admin.put(path, json={"media_types": ["application/vnd.oci.image.*"]}).status_code == 200
    assert world.admin.get(path).json() == EVERYTHING | {"media_types": ["application/vnd.oci.image.*"]}
    replaced = {"required_annotations": ["org.example.owner"], "allow_foreign_urls": False}
    assert world.admin.put(path, json=replaced).status_code == 200
    assert world.admin.get(path).json() == EVERYTHING | replaced

    image = make_artifact(artifact_type="application/vnd.example")
    with RegistryClient(world.server.url, world.server.admin) as registry:
        for blob in dict.fromkeys(image.blobs):
            registry.push_blob(f"{project}/app", blob.data)
        answer = registry.put_manifest(f"{project}/app", "v1", image.manifest)
        assert (answer.status_code, error_codes(answer)) == (403, ["DENIED"])
        assert "org.example.owner" in answer.text
        assert world.admin.delete(path).status_code == 200
        assert world.admin.get(path).json() == EVERYTHING
        assert registry.put_manifest(f"{project}/app", "v1", image.manifest).status_code == 201


def test_malformed_push_rules(world: World) -> None:
    path = f"/projects/{world.private}/push-rules"
    for body in ({"media_types": "text/*"}, {"media_types": ["["]}, {"allow_foreign_urls": "perhaps"}, [7]):
        assert world.admin.put(path, json=body).status_code == 400, body
    assert world.admin.get(path).json() == EVERYTHING
