"""Immutable rules over the API, and what docker would see of them."""

from typing import Any

from tests.support.accounts import make_project
from tests.support.http import RegistryClient, error_codes
from tests.support.images import make_image
from tests.support.world import World


def _rule(pattern: str, **changes: Any) -> dict[str, Any]:
    return {
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": pattern}],
        "scope_selectors": {
            "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]
        },
    } | changes


def test_life_of_a_rule(world: World) -> None:
    project = make_project(world.admin)
    path = f"/projects/{project}/immutabletagrules"
    assert world.admin.get(path).json() == []

    made = world.admin.post(path, json=_rule("v*"))
    assert made.status_code == 201, made.text
    number = int(made.headers["Location"].rpartition("/")[2])
    assert made.headers["Location"] == f"/api/v2.0{path}/{number}"
    assert world.admin.post(path, json=_rule("v*")).status_code == 409
    assert world.admin.get(path).json() == [{"id": number, **_rule("v*")}]

    with RegistryClient(world.server.url, world.server.admin) as registry:
        registry.push(f"{project}/app", make_image(), tag="v1")
        answer = registry.put_manifest(f"{project}/app", "v1", make_image_of(registry, f"{project}/app"))
        assert (answer.status_code, error_codes(answer)) == (412, ["PRECONDITION"])
        assert "'app:v1' configured as immutable" in answer.text
        artifact = f"/projects/{project}/repositories/app/artifacts/v1"
        for refused in (
            world.admin.delete(artifact),
            world.admin.delete(f"{artifact}/tags/v1"),
            world.admin.delete(f"/projects/{project}/repositories/app"),
        ):
            assert refused.status_code == 412, refused.text
            assert error_codes(refused) == ["PRECONDITION"]
            assert "the tag v1 configured as immutable, cannot be deleted" in refused.text

        changed = world.admin.put(f"{path}/{number}", json=_rule("v*", disabled=True, priority=3))
        assert changed.status_code == 200, changed.text
        shown = {"id": number, "disabled": True, "priority": 3, **_rule("v*")}
        assert world.admin.get(path).json() == [shown]
        registry.push(f"{project}/app", make_image(), tag="v1")

    assert world.admin.delete(f"{path}/{number}").status_code == 200
    assert world.admin.delete(f"{path}/{number}").status_code == 404
    assert world.admin.get(path).json() == []


def make_image_of(registry: RegistryClient, repository: str) -> Any:
    image = make_image()
    for blob in image.blobs:
        registry.push_blob(repository, blob.data)
    return image.manifest


def test_malformed_rules(world: World) -> None:
    path = f"/projects/{world.private}/immutabletagrules"
    for body in (
        {},
        {"tag_selectors": []},
        _rule("["),
        _rule("v*", action="retain"),
        _rule("v*", template="other"),
        _rule("v*", scope_selectors={}),
        _rule("v*", scope_selectors=7),
        _rule("v*", tag_selectors={"kind": "doublestar"}),
        _rule("v*", priority="high"),
    ):
        assert world.admin.post(path, json=body).status_code == 400, body
    assert world.admin.post(path).status_code == 422
    assert world.admin.put(f"{path}/x", json=_rule("v*")).status_code == 422
    assert world.admin.get(path).json() == []
