"""The forms of robot accounts, and how permissions become boxes in them and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.portal.forms import LinesField, PortalForm
from apps.portal.permissions import PermissionsField, accesses_of, permission_value
from apps.projects.roles import PROJECT_GRANTABLE, SYSTEM_GRANTABLE
from apps.robots.constants import (
    EVERY_PROJECT,
    FOR_EVER,
    MAX_DESCRIPTION,
    MAX_DURATION_DAYS,
    MAX_NAME,
    PROJECT,
    SYSTEM,
    SYSTEM_NAMESPACE,
)
from apps.robots.types import ALLOW, RobotPermission

_NO_PROJECT, _SOME, _EVERY = "none", "some", "every"


class RobotForm(PortalForm):
    """A robot account of a project."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=MAX_NAME,
        help_text=gettext_lazy("Small letters, digits, and . _ - between them. It cannot be changed later."),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"), max_length=MAX_DESCRIPTION, required=False
    )
    days = forms.IntegerField(
        label=gettext_lazy("Valid for days"),
        required=False,
        min_value=1,
        max_value=MAX_DURATION_DAYS,
        help_text=gettext_lazy("Counted from when the account was made."),
    )
    never = forms.BooleanField(label=gettext_lazy("Valid for ever"), required=False)
    sources = LinesField(
        label=gettext_lazy("Networks that it may be used from"),
        help_text=gettext_lazy(
            "Addresses or networks such as 192.0.2.0/24, one on each line. Empty for anywhere."
        ),
    )
    access = PermissionsField(PROJECT_GRANTABLE, label=gettext_lazy("What it may do in the project"))
    repositories = LinesField(
        label=gettext_lazy("Only in these repositories"),
        help_text=gettext_lazy(
            "Patterns without the project, one on each line, such as base/**. Empty for every repository."
        ),
    )

    def __init__(
        self, *args: Any, namespace: str, is_new: bool, keeps_permissions: bool, **options: Any
    ) -> None:
        """``namespace`` is the project's name, if it is of one.

        ``keeps_permissions`` leaves out everything about them: they are no set of boxes.
        """
        super().__init__(*args, **options)
        self.namespace = namespace
        gone: tuple[str, ...] = () if is_new else ("name",)
        if keeps_permissions:
            gone += ("access", "repositories", "system", "coverage", "projects")
        for name in gone:
            self.fields.pop(name, None)

    def clean(self) -> dict[str, Any]:
        """A duration in one of the two ways."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not data.get("never") and not data.get("days") and "days" not in self.errors:
            self.add_error("days", _("Say for how many days, or that it is valid for ever."))
        self.clean_permissions(data)
        return data

    def clean_permissions(self, data: Mapping[str, Any]) -> None:
        """At least one box."""
        if "access" in self.fields and not data.get("access"):
            self.add_error("access", _("Choose at least one permission."))

    def values(self) -> dict[str, Any]:
        """What the services take, without the permissions."""
        data = self.cleaned_data
        days = FOR_EVER if data["never"] else data["days"]
        return {"description": data["description"], "duration": days, "sources": data["sources"]}

    def permissions(self) -> list[RobotPermission]:
        """What was chosen."""
        return [self.in_project(self.namespace)]

    def in_project(self, name: str) -> RobotPermission:
        """The boxes for projects, ticked for this one."""
        data = self.cleaned_data
        return RobotPermission(PROJECT, name, accesses_of(data["access"]), tuple(data["repositories"]))


class SystemRobotForm(RobotForm):
    """A robot account of the installation, for some projects or all of them."""

    system = PermissionsField(SYSTEM_GRANTABLE, label=gettext_lazy("What it may do in the installation"))
    coverage = forms.ChoiceField(
        label=gettext_lazy("Projects"),
        choices=[
            (_NO_PROJECT, gettext_lazy("no project")),
            (_EVERY, gettext_lazy("every project, those to come too")),
            (_SOME, gettext_lazy("the projects below")),
        ],
        widget=forms.RadioSelect,
    )
    projects = LinesField(
        label=gettext_lazy("Names of projects"),
        help_text=gettext_lazy("One on each line."),
    )
    access = PermissionsField(PROJECT_GRANTABLE, label=gettext_lazy("What it may do in these projects"))

    field_order = (
        *("name", "description", "days", "never", "sources"),
        *("system", "coverage", "projects", "access", "repositories"),
    )

    def clean_permissions(self, data: Mapping[str, Any]) -> None:
        """At least one box; boxes for projects go with projects."""
        if "system" not in self.fields:
            return
        coverage, access = data.get("coverage"), data.get("access")
        if coverage in (_SOME, _EVERY) and not access:
            self.add_error("access", _("Choose at least one permission."))
        if coverage == _SOME and not data.get("projects"):
            self.add_error("projects", _("Name at least one project."))
        if coverage == _NO_PROJECT and access:
            self.add_error("coverage", _("Say in which projects the permissions below count."))
        if coverage == _NO_PROJECT and not access and not data.get("system"):
            self.add_error("system", _("Choose at least one permission."))

    def permissions(self) -> list[RobotPermission]:
        """See :class:`RobotForm`."""
        data = self.cleaned_data
        names = {_NO_PROJECT: [], _EVERY: [EVERY_PROJECT], _SOME: list(dict.fromkeys(data["projects"]))}
        found = [self.in_project(name) for name in names[data["coverage"]]]
        if data["system"]:
            found.insert(0, RobotPermission(SYSTEM, SYSTEM_NAMESPACE, accesses_of(data["system"])))
        return found


def boxes_of(permissions: Sequence[RobotPermission]) -> dict[str, Any] | None:
    """The first values of the form for these permissions.

    None if boxes cannot show them: the API can deny, and grant something else in each project.
    """
    system = [one for one in permissions if one.kind == SYSTEM]
    projects = [one for one in permissions if one.kind == PROJECT]
    names = [one.namespace for one in projects]
    alike = {(frozenset(one.access), frozenset(one.repositories)) for one in projects}
    is_plain = (
        len(system) < 2
        and len(alike) < 2
        and len(set(names)) == len(names)
        and (EVERY_PROJECT not in names or len(names) == 1)
        and all(access.effect == ALLOW for one in permissions for access in one.access)
    )
    if not is_plain:
        return None
    coverage = _NO_PROJECT if not names else _EVERY if names == [EVERY_PROJECT] else _SOME
    return {
        "system": _values(system),
        "coverage": coverage,
        "projects": names if coverage == _SOME else [],
        "access": _values(projects[:1]),
        "repositories": list(projects[0].repositories) if projects else [],
    }


def _values(permissions: Sequence[RobotPermission]) -> list[str]:
    return [permission_value(access.resource, access.action) for one in permissions for access in one.access]
