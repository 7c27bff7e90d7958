"""Who may do what: the role table, and what robot accounts can be granted, as data.

``C R U D L`` stand for create, read, update, delete and list; other actions are written out. The tables are
Harbor 2.16's, but for ``metadata:list``, which Harbor grants to no role by mistake and a project admin has here.
"""

from collections.abc import Mapping

from apps.projects.types import Role

Permission = tuple[str, str]
"""(resource, action); the resource "" is the project itself."""

_LETTERS = {"C": "create", "R": "read", "U": "update", "D": "delete", "L": "list"}

# resource: project admin, maintainer, developer, guest, limited guest, any visitor of a public project
_ROLES: dict[str, tuple[str, str, str, str, str, str]] = {
    "": ("RUD", "R", "R", "R", "R", "R"),
    "member": ("CRUDL", "RL", "RL", "RL", "", ""),
    "metadata": ("CRUDL", "R", "", "", "", ""),
    "log": ("L", "", "", "", "", ""),
    "label": ("CRUDL", "CRUDL", "RL", "RL", "", "RL"),
    "quota": ("R", "R", "R", "R", "R", ""),
    "repository": ("CRUDL pull push", "CRUDL pull push", "CRUL pull push", "RL pull", "RL pull", "L pull"),
    "tag-retention": ("CRUDL operate", "CRUDL operate", "CRUDL operate", "", "", ""),
    "immutable-tag": ("CUDL", "CUDL", "", "", "", ""),
    "configuration": ("RU", "R", "R", "R", "R", ""),
    "robot": ("CRUDL", "RL", "RL", "RL", "", ""),
    "notification-policy": ("CRUDL", "RL", "", "", "", ""),
    "scan": ("CR stop", "CR stop", "R", "R", "R", "R"),
    "sbom": ("CR stop", "CR stop", "R", "R", "R", ""),
    "scanner": ("CR", "R", "R", "R", "R", "R"),
    "artifact": ("CRDL", "CRDL", "CRL", "RL", "RL", "RL"),
    "artifact-addition": ("R", "R", "R", "R", "R", "R"),
    "tag": ("CDL", "CDL", "CL", "L", "L", "L"),
    "accessory": ("L", "L", "L", "L", "L", "L"),
    "artifact-label": ("CD", "CD", "CD", "", "", ""),
    "preheat-policy": ("CRUDL", "", "", "", "", ""),
    "export-cve": ("CRL", "CRL", "CRL", "", "", ""),
}

# resource: what a system administrator is told they may do, what a robot account can be granted
_SYSTEM: dict[str, tuple[str, str]] = {
    "catalog": ("R", "R"),
    "audit-log": ("L", "L"),
    "project": ("CRUDL", "CL"),
    "user": ("CRUDL", "CRUDL"),
    "user-group": ("CRUDL", "CRUDL"),
    "registry": ("CRUDL", "CRUDL"),
    "replication": ("CRUDL", "CRL"),
    "distribution": ("CRUDL", ""),
    "garbage-collection": ("CRUDL", "CRUL stop"),
    "scan-all": ("CRUDL stop", "CRU stop"),
    "system-volumes": ("R", "R"),
    "ldap-user": ("CL", "CL"),
    "configuration": ("RU", ""),
    "jobservice-monitor": ("RL stop", "L stop"),
    "security-hub": ("RL", "RL"),
    "preheat-instance": ("", "CRUDL"),
    "replication-policy": ("", "CRUDL"),
    "replication-adapter": ("", "L"),
    "purge-audit": ("", "CRUL stop"),
    "scanner": ("", "CRUDL"),
    "label": ("", "CRUD"),
    "quota": ("", "RUL"),
    "robot": ("", "CRDL"),
}

# What a robot account can be granted in a project; the project itself is called ``project`` here.
_PROJECT_GRANTABLE: dict[str, str] = {
    "log": "L",
    "project": "RUD",
    "metadata": "CRUDL",
    "repository": "RUDL pull push",
    "artifact": "CRDL",
    "scan": "CR stop",
    "sbom": "CR stop",
    "tag": "CDL",
    "accessory": "L",
    "artifact-addition": "R",
    "artifact-label": "CD",
    "scanner": "CR",
    "preheat-policy": "CRUDL",
    "immutable-tag": "CUDL",
    "notification-policy": "CRUDL",
    "tag-retention": "CRUDL",
    "label": "CRUDL",
    "quota": "R",
    "robot": "CRDL",
    "export-cve": "CR",
    "member": "CRUDL",
}


def _actions(cell: str) -> tuple[str, ...]:
    """The actions of a cell, in its order."""
    return tuple(
        action
        for word in cell.split()
        for action in (map(_LETTERS.__getitem__, word) if word.isupper() else (word,))
    )


def _ordered(cells: Mapping[str, str]) -> tuple[Permission, ...]:
    return tuple((resource, action) for resource, cell in cells.items() for action in _actions(cell))


def _column(column: int) -> frozenset[Permission]:
    return frozenset(_ordered({resource: cells[column] for resource, cells in _ROLES.items()}))


ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.PROJECT_ADMIN: _column(0),
    Role.MAINTAINER: _column(1),
    Role.DEVELOPER: _column(2),
    Role.GUEST: _column(3),
    Role.LIMITED_GUEST: _column(4),
}
"""What a member may do in their project."""

PUBLIC_PERMISSIONS = _column(5)
"""What anybody may do in a public project, signed in or not."""

SYSTEM_PERMISSIONS = _ordered({resource: told for resource, (told, _) in _SYSTEM.items()})
"""What a system administrator is told they may do (they may do everything), in the API's order."""

SYSTEM_GRANTABLE = _ordered({resource: granted for resource, (_, granted) in _SYSTEM.items()})
"""What a system robot account can be granted on the installation, in the API's order."""

PROJECT_GRANTABLE = _ordered(_PROJECT_GRANTABLE)
"""What a robot account can be granted in a project, in the API's order; ``project`` is the project itself."""

PROJECT_PERMISSIONS: frozenset[Permission] = frozenset().union(
    *ROLE_PERMISSIONS.values(),
    PUBLIC_PERMISSIONS,
    {("" if resource == "project" else resource, action) for resource, action in PROJECT_GRANTABLE},
)
"""Every permission that there is in a project."""

ROLE_RANK = (Role.PROJECT_ADMIN, Role.MAINTAINER, Role.DEVELOPER, Role.GUEST, Role.LIMITED_GUEST)
"""Roles, the one that may most first."""
