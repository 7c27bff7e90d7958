"""A project in which every page of the portal has something to show, made through the API of a running server."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.accounts import Person, Role, add_member, api, make_project, make_user, unique
from tests.support.browsing import Browser
from tests.support.furnishing import Contents, push_contents
from tests.support.http import RegistryClient
from tests.support.receiver import Receiver
from tests.support.waiting import eventually

_EVERYTHING = [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]
_FINAL = frozenset({"Success", "Error", "Stopped"})
_LOCAL_GROUP = 4
_GIB = 1024**3


@dataclass(frozen=True)
class Furnished:
    """``places`` are the arguments of the portal's addresses by their names in :mod:`tests.support.portal_pages`."""

    project: str
    empty: str
    contents: Contents
    places: dict[str, Any] = field(default_factory=dict)


def furnish(
    url: str,
    admin: Person,
    members: Mapping[Role, Person],
    *,
    name: str | None = None,
    empty: str | None = None,
    user: Person | None = None,
) -> Furnished:
    """Make two projects of these names (one with everything, with these members; one with nothing). About 10 s.

    ``user`` is somebody who is in a group of theirs. Where the project has a name, what is in it has plain names too.
    """
    with api(url, admin) as client, RegistryClient(url, admin) as registry, Receiver() as receiver:
        project = make_project(client, name=name or unique("atlas"), limit=_GIB)
        none = make_project(client, name=empty or unique("empty"))
        maker = _Maker(client, project, receiver, named=unique if name is None else str)
        maker.rules()
        contents = push_contents(registry, client, project)
        maker.people(members, user or make_user(client))
        maker.labels(contents)
        maker.robots()
        maker.trash(registry, contents)
        maker.retention()
        maker.works()
        maker.delivery()
        maker.places |= contents.places | {
            "empty_project_id": _number(client, none),
            "quota_id": maker.quota_id(),
            "artifact_id": maker.artifact_id(contents),
            "rule": retention_rule(url, admin, maker.id),
        }
    return Furnished(project, none, contents, maker.places)


def retention_rule(url: str, admin: Person, project_id: int) -> str:
    """What the portal tells the first rule of the project's policy from others by."""
    with Browser(url, admin) as browser:
        page = browser.open(f"/harbor/projects/{project_id}/tag-strategy/tag-retention")
    found = re.search(r"/rules/(\w+)/edit", page.answer.text)
    assert found is not None, page.text
    return found[1]


class _Maker:
    """Makes things in one project and keeps their numbers."""

    def __init__(
        self, client: httpx.Client, project: str, receiver: Receiver, named: Callable[[str], str]
    ) -> None:
        self.client = client
        self.named = named
        self.project = project
        self.receiver = receiver
        self.path = f"/projects/{project}"
        self.id = _number(client, project)
        self.places: dict[str, Any] = {"project_id": self.id}

    def make(self, path: str, body: Mapping[str, Any]) -> int:
        """The number of what is made."""
        answer = self.client.post(path, json=body)
        assert answer.status_code == 201, f"POST {path}: {answer.text}"
        return int(answer.headers["Location"].rpartition("/")[2])

    def read(self, path: str) -> Any:
        """A document of the API."""
        answer = self.client.get(path)
        assert answer.status_code == 200, f"GET {path}: {answer.text}"
        return answer.json()

    def done(self, answer: httpx.Response, status: int = 200) -> None:
        """It has to have worked."""
        assert answer.status_code == status, f"{answer.request.url}: {answer.text}"

    def people(self, members: Mapping[Role, Person], user: Person) -> None:
        """Members of each role, and a group with a role and a person in it."""
        for role, person in members.items():
            self.places["member_id"] = add_member(self.client, project=self.project, person=person, role=role)
        group = self.make("/usergroups", {"group_name": self.named("team"), "group_type": _LOCAL_GROUP})
        self.done(self.client.post(f"/usergroups/{group}/members", json={"user_id": user.id}), 201)
        self.make(f"{self.path}/members", {"role_id": int(Role.GUEST), "member_group": {"id": group}})
        with api(str(self.client.base_url).partition("/api/")[0], user) as own:
            made = own.post("/users/current/tokens", json={"label": "laptop"})
            self.done(made, 201)
        with Browser(str(self.client.base_url).partition("/api/")[0], user):
            session = self.read(f"/users/{user.id}/sessions")[0]["id"]
        token = int(made.headers["Location"].rpartition("/")[2])
        self.places |= {"group_id": group, "user_id": user.id, "token_id": token, "session_id": session}

    def labels(self, contents: Contents) -> None:
        """A label of the project and one of the installation, both on the image."""
        for place, name, scope in (
            ("label_id", "tested", {"scope": "p", "project_id": self.id}),
            ("global_label_id", "approved", {"scope": "g"}),
        ):
            body = {"name": self.named(name), "color": "#0065ab", "description": "Passed the tests", **scope}
            self.places[place] = self.make("/labels", body)
            path = f"{self.path}/repositories/{contents.escaped}/artifacts/{contents.image.digest}/labels"
            self.done(self.client.post(path, json={"id": self.places[place]}))

    def robots(self) -> None:
        """One of the project and one of the installation."""
        access = [{"resource": "repository", "action": action} for action in ("pull", "push", "list")]
        body = {"name": self.named("builds"), "duration": 30, "description": "Pushes what was built"}
        in_project = {"kind": "project", "namespace": self.project, "access": access}
        in_system = {
            "kind": "system",
            "namespace": "/",
            "access": [{"resource": "quota", "action": "list"}],
        }
        self.places["robot_id"] = self.make(
            "/robots", body | {"level": "project", "permissions": [in_project]}
        )
        self.places["system_robot_id"] = self.make(
            "/robots", body | {"level": "system", "permissions": [in_project, in_system]}
        )
        trust = {
            "issuer": "https://token.actions.githubusercontent.com",
            "audience": "https://hub.example.com",
            "subject": "repo:example/app:ref:refs/heads/main",
            "claims": {"environment": "production"},
        }
        for robot, place in (("robot_id", "trust_id"), ("system_robot_id", "system_trust_id")):
            self.places[place] = self.make(f"/robots/{self.places[robot]}/trusts", trust)

    def rules(self) -> None:
        """Immutability, push rules, and webhooks: before anything is pushed, so that they speak of it."""
        rule = {
            "action": "immutable",
            "template": "immutable_template",
            "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "release-*"}],
            "scope_selectors": {"repository": _EVERYTHING},
        }
        self.places["rule_id"] = self.make(f"{self.path}/immutabletagrules", rule)
        self.done(self.client.put(f"{self.path}/push-rules", json={"media_types": ["**"]}))
        self.places["policy_id"] = self.make(
            f"{self.path}/webhook/policies",
            {
                "name": "chat",
                "description": "Tells the chat",
                "targets": [
                    {
                        "type": "http",
                        "address": self.receiver.url,
                        "auth_header": "Bearer s3cret-of-the-chat",
                        "skip_cert_verify": False,
                    }
                ],
                "event_types": ["PUSH_ARTIFACT", "DELETE_ARTIFACT"],
                "enabled": True,
            },
        )

    def trash(self, registry: RegistryClient, contents: Contents) -> None:
        """A deleted repository, and a deleted tag."""
        registry.push(f"{self.project}/old/tool", contents.other, tag="v1")
        self.done(self.client.delete(f"{self.path}/repositories/old%252Ftool"))
        image = f"{self.path}/repositories/{contents.escaped}/artifacts/{contents.image.digest}"
        self.done(self.client.post(f"{image}/tags", json={"name": "mistake"}), 201)
        self.done(self.client.delete(f"{image}/tags/mistake"))
        entries = self.read(f"{self.path}/trash")
        self.places["entry_id"] = max(one["id"] for one in entries if one["kind"] == "repository")

    def retention(self) -> None:
        """A policy and its dry run, finished."""
        rule = {
            "action": "retain",
            "template": "latestPushedK",
            "params": {"latestPushedK": 1},
            "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}],
            "scope_selectors": {"repository": _EVERYTHING},
        }
        policy = self.make(
            "/retentions",
            {
                "algorithm": "or",
                "rules": [rule],
                "trigger": {"kind": "Schedule", "settings": {"cron": "0 0 0 * * *"}, "references": {}},
                "scope": {"level": "project", "ref": self.id},
            },
        )
        path = f"/retentions/{policy}/executions"
        run = self.make(path, {"dry_run": True})
        self.finished(path, "status")
        tasks = self.read(f"{path}/{run}/tasks")
        task = next(one for one in tasks if one["repository"].endswith("shop"))
        self.places |= {
            "retention_id": policy,
            "retention_run": run,
            "retention_task": task["id"],
            "job_id": task["id"],
        }

    def works(self) -> None:
        """A collection and a purge that change nothing, finished, and their schedules."""
        parameters = {
            "dry_run": True,
            "audit_retention_hour": 24 * 365,
            "include_event_types": "pull_artifact",
        }
        for place, path in (("collection", "/system/gc"), ("purge", "/system/purgeaudit")):
            body = {"schedule": {"type": "Manual"}, "parameters": parameters}
            self.places[place] = self.make(f"{path}/schedule", body)
            self.finished(f"{path}?page_size=100", "job_status")

    def delivery(self) -> None:
        """The deliveries of the webhook, when all of them are over."""
        path = f"{self.path}/webhook/policies/{self.places['policy_id']}/executions"
        self.finished(path, "status")
        self.places["delivery"] = self.read(path)[0]["id"]

    def finished(self, path: str, status: str) -> None:
        """Wait until there is something and all of it is over."""
        eventually(lambda: self.read(path), lambda found: found and {one[status] for one in found} <= _FINAL)

    def artifact_id(self, contents: Contents) -> int:
        """The number of the image."""
        path = f"{self.path}/repositories/{contents.escaped}/artifacts/{contents.image.digest}"
        return int(self.read(path)["id"])

    def quota_id(self) -> int:
        """The quota of the project."""
        quotas = self.read(f"/quotas?reference=project&reference_id={self.id}")
        return int(quotas[0]["id"])


def _number(client: httpx.Client, project: str) -> int:
    return int(client.get(f"/projects/{project}").json()["project_id"])
