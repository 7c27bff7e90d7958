"""People straight in the database, for tests below HTTP."""

import json
import secrets
import uuid

from apps.accounts.models import User
from apps.accounts.selectors import principal_of
from apps.common.stamps import touch
from apps.config.models import Setting
from apps.config.selectors import SETTINGS_STAMP
from apps.projects.contexts import LocalSecurityContext
from apps.projects.models import Project
from apps.projects.selectors import roles_of
from apps.projects.types import Role


def person(name: str = "", *, sysadmin: bool = False, password: str = "") -> User:
    """A user; ``password`` is an encoded hash, none by default: hashing takes time."""
    name = name or f"person-{uuid.uuid4().hex[:10]}"
    # An id of its own: what a fresh table would give the first one is the first administrator's.
    return User.objects.create(
        id=secrets.randbelow(1 << 40) + 1000,
        username=name,
        email=f"{name}@example.com",
        sysadmin_flag=sysadmin,
        password=password or "!",
    )


def acting(user: User) -> LocalSecurityContext:
    """The context of this user as the row is now."""
    user.refresh_from_db()
    principal = principal_of(user)
    assert principal is not None
    return LocalSecurityContext(principal)


def roles_in(user: User, project: Project) -> tuple[Role, ...]:
    """What a person may call themselves in a project, by their own role and those of their groups."""
    memberships = roles_of(user.pk).get(project.pk, ())
    return tuple(dict.fromkeys(membership.role for membership in memberships))


def seen_events(monkeypatch, bus_module) -> list:
    """Every event from now on, as it is published, in order."""
    events: list = []
    publish = bus_module.publish

    def recording(event) -> None:
        publish(event)
        events.append(event)

    monkeypatch.setattr(bus_module, "publish", recording)
    return events


def settings_are(**values: object) -> None:
    """Give system settings these values, as an administrator does."""
    for name, value in values.items():
        Setting.objects.update_or_create(name=name, defaults={"value": json.dumps(value)})
    touch(SETTINGS_STAMP)
