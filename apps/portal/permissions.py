"""The permissions of robot accounts as people read them: a table of resources and actions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.projects.roles import Permission
from apps.robots.constants import EVERY_PROJECT, SYSTEM
from apps.robots.types import DENY, Access, RobotPermission

_ACTIONS: Mapping[str, str | Promise] = {
    "create": _("create"),
    "read": _("read"),
    "update": _("update"),
    "delete": _("delete"),
    "list": _("list"),
    "pull": _("pull"),
    "push": _("push"),
    "stop": _("stop"),
}

_RESOURCES: Mapping[str, str | Promise] = {
    "accessory": _("Accessories"),
    "artifact": _("Artifacts"),
    "artifact-addition": _("Contents of artifacts"),
    "artifact-label": _("Labels on artifacts"),
    "audit-log": _("Audit log"),
    "catalog": _("Catalogue"),
    "export-cve": _("Exports of vulnerabilities"),
    "garbage-collection": _("Garbage collection"),
    "immutable-tag": _("Immutability rules"),
    "jobservice-monitor": _("Job dashboard"),
    "label": _("Labels"),
    "ldap-user": _("People of LDAP"),
    "log": _("Logs"),
    "member": _("Members"),
    "metadata": _("Metadata"),
    "notification-policy": _("Webhooks"),
    "preheat-instance": _("Preheat instances"),
    "preheat-policy": _("Preheat policies"),
    "project": _("Projects"),
    "purge-audit": _("Log rotation"),
    "quota": _("Quotas"),
    "registry": _("Remote registries"),
    "replication": _("Replications"),
    "replication-adapter": _("Replication adapters"),
    "replication-policy": _("Replication policies"),
    "repository": _("Repositories"),
    "robot": _("Robot accounts"),
    "sbom": _("Software bills of materials"),
    "scan": _("Scans"),
    "scan-all": _("Scans of everything"),
    "scanner": _("Scanners"),
    "security-hub": _("Security hub"),
    "system-volumes": _("Storage volumes"),
    "tag": _("Tags"),
    "tag-retention": _("Tag retention"),
    "user": _("Users"),
    "user-group": _("Groups"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a resource and an action meet. ``value`` is "" where there is nothing to allow."""

    value: str
    action: str | Promise


@dataclass(frozen=True, slots=True)
class Row:
    """A resource, in words, with a cell for each action."""

    resource: str | Promise
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Panel:
    """A table of everything that can be granted."""

    actions: Sequence[str | Promise]
    rows: Sequence[Row]


def permission_value(resource: str, action: str) -> str:
    """The two in one word, as forms send them."""
    return f"{resource}:{action}"


def panel_of(permissions: Sequence[Permission]) -> Panel:
    """The table of these permissions, resources in their order."""
    known = frozenset(permissions)
    actions = [action for action in _ACTIONS if any(action == one for _resource, one in permissions)]
    resources = dict.fromkeys(resource for resource, _action in permissions)
    rows = [
        Row(
            _RESOURCES[resource],
            [
                Cell(
                    permission_value(resource, action) if (resource, action) in known else "",
                    _ACTIONS[action],
                )
                for action in actions
            ],
        )
        for resource in resources
    ]
    return Panel([_ACTIONS[action] for action in actions], rows)


class PermissionsField(forms.MultipleChoiceField):
    """A panel of boxes; its value is what was ticked, as ``resource:action``."""

    def __init__(self, permissions: Sequence[Permission], **options: Any) -> None:
        self.panel = panel_of(permissions)
        choices = [(permission_value(*permission),) * 2 for permission in permissions]
        super().__init__(
            **{
                "choices": choices,
                "required": False,
                "widget": forms.CheckboxSelectMultiple,
                "template_name": "portal/forms/permissions.html",
                **options,
            }
        )


def accesses_of(values: Sequence[str]) -> tuple[Access, ...]:
    """What the boxes allow."""
    return tuple(Access(*value.split(":")) for value in values)


@dataclass(frozen=True, slots=True)
class Granted:
    """What a robot account may do in one place, in words.

    ``allowed`` and ``denied`` are resources with their actions; ``project`` is a project's name, "" for other places.
    """

    place: str | Promise
    project: str
    count: int
    allowed: Mapping[str | Promise, Sequence[str | Promise]]
    denied: Mapping[str | Promise, Sequence[str | Promise]]
    repositories: Sequence[str]


def granted(permission: RobotPermission) -> Granted:
    """One permission in words."""
    project = ""
    place: str | Promise
    if permission.kind == SYSTEM:
        place = _("Installation")
    elif permission.namespace == EVERY_PROJECT:
        place = _("Every project")
    else:
        place = project = permission.namespace
    sides: tuple[dict[str | Promise, list[str | Promise]], dict[str | Promise, list[str | Promise]]] = (
        {},
        {},
    )
    for access in permission.access:
        resource = _RESOURCES.get(access.resource, access.resource)
        sides[access.effect == DENY].setdefault(resource, []).append(
            _ACTIONS.get(access.action, access.action)
        )
    return Granted(place, project, len(permission.access), *sides, permission.repositories)
