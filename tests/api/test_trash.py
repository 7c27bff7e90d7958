"""The trash, the history of tags, temporary tags and deactivated artifacts over the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.accounts import make_project
from tests.support.http import RegistryClient
from tests.support.images import make_image, make_index
from tests.support.waiting import eventually
from tests.support.world import World

_DAY = timedelta(days=1)


@pytest.fixture
def project(world: World) -> str:
    return make_project(world.admin)


def push(
    world: World, project: str, content: Any, tag: str | None = None, repository: str = "team/app"
) -> str:
    with RegistryClient(world.server.url, world.server.admin) as client:
        client.push(f"{project}/{repository}", content, tag=tag)
    digest: str = content.digest
    return digest


def repository_path(project: str, rest: str = "") -> str:
    return f"/projects/{project}/repositories/team%252Fapp{rest}"


def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def entries(world: World, project: str, query: str = "") -> list[dict[str, Any]]:
    return ok(world.admin.get(f"/projects/{project}/trash", params={"q": query} if query else {})) or []


def test_the_life_of_what_is_deleted(world: World, project: str) -> None:
    digest = push(world, project, image := make_image(), "v1")
    push(world, project, image, "v2")
    ok(world.admin.delete(repository_path(project, "/artifacts/v1")))

    (entry,) = entries(world, project)
    assert entry | {"id": 0, "deleted_at": ""} == {
        "id": 0,
        "kind": "artifact",
        "repository_name": f"{project}/team/app",
        "digest": digest,
        "reason": "person",
        "operator": "admin",
        "deleted_at": "",
    }
    path = f"/projects/{project}/trash/{entry['id']}"
    detail = ok(world.admin.get(path))
    assert (detail["restorable"], detail["artifact_count"], detail["missing_blobs"]) == (True, 1, None)
    (artifact,) = detail["artifacts"]
    assert [tag["name"] for tag in artifact["tags"]] == ["v1", "v2"]
    assert artifact["type"] == "IMAGE"
    push(world, project, make_image(), "v2")

    restored = ok(world.admin.post(f"{path}/restore"))

    assert restored == {
        "repository_name": f"{project}/team/app",
        "artifacts": [digest],
        "tags": ["v1"],
        "skipped_tags": ["v2"],
    }
    assert world.admin.post(f"{path}/restore").status_code == 404
    assert entries(world, project) == []
    with RegistryClient(world.server.url, world.server.admin) as client:
        assert client.pull(f"{project}/team/app", "v1") == digest


def test_a_list_of_the_trash(world: World, project: str) -> None:
    digest = push(world, project, make_image(), "v1")
    push(world, project, make_index(), "multi", "other")
    ok(world.admin.delete(repository_path(project, "/artifacts/v1/tags/v1")))
    ok(world.admin.delete(repository_path(project, f"/artifacts/{digest}")))
    ok(world.admin.delete(f"/projects/{project}/repositories/other"))

    kinds = ["repository", "artifact", "tag"]
    assert [entry["kind"] for entry in entries(world, project)] == kinds
    for key, value, found in [
        ("kind", "tag", 1),
        ("repository", f"{project}/team/app", 2),
        ("repository", "~OTHER", 1),
        ("tag", "v1", 1),
        ("digest", digest, 2),
        ("operator", "admin", 3),
        ("operator", "nobody", 0),
        ("reason", "{retention expired}", 0),
        ("reason", "person", 3),
        ("deleted_at", "[2020-01-01T00:00:00~2021-01-01T00:00:00]", 0),
    ]:
        assert len(entries(world, project, f"{key}={value}")) == found, key
    assert world.admin.get(f"/projects/{project}/trash?q=deleted_at=soon").status_code == 400
    page = world.admin.get(f"/projects/{project}/trash?sort=deleted_at&page_size=2")
    assert [entry["kind"] for entry in page.json()] == ["tag", "artifact"]
    assert page.headers["X-Total-Count"] == "3"
    assert 'rel="next"' in page.headers["Link"]
    by_id = world.admin.get("/projects", params={"name": project}).json()[0]["project_id"]
    assert len(ok(world.admin.get(f"/projects/{by_id}/trash"))) == 3


def test_forgotten_for_ever(world: World, project: str) -> None:
    push(world, project, make_image(), "v1")
    ok(world.admin.delete(repository_path(project)))
    (entry,) = entries(world, project)
    path = f"/projects/{project}/trash/{entry['id']}"

    ok(world.admin.delete(path))

    assert entries(world, project) == []
    for method, target in (("DELETE", path), ("GET", path), ("POST", f"{path}/restore")):
        assert world.admin.request(method, target).status_code == 404
    ok(world.admin.delete(f"/projects/{project}"))


def test_the_trash_of_another_project(world: World, project: str) -> None:
    push(world, project, make_image(), "v1")
    ok(world.admin.delete(repository_path(project)))
    (entry,) = entries(world, project)

    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/restore")):
        path = f"/projects/{world.private}/trash/{entry['id']}{rest}"
        assert world.admin.request(method, path).status_code == 404
        assert world.clients["project_admin"].request(method, path).status_code == 404
    assert world.admin.get(f"/projects/{project}/trash/one").status_code == 422
    ok(world.admin.delete(f"/projects/{project}"))


def test_the_history_of_tags(world: World, project: str) -> None:
    first = push(world, project, make_image(), "v1")
    second = push(world, project, make_image(), "v1")
    ok(world.admin.delete(repository_path(project, "/artifacts/v1/tags/v1")))

    moves = ok(world.admin.get(repository_path(project, "/tag-history")))

    assert [(move["operation"], move.get("previous_digest"), move.get("digest")) for move in moves] == [
        ("delete", second, None),
        ("move", first, second),
        ("create", None, first),
    ]
    assert {(move["tag"], move["operator"], move["address"]) for move in moves} == {
        ("v1", "admin", "127.0.0.1")
    }
    assert ok(world.admin.get(repository_path(project, "/tag-history?q=tag=v2"))) == []
    ok(world.admin.delete(repository_path(project)))
    assert len(ok(world.admin.get(repository_path(project, "/tag-history")))) == 3


def test_who_sees_where_from(world: World) -> None:
    path = f"/projects/{world.private}/repositories/base%252Fapp/tag-history"
    for identity, shown in (("developer", False), ("maintainer", False), ("project_admin", True)):
        (move,) = ok(world.clients[identity].get(f"{path}?page_size=1"))
        assert ("address" in move) == shown


def test_a_repository_as_it_was(world: World, project: str) -> None:
    first = push(world, project, make_image(), "v1")
    (move,) = ok(world.admin.get(repository_path(project, "/tag-history")))
    second = push(world, project, make_image(), "v1")
    push(world, project, make_image(), "v2")
    ok(world.admin.delete(repository_path(project, f"/artifacts/{first}")))
    # The end of the millisecond in which it was recorded.
    path = repository_path(project, "/restore")
    body = {"time": move["at"].replace("Z", "999Z"), "dry_run": True}

    plan = ok(world.admin.post(path, json=body))

    assert plan["dry_run"] is True
    wanted = [
        {"tag": "v1", "digest": first, "previous_digest": second, "action": "moved"},
        {"tag": "v2", "previous_digest": plan["tags"][1]["previous_digest"], "action": "deleted"},
    ]
    assert plan["tags"] == wanted
    assert ok(world.admin.post(path, json=body | {"dry_run": False}))["tags"] == wanted
    with RegistryClient(world.server.url, world.server.admin) as client:
        assert client.pull(f"{project}/team/app", "v1") == first
        assert client.tags(f"{project}/team/app").json()["tags"] == ["v1"]
    for bad in ({}, {"time": "yesterday"}, {"time": "2026-01-01T00:00:00"}, {"time": "2999-01-01T00:00:00Z"}):
        assert world.admin.post(path, json=bad).status_code == 400, bad
    missing = f"/projects/{project}/repositories/nothing/restore"
    assert world.admin.post(missing, json={"time": "2026-01-01T00:00:00Z"}).status_code == 404


def test_temporary_tags(world: World, project: str) -> None:
    digest = push(world, project, make_image(), "v1")
    tags = repository_path(project, f"/artifacts/{digest}/tags")
    ok(world.admin.post(tags, json={"name": "short", "expires_after": "12h"}), 201)
    ok(world.admin.post(tags, json={"name": "long", "expires_at": "2090-01-02T03:04:05Z"}), 201)

    def shown() -> dict[str, str | None]:
        return {tag["name"]: tag.get("expires_at") for tag in ok(world.admin.get(tags))}

    found = shown()
    assert found["v1"] is None
    assert found["long"] == "2090-01-02T03:04:05.000Z"
    assert found["short"] is not None
    assert datetime.now(UTC) < datetime.fromisoformat(found["short"]) < datetime.now(UTC) + _DAY
    ok(world.admin.put(f"{tags}/v1", json={"expires_at": "2091-01-01T00:00:00+01:00"}))
    ok(world.admin.put(f"{tags}/long", json={"expires_after": ""}))
    assert shown() | {"short": None} == {"v1": "2090-12-31T23:00:00.000Z", "short": None, "long": None}
    for bad in (
        {"expires_after": "soon"},
        {"expires_after": "2w", "expires_at": "2090-01-01T00:00:00Z"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": 5},
    ):
        assert world.admin.put(f"{tags}/v1", json=bad).status_code == 400, bad
        assert world.admin.post(tags, json=bad | {"name": "new"}).status_code == 400, bad
    assert set(shown()) == {"v1", "short", "long"}
    assert world.admin.put(f"{tags}/none", json={"expires_after": "1d"}).status_code == 404


def test_deactivated(world: World, project: str) -> None:
    digest = push(world, project, make_image(), "v1")
    push(world, project, make_image(), "v2")
    path = repository_path(project, "/artifacts")

    assert world.admin.post(f"{path}/v1/deactivate", json={"reason": "x" * 256}).status_code == 400
    assert world.admin.post(f"{path}/v1/deactivate", json={"reason": ["x"]}).status_code in {400, 422}
    ok(world.admin.post(f"{path}/v1/deactivate", json={"reason": "CVE-2026-1234"}))

    shown = ok(world.admin.get(f"{path}/v1"))
    assert shown["deactivated_by"] == "admin"
    assert shown["deactivated_reason"] == "CVE-2026-1234"
    query = f"operation=deactivate,resource={project}/team/app@{digest}"
    (row,) = eventually(lambda: ok(world.admin.get("/auditlog-exts", params={"q": query})), bool)
    assert row["operation_description"] == f"deactivate artifact: {project}/team/app@{digest}, CVE-2026-1234"
    assert shown["deactivated_at"].endswith("Z")
    for query in ("deactivated_by=admin", "deactivated_at=[2020-01-01T00:00:00~]"):
        found = ok(world.admin.get(path, params={"q": query}))
        assert [artifact["digest"] for artifact in found] == [digest]
    other = ok(world.admin.get(f"{path}/v2"))
    assert "deactivated_at" not in other
    with RegistryClient(world.server.url, world.server.admin) as client:
        refused = client.get_manifest(f"{project}/team/app", "v1")
        assert refused.status_code == 403
        assert "was deactivated by admin" in refused.json()["errors"][0]["message"]
    copied = world.admin.post(f"/projects/{project}/repositories/copy/artifacts?from={project}/team/app:v1")
    assert copied.status_code == 403

    ok(world.admin.post(f"{path}/v1/activate"))

    assert not {"deactivated_at", "deactivated_reason"} & ok(world.admin.get(f"{path}/v1")).keys()
    with RegistryClient(world.server.url, world.server.admin) as client:
        assert client.pull(f"{project}/team/app", "v1") == digest
