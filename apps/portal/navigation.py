"""Where one can go, and who: the menu at the side and the tabs of a project."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.security import SecurityContext
from apps.projects.models import Project

Text = str | Promise


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """A link of a menu; ``icon`` is a name of the sprite."""

    key: str
    label: Text
    url: str
    icon: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class NavigationGroup:
    """Links under a heading; "" for those without."""

    label: Text
    items: Sequence[NavigationItem]


# key (the URL's name), label, icon, who: "" for everybody, "person" for who is signed in,
# else resource and action of the installation.
_MAIN: tuple[tuple[str, Text, str, str], ...] = (
    ("projects", _("Projects"), "folder", ""),
    ("logs", _("Logs"), "history", "person"),
)
_ADMINISTRATION: tuple[tuple[str, Text, str, str], ...] = (
    ("users", _("Users"), "user", "user:list"),
    ("groups", _("Groups"), "users-group", "user-group:list"),
    ("robots", _("Robot accounts"), "robot", "robot:list"),
    ("labels", _("Labels"), "tag", "label:list"),
    ("quotas", _("Project quotas"), "gauge", "quota:list"),
    ("gc", _("Garbage collection"), "recycle", "garbage-collection:list"),
    ("purge", _("Log rotation"), "vacuum-cleaner", "purge-audit:list"),
    ("jobs", _("Job dashboard"), "dashboard", "jobservice-monitor:list"),
    ("statistics", _("Statistics"), "chart-line", "quota:list"),
    ("system-settings", _("System settings"), "settings", "configuration:read"),
)

# key (the URL's name without "project-"), label, icon, resource and action in the project
_TABS: tuple[tuple[str, Text, str, str], ...] = (
    ("summary", _("Summary"), "home", ":read"),
    ("repositories", _("Repositories"), "packages", "repository:list"),
    ("members", _("Members"), "users", "member:list"),
    ("labels", _("Labels"), "tag", "label:create"),
    ("robots", _("Robot accounts"), "robot", "robot:list"),
    ("retention", _("Tag retention"), "clock", "tag-retention:read"),
    ("immutability", _("Tag immutability"), "lock", "immutable-tag:list"),
    ("push-rules", _("Push rules"), "shield", "metadata:read"),
    ("webhooks", _("Webhooks"), "webhook", "notification-policy:list"),
    ("trash", _("Trash"), "trash", "artifact:delete"),
    ("logs", _("Logs"), "history", "log:list"),
    ("configuration", _("Configuration"), "settings", "metadata:read"),
)
# Those of them that an auditor opens who may not do there what the tab is for.
_AUDITED = frozenset({"labels", "trash"})


def main_navigation(actor: SecurityContext, path: str) -> list[NavigationGroup]:
    """The menu at the side; the item that ``path`` lies below is marked."""

    def items(rows: Sequence[tuple[str, Text, str, str]]) -> list[NavigationItem]:
        shown = [row for row in rows if _may_system(actor, row[3])]
        urls = [(row, reverse(f"portal:{row[0]}")) for row in shown]
        return [
            NavigationItem(key, label, url, icon, path.startswith(url))
            for (key, label, icon, _who), url in urls
        ]

    groups = [NavigationGroup("", items(_MAIN)), NavigationGroup(_("Administration"), items(_ADMINISTRATION))]
    return [group for group in groups if group.items]


def project_navigation(actor: SecurityContext, project: Project, current: str) -> list[NavigationItem]:
    """The tabs of a project that the caller may open."""
    return [
        NavigationItem(key, label, reverse(f"portal:project-{key}", args=[project.pk]), icon, key == current)
        for key, label, icon, permission in _TABS
        if _may_project(actor, project, permission) or (actor.sees_everything and key in _AUDITED)
    ]


def _may_system(actor: SecurityContext, permission: str) -> bool:
    if not permission:
        return True
    if permission == "person":
        return actor.principal is not None
    resource, _colon, action = permission.partition(":")
    return actor.can_system(resource, action)


def _may_project(actor: SecurityContext, project: Project, permission: str) -> bool:
    resource, _colon, action = permission.partition(":")
    return actor.can_project(project.pk, public=project.public, resource=resource, action=action)
