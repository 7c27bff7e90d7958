"""Seeded people, groups and access tokens."""

import json
from random import Random

from apps.access_tokens.models import AccessToken
from apps.accounts.models import User, UserGroup, UserGroupMember
from apps.accounts.types import GroupType
from harbor_py.seeding.clock import SPAN, at
from harbor_py.seeding.sizes import Size
from harbor_py.seeding.tables import Sink

_FIRST = ("ada", "alan", "barbara", "claude", "dennis", "edith", "emmy", "frances", "grace", "hedy", "john")
_LAST = (
    "adams",
    "baker",
    "chen",
    "diaz",
    "evans",
    "fischer",
    "garcia",
    "haddad",
    "ito",
    "jansen",
    "khan",
    "lopez",
)


class People:
    """Ids and names of what was made."""

    def __init__(self) -> None:
        self.users: list[tuple[int, str]] = []
        self.groups: list[int] = []


def people_seed(sink: Sink, random: Random, size: Size, *, password: str) -> People:
    """Make users (``password`` is the stored hash of all of them), groups with members, and tokens."""
    users = sink.table(
        User, "id", "username", "email", "realname", "password", "sysadmin_flag", "auditor_flag", "is_active",
        "creation_time",
    )  # fmt: skip
    tokens = sink.table(
        AccessToken, "user_id", "label", "secret_hash", "read_only", "projects", "creation_time"
    )
    people = People()
    for number in range(size.users):
        first, last = random.choice(_FIRST), random.choice(_LAST)
        identifier = users.first_id + number
        name = f"{first}.{last}{identifier}"
        people.users.append((identifier, name))
        users.add(
            identifier, name, f"{name}@example.com", f"{first.title()} {last.title()}", password,
            int(number % 200 == 199), int(number % 100 == 99), int(number % 50 != 49), at(random.random() * SPAN / 4),
        )  # fmt: skip
        for label in ("laptop", "pipeline")[: random.choice((0, 0, 0, 1, 2))]:
            tokens.add(
                identifier, label, f"{random.getrandbits(256):064x}", int(label == "pipeline"), json.dumps([]),
                at(random.random() * SPAN),
            )  # fmt: skip
    groups = sink.table(UserGroup, "id", "group_name", "group_type", "creation_time")
    members = sink.table(UserGroupMember, "group_id", "user_id")
    for number in range(size.groups):
        identifier = groups.first_id + number
        people.groups.append(identifier)
        groups.add(
            identifier, f"team-{identifier:04d}", GroupType.LOCAL.value, at(random.random() * SPAN / 4)
        )
        for user, _ in random.sample(people.users, min(len(people.users), 2 + int(random.paretovariate(1)))):
            members.add(identifier, user)
    return people
