"""CVE allowlists of the installation and of projects."""

from typing import Any

import pytest

from tests.support.accounts import make_project, unique
from tests.support.world import World

_NEVER = "0001-01-01T00:00:00.000Z"


def _items(*ids: str) -> list[dict[str, str]]:
    return [{"cve_id": one} for one in ids]


def test_the_list_of_the_installation(world: World) -> None:
    body = {"items": _items("CVE-2024-1", " CVE-2024-2 "), "expires_at": 2_000_000_000}
    assert world.admin.put("/system/CVEAllowlist", json=body).status_code == 200
    shown = world.clients["outsider"].get("/system/CVEAllowlist").json()
    assert shown["items"] == _items("CVE-2024-1", "CVE-2024-2")
    assert shown["expires_at"] == 2_000_000_000
    assert "project_id" not in shown
    made = shown["creation_time"]

    assert world.admin.put("/system/CVEAllowlist", json={"items": []}).status_code == 200
    shown = world.admin.get("/system/CVEAllowlist").json()
    assert (shown["items"], "expires_at" in shown, shown["creation_time"]) == ([], False, made)


@pytest.mark.parametrize(
    "body",
    [
        {"items": _items("CVE-1", "CVE-1")},
        {"items": _items("CVE-1", " CVE-1")},
        {"items": _items(" ")},
        {"items": [{}]},
        {"items": _items("x" * 300)},
        {"items": "CVE-1"},
        {"items": ["CVE-1"]},
        {"items": _items("CVE-1"), "expires_at": -1},
        {"items": _items("CVE-1"), "expires_at": "soon"},
    ],
)
def test_lists_that_make_no_sense(world: World, body: dict[str, Any]) -> None:
    project = make_project(world.admin)
    before = world.admin.get("/system/CVEAllowlist").json()

    for method, path, sent in (
        ("PUT", "/system/CVEAllowlist", body),
        ("PUT", f"/projects/{project}", {"public": True, "cve_allowlist": body}),
        ("POST", "/projects", {"project_name": unique("listed"), "cve_allowlist": body}),
    ):
        answer = world.admin.request(method, path, json=sent)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "BAD_REQUEST"), answer.text

    assert world.admin.get("/system/CVEAllowlist").json() == before
    shown = world.admin.get(f"/projects/{project}").json()
    assert (shown["cve_allowlist"]["items"], shown["metadata"]["public"]) == ([], "false")


def test_the_list_of_a_project(world: World) -> None:
    name = unique("listed")
    body = {
        "project_name": name,
        "metadata": {"reuse_sys_cve_allowlist": "false"},
        "cve_allowlist": {"items": _items("CVE-1"), "expires_at": 2_000_000_000},
    }
    assert world.admin.post("/projects", json=body).status_code == 201
    shown = world.admin.get(f"/projects/{name}").json()
    project_id, found = shown["project_id"], shown["cve_allowlist"]
    assert (found["project_id"], found["items"], found["expires_at"]) == (
        project_id,
        _items("CVE-1"),
        2_000_000_000,
    )
    assert shown["metadata"] == {"public": "false", "reuse_sys_cve_allowlist": "false"}

    # What the portal does: it sends the list back as it came, with a change.
    change = found | {"items": _items("CVE-1", "CVE-2")}
    assert world.admin.put(f"/projects/{name}", json={"cve_allowlist": change}).status_code == 200
    assert world.admin.put(f"/projects/{name}", json={"public": True}).status_code == 200
    (listed,) = world.admin.get(f"/projects?name={name}").json()
    assert listed["cve_allowlist"]["items"] == _items("CVE-1", "CVE-2")
    assert listed["cve_allowlist"]["id"] == found["id"]

    foreign = {"cve_allowlist": {"project_id": project_id + 1, "items": []}}
    assert world.admin.put(f"/projects/{name}", json=foreign).status_code == 400


def test_a_project_without_a_list(world: World) -> None:
    shown = world.admin.get(f"/projects/{make_project(world.admin)}").json()
    assert shown["cve_allowlist"] == {
        "project_id": shown["project_id"],
        "items": [],
        "creation_time": _NEVER,
        "update_time": _NEVER,
    }


def test_projects_without_details(world: World) -> None:
    (shown,) = world.admin.get(f"/projects?name={world.public}&with_detail=false").json()
    assert not {"metadata", "owner_name", "cve_allowlist"} & set(shown)
    assert shown["repo_count"] == 1


def test_a_proxy_cache_is_refused_clearly(world: World) -> None:
    answer = world.admin.post("/projects", json={"project_name": unique("proxy"), "registry_id": 1})
    assert (answer.status_code, "proxy cache" in answer.text) == (400, True)
