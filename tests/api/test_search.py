"""Search and statistics over HTTP."""

from tests.support.world import World


def repositories_of(world: World) -> int:
    """Other tests may have pushed to this project as well."""
    return int(world.admin.get(f"/projects/{world.private}/repositories").headers["X-Total-Count"])


def test_search(world: World) -> None:
    found = world.admin.get("/search", params={"q": world.private.upper()}).json()
    assert [project["name"] for project in found["project"]] == [world.private]
    assert found["project"][0]["repo_count"] == repositories_of(world)
    assert found["project"][0]["metadata"]["public"] == "false"
    project_id = found["project"][0]["project_id"]
    app = f"{world.private}/base/app"
    assert [one for one in found["repository"] if one["repository_name"] == app] == [
        {
            "project_id": project_id,
            "project_name": world.private,
            "repository_name": f"{world.private}/base/app",
            "artifact_count": 1,
        }
    ]
    anonymous = world.clients["anonymous"]
    assert anonymous.get("/search", params={"q": world.private}).json() == {"project": [], "repository": []}
    shown = anonymous.get("/search", params={"q": world.public}).json()["repository"][0]
    assert shown["project_public"] is True

    by_digest = world.clients["guest"].get("/search", params={"q": world.digest}).json()
    assert {row["repository_name"] for row in by_digest["repository"]} == {
        f"{world.private}/base/app",
        f"{world.public}/base/app",
    }
    assert anonymous.get("/search").status_code == 422
    assert anonymous.get("/search?q=").status_code == 422
    assert anonymous.get("/search?q=%00").status_code == 400


def test_a_search_is_in_no_log(world: World) -> None:
    assert world.admin.get("/search", params={"q": "what-nobody-should-read"}).status_code == 200
    assert "what-nobody-should-read" not in world.server.log_tail(1 << 24)


def test_statistics(world: World) -> None:
    whole = world.admin.get("/statistics").json()
    assert whole["total_project_count"] == whole["private_project_count"] + whole["public_project_count"] >= 2
    assert whole["total_repo_count"] >= 2
    assert whole["total_storage_consumption"] > 0
    guest = world.clients["guest"].get("/statistics").json()
    # Other tests may have taken the guest into a project as well.
    mine = world.clients["guest"].get("/projects", params={"public": "false", "page_size": 100}).json()
    assert world.private in {project["name"] for project in mine}
    repositories = sum(project["repo_count"] for project in mine)
    assert repositories >= repositories_of(world) >= 1
    assert (guest["private_project_count"], guest["private_repo_count"]) == (len(mine), repositories)
    assert guest["private_project_count"] < whole["private_project_count"]
    assert guest["total_storage_consumption"] == 0
    assert world.clients["anonymous"].get("/statistics").status_code == 401
