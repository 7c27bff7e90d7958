"""Retention over the API: policies, their runs, and what docker finds afterwards."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.accounts import Person, Role, api, make_member, make_project
from tests.support.http import RegistryClient, error_codes
from tests.support.images import make_image
from tests.support.waiting import eventually
from tests.support.world import World

_FINAL = {"Success", "Error", "Stopped"}


def rule(template: str = "latestPushedK", number: int | None = 1, **changes: Any) -> dict[str, Any]:
    return {
        "action": "retain",
        "template": template,
        "params": {} if number is None else {template: number},
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}],
        "scope_selectors": {
            "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]
        },
    } | changes


def policy(project_id: int, *rules: dict[str, Any], cron: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "algorithm": "or",
        "rules": list(rules),
        "trigger": {"kind": "Schedule", "settings": {"cron": cron}, "references": {}},
        "scope": {"level": "project", "ref": project_id},
    } | changes


class Project:
    """A fresh project and its administrator's client."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = world.admin
        self.name = make_project(world.admin)
        self.id = world.admin.get(f"/projects/{self.name}").json()["project_id"]

    def create(self, *rules: dict[str, Any], **options: Any) -> str:
        """The path of a new policy."""
        answer = self.client.post("/retentions", json=policy(self.id, *rules, **options))
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"].removeprefix("/api/v2.0")

    def finished(self, path: str, eid: str) -> dict[str, Any]:
        """A run when it is over."""

        def ask() -> dict[str, Any]:
            rows = self.client.get(f"{path}/executions").json()
            return next(row for row in rows if str(row["id"]) == eid)

        return eventually(ask, lambda row: row["status"] in _FINAL)

    def run(self, path: str, *, dry_run: bool) -> tuple[str, dict[str, Any]]:
        """Where a run is, and the run when it is over."""
        answer = self.client.post(f"{path}/executions", json={"dry_run": dry_run})
        assert answer.status_code == 201, answer.text
        place = answer.headers["Location"].removeprefix("/api/v2.0")
        return place, self.finished(path, place.rpartition("/")[2])


@pytest.fixture
def project(world: World) -> Project:
    return Project(world)


def test_what_rules_can_say(world: World) -> None:
    found = world.admin.get("/retentions/metadatas").json()
    assert [(one["rule_template"], one["action"], one["params"]) for one in found["templates"]] == [
        ("latestPushedK", "retain", [{"type": "int", "unit": "COUNT", "required": True}]),
        ("latestPulledN", "retain", [{"type": "int", "unit": "COUNT", "required": True}]),
        ("nDaysSinceLastPush", "retain", [{"type": "int", "unit": "DAYS", "required": True}]),
        ("nDaysSinceLastPull", "retain", [{"type": "int", "unit": "DAYS", "required": True}]),
        ("always", "retain", []),
    ]
    [scope], [tags] = found["scope_selectors"], found["tag_selectors"]
    assert (scope["kind"], scope["decorations"]) == ("doublestar", ["repoMatches", "repoExcludes"])
    assert (tags["kind"], tags["decorations"]) == ("doublestar", ["matches", "excludes"])


def test_life_of_a_policy(project: Project) -> None:
    client = project.client
    path = project.create(rule(number=3), cron="0 0 3 * * *")
    number = int(path.rpartition("/")[2])
    assert client.get(f"/projects/{project.name}").json()["metadata"]["retention_id"] == str(number)

    found = client.get(path).json()
    settings = found["trigger"].pop("settings")
    assert settings["cron"] == "0 0 3 * * *"
    assert settings["next_scheduled_time"].endswith("T03:00:00.000Z")
    assert found["trigger"].pop("references")["job_id"] > 0
    assert found == {
        "id": number,
        "algorithm": "or",
        "rules": [rule(number=3)],
        "trigger": {"kind": "Schedule"},
        "scope": {"level": "project", "ref": project.id},
    }
    schedules = client.get("/schedules", params={"page_size": 100}).json()
    assert ("RETENTION", number, "0 0 3 * * *") in [
        (row["vendor_type"], row.get("vendor_id"), row["cron"]) for row in schedules
    ]

    again = client.post("/retentions", json=policy(project.id, rule()))
    assert (again.status_code, error_codes(again)) == (400, ["BAD_REQUEST"])

    # What was read can be written.
    changed = client.get(path).json() | {"rules": [rule("always", None, disabled=True, priority=2)]}
    changed["trigger"]["settings"]["cron"] = ""
    assert client.put(path, json=changed).status_code == 200
    found = client.get(path).json()
    # An empty object is left out.
    assert found["rules"] == [
        {name: value for name, value in changed["rules"][0].items() if name != "params"}
    ]
    assert found["trigger"] == {"kind": "Schedule", "settings": {"cron": ""}, "references": {}}

    assert client.delete(path).status_code == 200
    assert client.get(path).status_code == client.delete(path).status_code == 404
    assert client.put(path, json=changed).status_code == 404
    assert "retention_id" not in client.get(f"/projects/{project.name}").json()["metadata"]
    project.create()


@pytest.mark.parametrize(
    ("template", "number", "status"),
    [
        ("latestPushedK", 0, 201),
        ("latestPushedK", 32766, 201),
        ("latestPushedK", 32767, 400),
        ("latestPulledN", -1, 400),
        ("latestPulledN", 32766, 201),
        ("nDaysSinceLastPush", 20190904, 201),
        ("nDaysSinceLastPush", 20190905, 400),
        ("nDaysSinceLastPull", 0, 201),
        ("nDaysSinceLastPull", -1, 400),
        ("latestPushedK", "10", 400),
        ("latestPushedK", 1.5, 400),
        ("latestPushedK", True, 400),
        ("lastXDays", 3, 400),
        ("", 3, 400),
    ],
)
def test_limits_of_the_templates(project: Project, template: str, number: Any, status: int) -> None:
    answer = project.client.post("/retentions", json=policy(project.id, rule(template, number)))
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("template", "default"),
    [("latestPushedK", 10), ("latestPulledN", 10), ("nDaysSinceLastPush", 30), ("nDaysSinceLastPull", 30)],
)
def test_a_number_that_is_left_out_has_a_default(project: Project, template: str, default: int) -> None:
    path = project.create(rule(template, None))
    assert project.client.get(path).json()["rules"][0]["params"] == {template: default}


def test_at_most_fifteen_rules_and_none_twice(project: Project) -> None:
    rules = [rule(number=number) for number in range(16)]
    answer = project.client.post("/retentions", json=policy(project.id, *rules))
    assert (answer.status_code, error_codes(answer)) == (400, ["BAD_REQUEST"])
    path = project.create(*rules[:15])
    twice = policy(project.id, rule(), rule(number=2), rule(id=7))
    answer = project.client.put(path, json=twice)
    assert (answer.status_code, error_codes(answer)) == (409, ["CONFLICT"])
    assert len(project.client.get(path).json()["rules"]) == 15


def _selector(**changes: Any) -> list[dict[str, Any]]:
    return [{"kind": "doublestar", "decoration": "matches", "pattern": "**"} | changes]


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "and"},
        {"scope": {"level": "project", "ref": 999_999}},
        {"scope": {"level": "system", "ref": 1}},
        {"scope": None},
        {"trigger": {"kind": "Event"}},
        {"trigger": {"kind": "Schedule", "settings": {"cron": "* * * * *"}}},
        {"trigger": {"kind": "Schedule", "settings": {"cron": "5 0 0 * * *"}}},
        {"trigger": {"kind": "Schedule", "settings": {"cron": 7}}},
        {"rules": [rule(action="delete")]},
        {"rules": [rule(tag_selectors=[])]},
        {"rules": [rule(tag_selectors=_selector(pattern="["))]},
        {"rules": [rule(tag_selectors=_selector(kind="regex"))]},
        {"rules": [rule(tag_selectors=_selector(decoration="repoMatches"))]},
        {"rules": [rule(tag_selectors=_selector(extras="untagged"))]},
        {"rules": [rule(tag_selectors=_selector(extras='{"untagged":"yes"}'))]},
        {"rules": [rule(scope_selectors={})]},
        {"rules": [rule(scope_selectors={"repository": _selector()})]},
        {"rules": [rule(params={"latestPushedK": {}})]},
        {"rules": "none"},
    ],
    ids=str,
)
def test_malformed_policies(project: Project, changes: dict[str, Any]) -> None:
    answer = project.client.post("/retentions", json=policy(project.id, rule()) | changes)
    assert answer.status_code == 400, answer.text
    assert "retention_id" not in project.client.get(f"/projects/{project.name}").json()["metadata"]


def test_a_policy_stays_in_its_project(project: Project, world: World) -> None:
    other = Project(world)
    path = project.create(rule())
    assert project.client.put(path, json=policy(other.id, rule())).status_code == 400
    assert project.client.get(path).json()["scope"]["ref"] == project.id


def test_missing_bodies_and_wrong_numbers(project: Project) -> None:
    path = project.create(rule())
    client = project.client
    assert client.post("/retentions").status_code == 422
    assert client.put(path).status_code == 422
    assert client.post(f"{path}/executions").status_code == 422
    assert client.get("/retentions/x").status_code == 422
    assert client.patch(f"{path}/executions/x", json={"action": "stop"}).status_code == 422
    assert client.patch(f"{path}/executions/1", json={"action": "start"}).status_code == 400
    assert client.patch(f"{path}/executions/999999", json={"action": "stop"}).status_code == 404
    assert client.get(f"{path}/executions/999999/tasks").status_code == 404


@pytest.fixture
def members(project: Project, world: World) -> Iterator[dict[Role, httpx.Client]]:
    roles = (Role.GUEST, Role.DEVELOPER, Role.MAINTAINER, Role.PROJECT_ADMIN)
    people: dict[Role, Person] = {
        role: make_member(world.admin, project=project.name, role=role) for role in roles
    }
    clients = {role: api(world.server.url, person) for role, person in people.items()}
    yield clients
    for client in clients.values():
        client.close()


def test_members_do_what_their_role_may(
    project: Project, world: World, members: dict[Role, httpx.Client]
) -> None:
    """A guest of one project may nothing with its policy, and a developer of it nothing with another's."""
    path = project.create(rule())
    body = policy(project.id, rule())
    clients = {"outsider": world.clients["outsider"], "other": world.clients["developer"]} | members
    for name, client in clients.items():
        may = name in {Role.DEVELOPER, Role.MAINTAINER, Role.PROJECT_ADMIN}
        assert client.get(path).status_code == (200 if may else 403), name
        assert client.put(path, json=body).status_code == (200 if may else 403), name
        assert client.get(f"{path}/executions").status_code == (200 if may else 403), name
        run = client.post(f"{path}/executions", json={"dry_run": True})
        assert run.status_code == (201 if may else 403), name
        stop = client.patch(f"{path}/executions/999999", json={"action": "stop"})
        assert stop.status_code == (404 if may else 403), name
        assert client.get(f"{path}/executions/999999/tasks").status_code == (404 if may else 403), name
    assert world.clients["anonymous"].get(path).status_code == 401
    assert members[Role.GUEST].delete(path).status_code == 403
    assert members[Role.DEVELOPER].delete(path).status_code == 200


def test_runs(project: Project, world: World) -> None:
    client = project.client
    with RegistryClient(world.server.url, world.server.admin) as registry:
        images = [make_image(layers=1, layer_size=100) for _ in range(3)]
        for number, image in enumerate(images):
            registry.push(f"{project.name}/deep/app", image, tag=f"v{number}")
        registry.push(f"{project.name}/other", images[0], tag="v0")
        scope = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "deep/*"}]}
        path = project.create(rule(number=1, scope_selectors=scope))

        place, dry = project.run(path, dry_run=True)
        assert (dry["status"], dry["trigger"], dry["dry_run"]) == ("Success", "MANUAL", True)
        [task] = client.get(f"{place}/tasks").json()
        assert (task["repository"], task["total"], task["retained"]) == ("deep/app", 3, 1)
        assert (task["status"], task["status_code"]) == ("Success", 3)
        log = client.get(f"{place}/tasks/{task['id']}")
        assert log.headers["Content-Type"].startswith("text/plain")
        assert (log.text.count(" | DEL "), log.text.count(" | RETAIN ")) == (2, 1)
        assert sorted(registry.tags(f"{project.name}/deep/app").json()["tags"]) == ["v0", "v1", "v2"]

        place, real = project.run(path, dry_run=False)
        assert "dry_run" not in real
        assert int(real["policy_id"]) == int(path.rpartition("/")[2])
        [task] = client.get(f"{place}/tasks").json()
        assert (task["total"], task["retained"]) == (3, 1)
        assert registry.tags(f"{project.name}/deep/app").json()["tags"] == ["v2"]
        assert registry.get_manifest(f"{project.name}/deep/app", images[0].digest).status_code == 404
        registry.pull(f"{project.name}/other", "v0")
        registry.pull(f"{project.name}/deep/app", "v2")

    trash = client.get(f"/projects/{project.name}/trash").json()
    assert [entry["reason"] for entry in trash] == ["retention", "retention"]
    listed = client.get(f"{path}/executions", params={"page": 1, "page_size": 1})
    assert (listed.headers["X-Total-Count"], len(listed.json())) == ("2", 1)
    assert len(client.get(f"{path}/executions").json()) == 2
    assert client.patch(place, json={"action": "stop"}).status_code == 200

    # The project can go, and with it all of this.
    for repository in ("deep%252Fapp", "other"):
        assert client.delete(f"/projects/{project.name}/repositories/{repository}").status_code == 200
    assert client.delete(f"/projects/{project.name}").status_code == 200
    assert client.get(path).status_code == 404


def test_a_policy_without_rules_does_nothing(project: Project) -> None:
    path = project.create()
    assert project.client.get(path).json()["rules"] == []
    place, run = project.run(path, dry_run=False)
    assert run["status"] == "Success"
    assert project.client.get(f"{place}/tasks").json() == []
