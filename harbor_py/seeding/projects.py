"""Seeded projects with their members, labels, robot accounts and rules; repositories by name."""

import json
from dataclasses import dataclass, field
from random import Random

from apps.immutability.models import ImmutableRule
from apps.projects.models import Label, Member, Project, ProjectMetadata
from apps.projects.types import Role
from apps.robots.models import Robot
from harbor_py.seeding.clock import SPAN, at
from harbor_py.seeding.people import People
from harbor_py.seeding.sizes import Size
from harbor_py.seeding.tables import Sink

_WORDS = (
    "atlas",
    "billing",
    "catalog",
    "delivery",
    "edge",
    "finance",
    "gateway",
    "identity",
    "mobile",
    "orders",
)
_TEAMS = ("", "", "core/", "web/", "jobs/", "tools/internal/")
_SERVICES = (
    "api",
    "worker",
    "frontend",
    "scheduler",
    "proxy",
    "importer",
    "mailer",
    "search",
    "runner",
    "base",
)
_COLORS = ("#48960C", "#0065AB", "#C92100", "#9B0D54", "#004D8A")
# Nobody signs in with a robot account of a seed: this is no hash.
_NO_SECRET = "!seeded"  # noqa: S105
_MOST_MEMBERS = 2_000


@dataclass(slots=True)
class SeedRepository:
    """``artifacts`` is how many it gets; ``pulls`` counts those of the audit log."""

    id: int
    name: str
    artifacts: int = 1
    pulls: int = 0
    first_second: int = 0


@dataclass(slots=True)
class SeedProject:
    """A project with its labels' ids and its repositories; ``used`` in bytes."""

    id: int
    name: str
    labels: list[int]
    repositories: list[SeedRepository] = field(default_factory=list)
    used: int = 0


def projects_seed(sink: Sink, random: Random, size: Size, people: People) -> list[SeedProject]:
    """Make projects and what belongs to them; their repositories get rows later, when their pulls are counted."""
    projects = sink.table(Project, "id", "name", "owner_id", "public", "creation_time", "update_time")
    switches = sink.table(ProjectMetadata, "project_id", "name", "value")
    labels = sink.table(Label, "id", "name", "description", "color", "scope", "project_id", "creation_time")
    rules = sink.table(ImmutableRule, "project_id", "tag_selectors", "scope_selectors", "creation_time")
    members = _Members(sink, random, people)
    robots = _Robots(sink)
    made: list[SeedProject] = []
    label_id = labels.first_id
    for number in range(10):
        labels.add(
            label_id, f"seed-{label_id}", "for all projects", _COLORS[number % 5], Label.GLOBAL, None, at(0)
        )
        label_id += 1
    for number in range(size.projects):
        identifier = projects.first_id + number
        name = f"{random.choice(_WORDS)}-{identifier}"
        created = at(random.random() * SPAN / 8)
        projects.add(identifier, name, random.choice(people.users)[0], int(number % 5 == 0), created, created)
        switches.add(identifier, "auto_scan", "true")
        switches.add(identifier, "severity", random.choice(("low", "medium", "high")))
        own = list(range(label_id, label_id + 6))
        label_id += len(own)
        for place, label in enumerate(own):
            labels.add(label, f"stage-{place}", "", _COLORS[place % 5], Label.OF_PROJECT, identifier, created)
        if number % 3 == 0:
            rules.add(identifier, json.dumps([_matches("matches", "release-*")]),
                      json.dumps({"repository": [_matches("repoMatches", "**")]}), created)  # fmt: skip
        members.add(identifier, most=number == 0)
        robots.add(identifier, name, created)
        made.append(SeedProject(identifier, name, own))
    return made


def _matches(decoration: str, pattern: str) -> dict[str, str]:
    return {"kind": "doublestar", "decoration": decoration, "pattern": pattern}


class _Members:
    def __init__(self, sink: Sink, random: Random, people: People) -> None:
        self._table = sink.table(Member, "project_id", "user_id", "group_id", "role", "creation_time")
        self._random = random
        self._people = people

    def add(self, project: int, *, most: bool) -> None:
        """Some people, in one project very many, and a group."""
        random, people = self._random, self._people
        wanted = _MOST_MEMBERS if most else 3 + int(random.paretovariate(0.8))
        for place, (user, _) in enumerate(random.sample(people.users, min(wanted, len(people.users)))):
            role = Role.PROJECT_ADMIN if place == 0 else random.choice(list(Role))
            self._table.add(project, user, None, role.value, at(random.random() * SPAN))
        group = random.choice(people.groups)
        self._table.add(project, None, group, Role.DEVELOPER.value, at(random.random() * SPAN))


class _Robots:
    def __init__(self, sink: Sink) -> None:
        self._table = sink.table(Robot, "name", "project_id", "secret", "permissions", "creation_time")
        for number in range(5):
            name = f"seed-{self._table.first_id + number}"
            access = [{"resource": "project", "action": "list", "effect": "allow"}]
            permissions = [{"kind": "system", "namespace": "/", "access": access}]
            self._table.add(name, None, _NO_SECRET, json.dumps(permissions), at(0))

    def add(self, project: int, name: str, created: str) -> None:
        """One that pulls and one that pushes."""
        for robot, actions in (("deploy", ("pull",)), ("ci", ("pull", "push"))):
            access = [{"resource": "repository", "action": action, "effect": "allow"} for action in actions]
            permissions = [{"kind": "project", "namespace": name, "access": access}]
            self._table.add(f"{name}+{robot}", project, _NO_SECRET, json.dumps(permissions), created)


def repositories_name(
    projects: list[SeedProject], random: Random, size: Size, *, first_id: int
) -> list[SeedRepository]:
    """Give each project its repositories, and each of those a number of artifacts; a few have most of them."""
    every: list[SeedRepository] = []
    for project in projects:
        count = size.most_repositories if project is projects[-1] else size.repositories
        for _ in range(count):
            identifier = first_id + len(every)
            name = f"{project.name}/{random.choice(_TEAMS)}{random.choice(_SERVICES)}-{identifier}"
            every.append(SeedRepository(identifier, name, first_second=int(random.random() * SPAN / 2)))
            project.repositories.append(every[-1])
    every[0].artifacts = size.most_artifacts
    weights = [min(random.paretovariate(1.1), 300.0) for _ in every[1:]]
    spare = size.artifacts - size.most_artifacts - len(weights)
    share = spare / sum(weights)
    owed = 0.0
    for repository, weight in zip(every[1:], weights, strict=True):
        # What rounding leaves goes to the next one, so that the sum is right.
        owed += weight * share
        repository.artifacts += int(owed)
        owed -= int(owed)
    every[-1].artifacts += size.artifacts - sum(repository.artifacts for repository in every)
    return every
