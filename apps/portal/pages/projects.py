"""The projects: the list that the portal opens with, a new one, the end of one."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.security import SecurityContext, require_system
from apps.catalog.projects import project_deletable, repository_counts
from apps.catalog.statistics import statistics
from apps.common.errors import PreconditionError
from apps.config.selectors import system_settings
from apps.portal.forms import PortalForm
from apps.portal.lists import Table, table_page
from apps.portal.views import ALWAYS, ConfirmMixin, FormMixin, PortalView, ProjectPage
from apps.projects.models import Project
from apps.projects.roles import ROLE_RANK
from apps.projects.selectors import projects_visible_to, roles_of
from apps.projects.services import project_create, project_delete

_PROJECTS = Table(
    order=("name", "id"),
    search=("name",),
    sorts={"name": "name", "created": "creation_time", "access": "public"},
)
_VISIBILITY = {"public": True, "private": False}
_GIB = 1024**3


class ProjectsPage(PortalView):
    """``/harbor/projects``."""

    needs_sign_in = False
    template = "portal/projects.html"
    resource_type = "project"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The projects that the visitor may see, with their roles in them."""
        rows = projects_visible_to(self.actor)
        visibility = str(request.GET.get("visibility", ""))
        if visibility in _VISIBILITY:
            rows = rows.filter(public=_VISIBILITY[visibility])
        page = table_page(request, rows, _PROJECTS)
        counts = repository_counts(project.pk for project in page.rows)
        roles = self._roles()
        lines = [(project, counts.get(project.pk, 0), roles.get(project.pk)) for project in page.rows]
        return self.render(
            title=_("Projects"),
            page=page,
            lines=lines,
            visibility=visibility,
            kept={"visibility": visibility} if visibility else {},
            statistics=statistics(actor=self.actor),
            may_create=_may_create(self.actor),
        )

    def _roles(self) -> Mapping[int, Any]:
        """The visitor's highest role in each project that they are a member of."""
        if self.principal is None or self.principal.person is None:
            return {}
        memberships = roles_of(self.principal.person)
        held = {project: {one.role for one in roles} for project, roles in memberships.items()}
        return {project: next(role for role in ROLE_RANK if role in roles) for project, roles in held.items()}


def _may_create(actor: SecurityContext) -> bool:
    """Whether the visitor may make projects: no visitor, and by default no auditor, but everybody else."""
    if actor.principal is None:
        return False
    only_admins = system_settings().project_creation_restriction == "adminonly" or actor.principal.is_auditor
    return not only_admins or actor.can_system("project", "create")


class ProjectForm(PortalForm):
    """A new project."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=255,
        help_text=gettext_lazy("Small letters, digits, and . _ - between them. It cannot be changed later."),
    )
    public = forms.BooleanField(
        label=gettext_lazy("Public"),
        required=False,
        help_text=gettext_lazy("Anybody may pull from a public project, without signing in."),
    )
    storage_limit = forms.IntegerField(
        label=gettext_lazy("Storage limit in GiB"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("Empty for the installation's default."),
    )

    def __init__(self, *args: Any, is_system_admin: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not is_system_admin:
            # Nobody else's limit counts.
            del self.fields["storage_limit"]


class ProjectCreatePage(FormMixin, PortalView):
    """``/harbor/projects/new``."""

    form_class = ProjectForm
    resource_type = "project"

    def check(self, request: HttpRequest) -> None:
        """Who may make no project is not shown the form."""
        super().check(request)
        if not _may_create(self.actor):
            require_system(self.actor, "project", "create")

    def form_arguments(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"is_system_admin": self.actor.is_system_admin}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("New project"), "submit": _("Create")}

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return reverse("portal:projects")

    def save(self, form: Any) -> HttpResponse:
        """Make it and go there."""
        limit = form.cleaned_data.get("storage_limit")
        project = project_create(
            actor=self.actor,
            name=form.cleaned_data["name"],
            public=form.cleaned_data["public"],
            storage_limit=limit * _GIB if limit else None,
        )
        return self.done(
            _("The project %(name)s is there.") % {"name": project.name},
            reverse("portal:project-summary", args=[project.pk]),
        )


class ProjectDeletePage(ConfirmMixin, ProjectPage):
    """``/harbor/projects/ID/delete``."""

    action = "delete"
    resource_type = "project"
    dangerous = ALWAYS

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Delete the project %(name)s?") % {"name": self.project.name},
            "text": _("Its members, robot accounts, labels and rules go with it."),
            "undo": _("This cannot be undone. A project that still has repositories is not deleted."),
            "submit": _("Delete"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return reverse("portal:projects")

    def act(self) -> HttpResponse:
        """Delete it."""
        if reason := project_deletable(self.project):
            raise PreconditionError(reason)
        project: Project = self.project
        project_delete(actor=self.actor, project_id=project.pk)
        return self.done(
            _("The project %(name)s is deleted.") % {"name": project.name}, reverse("portal:projects")
        )


urlpatterns = [
    path("harbor/projects", ProjectsPage.as_view(), name="projects"),
    path("harbor/projects/new", ProjectCreatePage.as_view(), name="project-new"),
    path("harbor/projects/<int:project_id>/delete", ProjectDeletePage.as_view(), name="project-delete"),
]
